package trust

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// head is a signed tree head.
type head struct {
	tlog.Tree
	note string
}

// findFork looks for the proof that the database shows another history than the
// one that this machine has seen; it returns the report of it, or "".
//
// The client of the library finds forks as well, but only while every tile in
// its cache happens to be one that both histories agree on: a tile of the one
// does not fit a tree head of the other, and all that it can say then is that a
// tile is inconsistent. So each head is compared here by the tiles of its own
// side: the known one by the cache, the one just seen by the server.
func (l *Log) findFork(s *session) string {
	data, _ := smallfile.Read(l.stateFile("latest"), smallfile.Usual) // what cannot be read is no head
	known, err := l.openHead(data)
	if err != nil {
		return ""
	}
	seen, err := l.seenHead(s)
	if err != nil {
		return ""
	}
	older, newer, reader := known, seen, newSession(s.ctx, l, true)
	if seen.N < known.N {
		older, newer, reader = seen, known, newSession(s.ctx, l, false)
	}
	if older.N == newer.N {
		if older.Hash == newer.Hash {
			return ""
		}
		return forkReport(known, seen, older, newer, newer.Hash, nil)
	}
	hashes := tlog.TileHashReader(newer.Tree, (*tileReader)(reader))
	prefix, err := tlog.TreeHash(older.N, hashes)
	if err != nil || prefix == older.Hash {
		return ""
	}
	proof, err := tlog.ProveTree(newer.N, older.N, hashes)
	if err != nil || tlog.CheckTree(proof, newer.N, newer.Hash, older.N, prefix) != nil {
		return ""
	}
	return forkReport(known, seen, older, newer, prefix, proof)
}

func (l *Log) openHead(signed []byte) (head, error) {
	tree, err := openTree(signed, l.key)
	return head{tree, string(signed)}, err
}

// CheckHead returns an error unless the database signed the tree head.
func (l *Log) CheckHead(signed []byte) error {
	_, err := l.openHead(signed)
	return err
}

// seenHead returns the head that came with the record or, if it didn't come so
// far, the database's latest.
func (l *Log) seenHead(s *session) (head, error) {
	if _, _, signed, err := tlog.ParseRecord(s.record); err == nil && !s.recordCached {
		return l.openHead(signed)
	}
	signed, err := newSession(s.ctx, l, true).ReadRemote("/latest")
	if err != nil {
		return head{}, err
	}
	return l.openHead(signed)
}

// forkReport returns all that it takes to show the fork to others, without the
// database's help: both notes are signed by it, and the tree of the newer one
// begins, by the proof, with a tree that is not the older one.
func forkReport(known, seen, older, newer head, prefix tlog.Hash, proof tlog.TreeProof) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The checksum database shows two histories.\n\nthe tree head known before:\n%s\nthe tree head it shows now:\n%s\n",
		indent(known.note), indent(seen.note))
	fmt.Fprintf(&b, "proof of misbehavior:\nthe first %d records of the tree with %d records have the hash\n\t%v\nand not\n\t%v\n",
		older.N, newer.N, prefix, older.Hash)
	if len(proof) > 0 {
		b.WriteString("by the tree proof\n")
	}
	for _, h := range proof {
		fmt.Fprintf(&b, "\t%v\n", h)
	}
	return b.String()
}

func indent(text string) string {
	return "\t" + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n\t") + "\n"
}

// forked keeps the evidence. It is written before anything else is said, and to
// a new file each time, since it can incriminate the log towards others.
func (l *Log) forked(report string) error {
	now := l.config.Now().UTC()
	path := l.stateFile("fork-" + now.Format("20060102T150405.000000000Z") + ".txt")
	what := "the checksum database " + l.name + " shows two histories: it, or a server between it and this machine, presents a forged history"
	err := fsx.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = fsx.WriteFile(path, []byte(report), 0o644)
	}
	if err != nil {
		return diag.Wrap(diag.LogForked, err, what+", and the evidence could not be written")
	}
	return diag.New(diag.LogForked, what, "less "+diag.Word(path))
}
