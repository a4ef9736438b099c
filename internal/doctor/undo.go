package doctor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gobin/gather"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// repair is the record of one --fix: <State>/doctor/<time>/manifest.json beside
// copies of the files as they were. It is on the disk before the first file is
// touched, so that a crash in between can be undone too.
type repair struct {
	Format int          `json:"format"`
	Time   string       `json:"time"`
	Files  []repairFile `json:"files"`
}

type repairFile struct {
	Path    string `json:"path"`
	Backup  string `json:"backup,omitempty"` // name beside the manifest; none for permissions alone
	Before  string `json:"before,omitempty"` // SHA-256
	After   string `json:"after,omitempty"`
	OldMode uint32 `json:"old_mode"`
	Mode    uint32 `json:"mode"`
	// Gather, since format 2, moved the programs of a directory.
	Gather *gather.Programs `json:"gather,omitempty"`
}

const manifestName = "manifest.json"

// repairFormat is the number of the record's format. A record without one has
// format 1, and so has one that format 1 can say.
const repairFormat = 2

func (m *Machine) repairsDir() (string, error) {
	if m.Layout.State == "" {
		return "", diag.New(diag.Failure, "HOME is not set, so there is no place for backups", "export HOME=/your/home")
	}
	return m.Path(filepath.Join(m.Layout.State, "doctor")), nil
}

// Apply carries out a plan: backups first, then each file in one rename.
func Apply(m *Machine, plan []Change) error {
	parent, err := m.repairsDir()
	if err != nil {
		return err
	}
	now := m.Now().UTC()
	dir := filepath.Join(parent, now.Format("20060102T150405.000000000Z"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("creating the directory of backups: %w", err)
	}
	record := repair{Format: 1, Time: now.Format("2006-01-02T15:04:05Z")}
	for i, c := range plan {
		f := repairFile{Path: m.Path(c.Path), OldMode: modeBits(c.OldMode), Mode: modeBits(c.Mode)}
		if c.Gather != nil {
			record.Format = repairFormat
			if f.Gather, err = m.realGather(*c.Gather); err != nil {
				return fmt.Errorf("examining the files to move: %w", err)
			}
		}
		if c.After != nil {
			f.Backup, f.Before, f.After = strconv.Itoa(i), sum(c.Before), sum(c.After)
			if err := fsx.WriteFile(filepath.Join(dir, f.Backup), c.Before, 0o600); err != nil {
				return fmt.Errorf("backing up %s: %w", c.Path, err)
			}
		}
		record.Files = append(record.Files, f)
	}
	data, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	if err := fsx.WriteFile(filepath.Join(dir, manifestName), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("recording the repair: %w", err)
	}
	if err := fsx.SyncDir(dir); err != nil {
		return fmt.Errorf("recording the repair: %w", err)
	}
	for i, c := range plan {
		if g := record.Files[i].Gather; g != nil {
			if err := g.Apply(m.Path(c.Path)); err != nil {
				return fmt.Errorf("moving the programs of %s: %w", c.Path, err)
			}
			continue
		}
		if err := record.Files[i].write(c.After, c.Mode, c.Mode != c.OldMode); err != nil {
			return fmt.Errorf("changing %s: %w", c.Path, err)
		}
	}
	return nil
}

// write puts new contents and permissions in place. The path has no links in
// its last place: a dotfile that is a link is changed where it really is.
func (f repairFile) write(data []byte, mode fs.FileMode, chmod bool) error {
	path, err := filepath.EvalSymlinks(f.Path)
	if err != nil {
		return err
	}
	if data != nil {
		return fsx.ReplaceFile(path, data, mode)
	}
	if chmod {
		return fsx.Chmod(path, modeBits(mode))
	}
	return nil
}

// Undo reverts the latest repair and returns the files it restored. If one of
// the files was changed since, it changes nothing.
func Undo(m *Machine) ([]string, error) {
	parent, err := m.repairsDir()
	if err != nil {
		return nil, err
	}
	dir, record, err := latest(parent)
	if err != nil {
		return nil, err
	}
	for _, f := range record.Files {
		if err := f.unchanged(); err != nil {
			return nil, diag.Wrap(diag.Failure, err, "cannot undo", "ls -R "+m.Redact(m.Show(dir))+"   # the copies, to compare with")
		}
	}
	var restored []string
	for _, f := range slices.Backward(record.Files) {
		if f.Gather != nil {
			if err := f.Gather.Undo(f.Path); err != nil {
				return restored, fmt.Errorf("restoring %s: %w", m.Show(f.Path), err)
			}
			restored = append(restored, m.Show(f.Path))
			continue
		}
		var data []byte
		if f.Backup != "" {
			if data, err = smallfile.Read(filepath.Join(dir, f.Backup), host.MaxFact); err != nil {
				return restored, fmt.Errorf("reading a backup: %w", err)
			}
		}
		if err := f.write(data, fileMode(f.OldMode), f.Mode != f.OldMode); err != nil {
			return restored, fmt.Errorf("restoring %s: %w", m.Show(f.Path), err)
		}
		restored = append(restored, m.Show(f.Path))
	}
	return restored, os.Rename(filepath.Join(dir, manifestName), filepath.Join(dir, "undone.json"))
}

// latest finds the newest repair that was not undone.
func latest(parent string) (string, repair, error) {
	entries, err := os.ReadDir(parent)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", repair{}, err
	}
	for _, entry := range slices.Backward(entries) {
		dir := filepath.Join(parent, entry.Name())
		data, err := smallfile.Read(filepath.Join(dir, manifestName), smallfile.Usual)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var record repair
		if err == nil {
			path := filepath.Join(dir, manifestName)
			err = fsx.Decode("the record of the repair, "+path+",", data, repairFormat, &record)
		}
		return dir, record, err
	}
	return "", repair{}, diag.New(diag.Failure, "no fix to undo", "vmgo doctor --fix")
}

// unchanged makes sure that a file is as the repair left it, or as it was
// before, in case that a crash cut the repair short.
func (f repairFile) unchanged() error {
	if f.Gather != nil {
		return f.Gather.Unchanged()
	}
	if f.Backup == "" {
		_, err := os.Stat(f.Path)
		return err
	}
	data, err := smallfile.Read(f.Path, host.MaxFact)
	if err != nil {
		return err
	}
	if s := sum(data); s != f.After && s != f.Before {
		return errors.New(f.Path + " was changed since")
	}
	return nil
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
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

// modeBits are the bits as chmod writes them.
func modeBits(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for flag, bit := range specialBits() {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// chmodBits are all the bits of a mode that chmod sets.
func chmodBits(m fs.FileMode) fs.FileMode {
	return m & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
}
