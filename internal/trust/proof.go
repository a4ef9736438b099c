package trust

import (
	"encoding/json"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// proofFile is the form in which a proof is kept: a record, a signed tree head,
// and the hashes that lead from the one to the other. A verification needs only it
// and the database's key.
type proofFile struct {
	Log      string   `json:"log"`
	ID       int64    `json:"id"`
	Record   string   `json:"record"`
	TreeHead string   `json:"tree_head"`
	Hashes   []string `json:"hashes"`
}

func encodeProof(r *Record, hashes tlog.RecordProof) []byte {
	file := proofFile{Log: r.Log, ID: r.ID, Record: r.Text, TreeHead: r.TreeHead, Hashes: []string{}}
	for _, h := range hashes {
		file.Hashes = append(file.Hashes, h.String())
	}
	data, _ := json.MarshalIndent(file, "", "  ") // texts and a number: there is nothing that could fail
	return append(data, '\n')
}

// VerifyOffline checks a proof of [Log.Lookup], without network: that the
// record is about v on p, and in a tree that the database signed. It cannot check
// whether that tree is part of the history that others see; Lookup did
// that when it made the proof.
func (l *Log) VerifyOffline(proof []byte, v gover.Version, p gover.Platform) (Record, error) {
	r, err := l.verify(proof, v, p)
	if err != nil {
		return Record{}, diag.Wrap(diag.ProofInvalid, err, "the kept proof of "+v.Toolchain()+" does not hold",
			"vmgo verify "+v.String(), "vmgo install --reinstall "+v.String())
	}
	return r, nil
}

func (l *Log) verify(proof []byte, v gover.Version, p gover.Platform) (Record, error) {
	file, err := decodeProof(proof)
	if err != nil {
		return Record{}, err
	}
	if IsTlogProof(proof) {
		file.Log = l.name // the key of the tree head tells
	}
	if file.Log != l.name {
		return Record{}, errors.New("it is by the checksum database " + file.Log + ", not by " + l.name)
	}
	tree, err := openTree([]byte(file.TreeHead), l.key)
	if err != nil {
		return Record{}, err
	}
	var hashes tlog.RecordProof
	for _, text := range file.Hashes {
		h, err := tlog.ParseHash(text)
		if err != nil {
			return Record{}, err
		}
		hashes = append(hashes, h)
	}
	if file.ID < 0 || file.ID >= tree.N {
		return Record{}, errors.New("the record is not in the tree")
	}
	if err := tlog.CheckRecord(hashes, tree.N, tree.Hash, file.ID, tlog.RecordHash([]byte(file.Record))); err != nil {
		return Record{}, err
	}
	r := Record{Version: v, Platform: p, Log: l.name, ID: file.ID, TreeSize: tree.N, TreeHead: file.TreeHead,
		Text: file.Record}
	r.Proof = encodeProof(&r, hashes) // a receipt keeps it in its own form
	lines := strings.Split(file.Record, "\n")
	if r.H1, err = onlyHash(lines, gover.ModuleVersion(v, p)); err != nil {
		return Record{}, err
	}
	return r, nil
}
