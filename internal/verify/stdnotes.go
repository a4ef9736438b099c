package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// stdNotes remember which packages of one tree have passed, so that tests that were
// interrupted go on. They count only for a tree with the same contents.
type stdNotes struct {
	path   string
	file   *os.File
	passed map[string]bool // before this run
}

// key is a SHA-256 over the names and the contents of the files.
func (t *Tree) key() string {
	sum := sha256.New()
	for path, digest := range t.digests() {
		sum.Write([]byte(path + "\x00"))
		sum.Write(digest[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// stdNotes opens the notes of a tree; without a place for them there are none.
func (v *Verifier) stdNotes(t Target, tree *Tree) (*stdNotes, error) {
	n := &stdNotes{passed: map[string]bool{}}
	if v.NotesDir == "" {
		return n, nil
	}
	if err := fsx.MkdirAll(v.NotesDir, 0o700); err != nil {
		return nil, err
	}
	n.path = filepath.Join(v.NotesDir, stdPrefix+t.Version.String())
	key := tree.key()
	data, err := smallfile.Read(n.path, smallfile.Usual)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if lines := strings.Fields(string(data)); len(lines) > 0 && lines[0] == key {
		for _, pkg := range lines[1:] {
			n.passed[pkg] = true
		}
	} else if err := fsx.WriteFile(n.path, []byte(key+"\n"), 0o600); err != nil {
		return nil, err
	}
	if n.file, err = fsx.OpenOwn(n.path, 0o600); err != nil {
		return nil, err
	}
	_, err = n.file.Seek(0, io.SeekEnd)
	return n, err
}

// pass records a package. What cannot be recorded is tested again.
func (n *stdNotes) pass(pkg string) {
	if n.file != nil {
		_, _ = n.file.WriteString(pkg + "\n")
	}
}

// forget removes the notes: the tests are complete.
func (n *stdNotes) forget() {
	if n != nil && n.path != "" {
		_ = os.Remove(n.path)
	}
}

func (n *stdNotes) close() {
	if n.file != nil {
		_ = n.file.Close()
	}
}
