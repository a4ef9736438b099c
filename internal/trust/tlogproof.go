package trust

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// tlogProofHead is the first line of a proof in the form of c2sp.org/tlog-proof.
const tlogProofHead = "c2sp.org/tlog-proof@v1"

// IsTlogProof reports whether data has the form of c2sp.org/tlog-proof.
func IsTlogProof(data []byte) bool { return bytes.HasPrefix(data, []byte(tlogProofHead+"\n")) }

// TlogProof returns the proof of a record in the form of c2sp.org/tlog-proof, with
// the text of the record as its extra data: the tree head is signed over the hash
// of just that text.
func (r Record) TlogProof() ([]byte, error) {
	file, err := decodeProof(r.Proof)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(tlogProofHead + "\nextra " + base64.StdEncoding.EncodeToString([]byte(file.Record)) + "\n")
	b.WriteString("index " + strconv.FormatInt(file.ID, 10) + "\n")
	for _, hash := range file.Hashes {
		b.WriteString(hash + "\n")
	}
	b.WriteString("\n" + file.TreeHead)
	return b.Bytes(), nil
}

// decodeProof reads either form of a proof.
func decodeProof(proof []byte) (proofFile, error) {
	if IsTlogProof(proof) {
		return parseTlogProof(string(proof))
	}
	var file proofFile
	decoder := json.NewDecoder(bytes.NewReader(proof))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&file)
	return file, err
}

func parseTlogProof(text string) (file proofFile, err error) {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 {
		return file, errors.New("it is not a whole proof of the form " + tlogProofHead)
	}
	extra, hasRecord := strings.CutPrefix(lines[1], "extra ")
	index, hasIndex := strings.CutPrefix(lines[2], "index ")
	if !hasRecord || !hasIndex {
		return file, errors.New("it has no extra line with the record, or no index")
	}
	record, err := base64.StdEncoding.Strict().DecodeString(extra)
	if err != nil {
		return file, err
	}
	if file.ID, _ = strconv.ParseInt(index, 10, 64); strconv.FormatInt(file.ID, 10) != index {
		return file, errors.New("its index is not a number")
	}
	file.Record, file.Hashes, file.TreeHead = string(record), lines[3:], checkpoint
	return file, nil
}
