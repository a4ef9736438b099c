package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
)

// Gossip is how a tree head of another party compares with the one that this
// machine has seen.
type Gossip struct {
	Log    string `json:"log"`
	Ours   int64  `json:"ours"`   // records of the tree that this machine knows
	Theirs int64  `json:"theirs"` // records of the other's newest tree
	Heads  int    `json:"heads"`  // that the other has
}

// Compare proves that every tree head in text, which another machine or party
// has seen, and the one that this machine has seen belong to one history. The text
// may be a tree head as the database signs it (the file "latest" of the state
// directory), a proof, a receipt, or several of these. The error is log-forked,
// with the evidence, if there are two histories.
func (l *Log) Compare(ctx context.Context, text []byte) (Gossip, error) {
	heads := l.headsIn(text)
	if len(heads) == 0 {
		return Gossip{}, diag.New(diag.ProofInvalid, "there is no tree head that "+l.name+" signed in what was given",
			"vmgo verify --gossip https://"+l.name+"/latest")
	}
	return settle(ctx, l, func(s *session) (Gossip, error) { return s.compare(heads) })
}

func (s *session) compare(heads []head) (Gossip, error) {
	known, err := s.known()
	if err == nil && known.N == 0 {
		known, err = s.advance()
	}
	if err != nil {
		return Gossip{}, s.explainModule("latest", err)
	}
	g := Gossip{Log: s.log.name, Ours: known.N, Heads: len(heads)}
	for _, other := range heads {
		g.Theirs = max(g.Theirs, other.N)
		if err := s.sameHistory(known, other); err != nil {
			return Gossip{}, err
		}
	}
	return g, nil
}

// sameHistory proves that the older of two trees is the beginning of the newer
// one. The tiles of the newer one prove or refute it: they are checked against
// its own signed hash first.
func (s *session) sameHistory(known, other head) error {
	older, newer := known, other
	if other.N < known.N {
		older, newer = other, known
	}
	if older.N == newer.N {
		if older.Hash == newer.Hash {
			return nil
		}
		return s.log.forked(forkReport(known, other, older, newer, newer.Hash, nil))
	}
	hashes := tlog.TileHashReader(newer.Tree, (*tileReader)(s))
	prefix, err := tlog.TreeHash(older.N, hashes)
	switch {
	case err != nil:
		// The database does not have the tiles of the newer tree, or has others:
		// it shows this machine a history that the head is not of.
		if t, ok := s.redeem(err); ok {
			return s.explainModule("the tree with "+records(newer.N), t)
		}
		return s.otherHistory(known, other, err)
	case prefix == older.Hash:
		return nil
	}
	proof, err := tlog.ProveTree(newer.N, older.N, hashes)
	if err != nil {
		return s.log.invalidModule("the tree with "+records(newer.N), err)
	}
	return s.log.forked(forkReport(known, other, older, newer, prefix, proof))
}

// otherHistory is the error if the tiles that this machine gets do not belong
// to the newer head, although the database signed it.
func (s *session) otherHistory(known, other head, err error) error {
	if s.cached {
		return diag.Wrap(diag.ProofInvalid, err, "the tiles do not belong to the tree") // settle asks again, without the cache
	}
	return s.log.forked("The checksum database signed a tree head whose tiles it does not show this machine: " + err.Error() +
		"\n\nthe tree head of this machine:\n" + indent(known.note) + "\nthe tree head of the other:\n" + indent(other.note))
}

func records(n int64) string { return strconv.FormatInt(n, 10) + " records" }

// maxGossip bounds the heads that are compared: each costs some requests.
const maxGossip = 64

// signedHead finds tree heads in any text: the note with its signatures.
var signedHead = regexp.MustCompile(`go\.sum database tree\n[0-9]+\n[A-Za-z0-9+/=]+\n\n(?:— [^\n]+\n)+`)

// headsIn returns the tree heads of a text that this database signed, each once.
// In a receipt or a proof they are texts of JSON.
func (l *Log) headsIn(text []byte) []head {
	var list []head
	seen := map[tlog.Tree]bool{}
	for _, part := range append([][]byte{text}, jsonTexts(text)...) {
		for _, signed := range signedHead.FindAll(part, -1) {
			h, err := l.openHead(signed)
			if err == nil && !seen[h.Tree] && len(list) < maxGossip {
				seen[h.Tree] = true
				list = append(list, h)
			}
		}
	}
	return list
}

// jsonTexts returns all texts of a JSON document, none if it is not such a document.
func jsonTexts(data []byte) (texts [][]byte) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := decoder.Token()
		if err != nil {
			return texts
		}
		if text, ok := token.(string); ok {
			texts = append(texts, []byte(text))
		}
	}
}
