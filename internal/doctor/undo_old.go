package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gobin/gather"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// oldRecord is the record of a --fix from before harden's engine made its changes,
// beside copies of the files as they were. Nothing writes it any more; what it has can
// still be undone.
const oldRecord = "manifest.json"

// oldFormat is its last format. A record without a number has format 1.
const oldFormat = 2

type oldFile struct {
	Path    string `json:"path"`
	Backup  string `json:"backup"` // name beside the record; none for permissions alone
	Before  string `json:"before"` // SHA-256
	After   string `json:"after"`
	OldMode uint32 `json:"old_mode"`
	Mode    uint32 `json:"mode"`
	// Gather, since format 2, moved the programs of a directory.
	Gather *gather.Programs `json:"gather"`
}

// undoOld reverts what an old record in dir has.
func undoOld(m *Machine, dir string) (done Done, err error) {
	real := m.Path(dir)
	path := filepath.Join(real, oldRecord)
	data, err := smallfile.Read(path, smallfile.Usual)
	var record struct{ Files []oldFile }
	if err == nil {
		err = fsx.Decode("the record of the fix, "+path+",", data, oldFormat, &record)
	}
	if err != nil {
		return done, err
	}
	for _, f := range record.Files {
		if err := f.unchanged(); err != nil {
			return done, m.cannotUndo(err, dir)
		}
	}
	for _, f := range slices.Backward(record.Files) {
		if err := f.undo(real); err != nil {
			return done, fmt.Errorf("restoring %s: %w", m.Show(f.Path), err)
		}
		done.Files = append(done.Files, m.Show(f.Path))
	}
	return done, os.Rename(path, filepath.Join(real, "undone.json"))
}

func (f oldFile) undo(dir string) error {
	if f.Gather != nil {
		return f.Gather.Undo(f.Path)
	}
	path, err := filepath.EvalSymlinks(f.Path)
	if err != nil {
		return err
	}
	if f.Backup == "" {
		return fsx.Chmod(path, f.OldMode)
	}
	data, err := smallfile.Read(filepath.Join(dir, f.Backup), host.MaxFact)
	if err != nil {
		return err
	}
	return fsx.ReplaceFile(path, data, fileMode(f.OldMode))
}

// unchanged returns an error if a file is neither as the fix left it nor, in case that
// a crash cut that short, as it was before.
func (f oldFile) unchanged() error {
	if f.Gather != nil {
		return f.Gather.Unchanged()
	}
	if f.Backup == "" {
		_, err := os.Stat(f.Path)
		return err
	}
	sum, err := fsx.Sum(f.Path)
	if err == nil && sum != f.After && sum != f.Before {
		err = errors.New(f.Path + " was changed since")
	}
	return err
}

// specialBits are the bits above the permissions, as chmod writes them.
func specialBits() map[fs.FileMode]uint32 {
	return map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000}
}

func fileMode(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for flag, bit := range specialBits() {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode
}
