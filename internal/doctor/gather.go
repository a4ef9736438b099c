package doctor

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gobin"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// beforeSuffix is what the name of a bin gets that could not be emptied.
const beforeSuffix = ".before"

// Gather is the move of a project's programs into the user's one directory. The
// bin becomes a link to it; what has a namesake there stays in bin.before.
type Gather struct {
	Moves []Move `json:"moves"`
	Link  string `json:"link"` // what the link says that takes the place of bin

	stay int // programs that have a namesake
}

// Move is one program.
type Move struct {
	From string `json:"from"`
	To   string `json:"to"`
	Sum  string `json:"sum,omitempty"` // SHA-256
}

// gather lists the programs in a bin: those in it, and those in directories of
// cross-compiled ones.
func (m *Machine) gather(bin, target string) Gather {
	g := Gather{Link: gobin.Record(m.Layout.Data)}
	var walk func(rest string)
	walk = func(rest string) {
		for _, entry := range m.ReadDir(filepath.Join(bin, rest)) {
			name := filepath.Join(rest, entry.Name())
			_, err := m.Lstat(filepath.Join(target, name))
			switch {
			case entry.IsDir() && rest == "":
				walk(name)
			case !entry.Type().IsRegular() || err == nil:
				g.stay++
			default:
				g.Moves = append(g.Moves, Move{From: filepath.Join(bin, name), To: filepath.Join(target, name)})
			}
		}
	}
	walk("")
	return g
}

// preview shows what moves.
func (g Gather) preview(out *strings.Builder, path string) {
	for _, move := range g.Moves {
		fmt.Fprintf(out, "  %s -> %s\n", move.From, move.To)
	}
	if g.stay > 0 {
		fmt.Fprintf(out, "  %s -> %s\n", path, path+beforeSuffix)
	}
	fmt.Fprintf(out, "  %s becomes a link to %s\n", path, g.Link)
}

// real returns the gather by the paths of the machine that runs vmgo.
func (g Gather) real(m *Machine) (*Gather, error) {
	out := Gather{Link: m.Path(g.Link)}
	for _, move := range g.Moves {
		move.From, move.To = m.Path(move.From), m.Path(move.To)
		var err error
		if move.Sum, err = sumOf(move.From); err != nil {
			return nil, err
		}
		out.Moves = append(out.Moves, move)
	}
	return &out, nil
}

// apply moves the programs and puts the link in place. It may be interrupted
// at any instant: undo and another apply still work.
func (g Gather) apply(bin string) error {
	for _, move := range g.Moves {
		if err := os.MkdirAll(filepath.Dir(move.To), 0o777); err != nil {
			return err
		}
		if err := moveNew(move.From, move.To); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := g.makeRecord(); err != nil {
		return err
	}
	removeEmpty(bin)
	if _, err := os.Lstat(bin); err == nil {
		if err := renameNew(bin, bin+beforeSuffix); err != nil {
			return err
		}
	}
	return os.Symlink(g.Link, bin)
}

// makeRecord keeps which directory was chosen, if no prompt has done so.
func (g Gather) makeRecord() error {
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

// unchanged returns an error if a program that was moved is another one now.
func (g Gather) unchanged() error {
	for _, move := range g.Moves {
		sum, err := sumOf(move.To)
		if errors.Is(err, fs.ErrNotExist) {
			sum, err = sumOf(move.From)
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

// undo moves the programs back.
func (g Gather) undo(bin string) error {
	if _, err := os.Readlink(bin); err == nil {
		if err := os.Remove(bin); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(bin + beforeSuffix); err == nil {
		if err := renameNew(bin+beforeSuffix, bin); err != nil {
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
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
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

func sumOf(path string) (string, error) {
	f, err := smallfile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
