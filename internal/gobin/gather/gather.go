// Package gather moves the programs in the bin of one project's GOPATH into the user's
// one directory, of which package gobin knows, and back.
package gather

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Before is what is added to the name of a bin that could not be emptied.
const Before = ".before"

// Programs is the move of a project's programs into the user's one directory. The
// bin becomes a link to it; what has a namesake there stays in bin.before.
type Programs struct {
	Moves []Move `json:"moves"`
	Link  string `json:"link"` // what the link says that takes the place of bin

	Stay int `json:"-"` // programs that have a namesake
}

// Move is one program.
type Move struct {
	From string `json:"from"`
	To   string `json:"to"`
	Sum  string `json:"sum,omitempty"` // SHA-256
}

// Apply moves the programs and puts the link in place. It may be interrupted
// at any instant: Undo and another Apply still work.
func (g Programs) Apply(bin string) error {
	for _, move := range g.Moves {
		if err := os.MkdirAll(filepath.Dir(move.To), 0o777); err != nil {
			return err
		}
		err := moveNew(move.From, move.To)
		if errors.Is(err, fs.ErrNotExist) { // an earlier Apply may have moved it
			_, err = os.Lstat(move.To)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := g.makeRecord(); err != nil {
		return err
	}
	removeEmpty(bin)
	if _, err := os.Lstat(bin); err == nil {
		if err := renameNew(bin, bin+Before); err != nil {
			return err
		}
	}
	return os.Symlink(g.Link, bin)
}

// makeRecord keeps which directory was chosen, if no prompt has done so.
func (g Programs) makeRecord() error {
	if len(g.Moves) == 0 {
		return nil
	}
	dir := filepath.Dir(g.Moves[0].To)
	if filepath.Base(filepath.Dir(g.Moves[0].From)) != "bin" {
		dir = filepath.Dir(dir)
	}
	if err := os.Symlink(dir, g.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Unchanged returns an error if a program that was moved is another one now.
func (g Programs) Unchanged() error {
	for _, move := range g.Moves {
		sum, err := fsx.Sum(move.To)
		if errors.Is(err, fs.ErrNotExist) {
			sum, err = fsx.Sum(move.From)
		}
		if err != nil {
			return err
		}
		if sum != move.Sum {
			return errors.New(move.To + " was changed since")
		}
	}
	return nil
}

// Undo moves the programs back.
func (g Programs) Undo(bin string) error {
	if _, err := os.Readlink(bin); err == nil {
		if err := os.Remove(bin); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(bin + Before); err == nil {
		if err := renameNew(bin+Before, bin); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(bin, 0o777); err != nil {
		return err
	}
	for _, move := range g.Moves {
		if err := os.MkdirAll(filepath.Dir(move.From), 0o777); err != nil {
			return err
		}
		if err := moveNew(move.To, move.From); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// moveNew moves a file, to another file system too, and replaces nothing.
func moveNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	switch {
	case errors.Is(err, fs.ErrExist) && sameFile(from, to): // interrupted before it was removed
		return os.Remove(from)
	case errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist):
		return err
	}
	data, err := smallfile.Open(from)
	if err != nil {
		return err
	}
	defer data.Close()
	temp, err := os.CreateTemp(filepath.Dir(to), ".vmgo-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = io.Copy(temp, data)
	if err = errors.Join(err, temp.Chmod(0o755), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := renameNew(temp.Name(), to); err != nil {
		return err
	}
	return os.Remove(from)
}

// sameFile reports whether two names are links to one file.
func sameFile(a, b string) bool {
	x, err := os.Lstat(a)
	y, errB := os.Lstat(b)
	return err == nil && errB == nil && os.SameFile(x, y)
}

// renameNew renames and replaces nothing.
func renameNew(from, to string) error {
	source, err := fsx.OpenDirectory(filepath.Dir(from))
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := fsx.OpenDirectory(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer target.Close()
	err = source.RenameNew(filepath.Base(from), target, filepath.Base(to))
	if errors.Is(err, fs.ErrExist) {
		return diag.Wrap(diag.Failure, err, to+" is in the way", "mv "+diag.Word(to)+" "+diag.Word(to+".1"))
	}
	return err
}

// removeEmpty removes a directory with nothing but empty directories in it.
func removeEmpty(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.IsDir() {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
	_ = os.Remove(dir)
}

// State is how far a move has come.
type State int

// The states. Partly is what an interruption leaves of Apply and of Undo; both end it.
const (
	Apart State = iota
	Partly
	Gathered
)

// State looks where the programs of a bin are.
func (g Programs) State(bin string) State {
	if to, err := os.Readlink(bin); err == nil && to == g.Link {
		return Gathered // Apply makes the link last, and Undo removes it first
	}
	if _, err := os.Lstat(bin); err != nil {
		return Partly
	}
	for _, move := range g.Moves {
		if _, err := os.Lstat(move.From); err != nil {
			return Partly
		}
	}
	return Apart
}
