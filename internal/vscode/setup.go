package vscode

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Setup changes settings files of VS Code and undoes that. For each it keeps a
// record of what was there, written before the file is.
type Setup struct {
	// Records is the directory of the records.
	Records string
}

const recordFormat = 1

// record is what is known of a file that was changed.
type record struct {
	Format  int      `json:"format"`
	Path    string   `json:"path"`
	Existed bool     `json:"existed"`
	Before  []byte   `json:"before"`
	After   []byte   `json:"after"`
	Back    []change `json:"back"`
	// Made are the directories that were made for the file, the deepest last.
	Made []string `json:"made,omitempty"`
}

// Settings makes a settings file name the tools, by name with absolute paths, and
// reports whether the file changed.
func (s Setup) Settings(path string, tools map[string]string) (changed bool, err error) {
	return s.change(path, "", contract(tools))
}

// Workspace does the same for the settings of a directory, which may not lead
// out of it.
func (s Setup) Workspace(dir string, tools map[string]string) (path string, changed bool, err error) {
	path = workspaceSettings(dir)
	changed, err = s.change(path, dir, contract(tools))
	return path, changed, err
}

// Launch adds the launch configurations that a directory does not have.
func (s Setup) Launch(dir string) (path string, changed bool, err error) {
	path = filepath.Join(dir, ".vscode/launch.json")
	changed, err = s.change(path, dir, launch())
	return path, changed, err
}

// Complete reports whether a settings file has all that [Setup.Settings] sets.
func Complete(path string, tools map[string]string) bool {
	data, err := smallfile.Read(path, smallfile.Usual)
	if err != nil {
		return false
	}
	_, back, err := edit(data, contract(tools))
	return err == nil && len(back) == 0
}

func (s Setup) change(path, dir string, changes []change) (bool, error) {
	now, existed, err := current(path, dir)
	if err != nil {
		return false, err
	}
	r := record{Format: recordFormat, Path: path, Existed: existed, Before: now}
	old, err := s.read(path)
	if err != nil {
		return false, err
	}
	if old != nil {
		if r.Before, r.Existed, err = old.revert(now, existed); err != nil {
			return false, unreadable(path, err)
		}
		r.Made = old.Made
	}
	if r.After, r.Back, err = edit(r.Before, changes); err != nil {
		return false, unreadable(path, err)
	}
	if len(r.Back) == 0 || existed && string(r.After) == string(now) {
		return false, nil
	}
	r.Made = append(r.Made, absent(filepath.Dir(path))...)
	if err := s.write(r); err != nil {
		return false, err
	}
	if err := replace(path, r.After); err != nil {
		return false, err
	}
	return true, nil
}

func unreadable(path string, err error) error {
	return diag.Wrap(diag.Failure, err, "cannot read "+path+" as JSON with comments", "less "+diag.Word(path))
}

// current returns the contents of a file that there need not be.
func current(path, dir string) (data []byte, exists bool, err error) {
	if dir != "" && leadsOut(path, dir) {
		return nil, false, diag.New(diag.Failure, path+" leads out of "+dir, "ls -l "+diag.Word(path))
	}
	data, err = smallfile.Read(path, smallfile.Usual)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, diag.Wrap(diag.Failure, err, "cannot read "+path, "ls -l "+diag.Word(path))
	}
	return data, true, nil
}

// leadsOut reports whether a file two levels beneath dir is elsewhere by a link:
// dir may be a clone of anybody's.
func leadsOut(path, dir string) bool {
	top, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return true
	}
	for _, p := range []string{filepath.Dir(path), path} {
		if _, err := os.Readlink(p); err != nil {
			continue
		}
		if real, err := filepath.EvalSymlinks(p); err != nil || !strings.HasPrefix(real, top+"/") {
			return true
		}
	}
	return false
}

// absent returns the directories on the way to dir that do not exist, the
// deepest last.
func absent(dir string) []string {
	var dirs []string
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); err == nil {
			break
		}
		dirs = append([]string{dir}, dirs...)
	}
	return dirs
}

// replace writes a file by one rename. What it is a link to is written.
func replace(path string, data []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = fsx.WriteFile(path, data, mode)
	}
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot write "+path, "ls -ld "+diag.Word(filepath.Dir(path)))
	}
	return nil
}

// revert returns what a file was before it was changed. Where somebody has edited
// it since, only what vmgo set, and is there still, is undone.
func (r record) revert(now []byte, exists bool) (before []byte, existed bool, err error) {
	switch {
	case !exists:
		return nil, false, nil
	case string(now) == string(r.After):
		return r.Before, r.Existed, nil
	}
	before, _, err = edit(now, r.Back)
	return before, true, err
}

// Undone is a file that was reverted.
type Undone struct {
	Path  string
	Exact bool // it is again what it was, byte for byte
}

// Undo reverts every file that was changed, those beneath dir if it is not empty.
func (s Setup) Undo(dir string) (undone []Undone, err error) {
	entries, err := os.ReadDir(s.Records)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, diag.Wrap(diag.Failure, err, "cannot read what was changed", "ls -l "+diag.Word(s.Records))
	}
	var failures []error
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		r, err := readRecord(filepath.Join(s.Records, entry.Name()))
		if err == nil && r != nil && (dir == "" || strings.HasPrefix(r.Path, strings.TrimSuffix(dir, "/")+"/")) {
			var u Undone
			if u, err = s.undo(*r); err == nil {
				undone = append(undone, u)
			}
		}
		failures = append(failures, err)
	}
	return undone, errors.Join(failures...)
}

func (s Setup) undo(r record) (Undone, error) {
	now, exists, err := current(r.Path, "")
	if err != nil {
		return Undone{}, err
	}
	before, existed, err := r.revert(now, exists)
	if err != nil {
		return Undone{}, unreadable(r.Path, err)
	}
	switch {
	case !existed && exists:
		err = os.Remove(r.Path)
	case existed && string(before) != string(now):
		err = replace(r.Path, before)
	}
	if err != nil {
		return Undone{}, diag.Wrap(diag.Failure, err, "cannot revert "+r.Path, "ls -ld "+diag.Word(filepath.Dir(r.Path)))
	}
	for i := len(r.Made) - 1; i >= 0; i-- {
		_ = os.Remove(r.Made[i]) // only if nothing else is there by now
	}
	exact := existed == r.Existed && string(before) == string(r.Before)
	return Undone{Path: r.Path, Exact: exact}, os.Remove(s.place(r.Path))
}

func (s Setup) place(path string) string {
	return filepath.Join(s.Records, environ.Hash(path)+".json")
}

func (s Setup) read(path string) (*record, error) { return readRecord(s.place(path)) }

func readRecord(file string) (*record, error) {
	const limit = 8 << 20 // two settings files
	data, err := smallfile.Read(file, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var r record
	if err == nil {
		err = fsx.Decode("the record of a change, "+file+",", data, recordFormat, &r)
	}
	if err != nil {
		return nil, diag.Wrap(diag.Failure, err, "cannot read the record "+file, "less "+diag.Word(file))
	}
	return &r, nil
}

func (s Setup) write(r record) error {
	data, err := json.Marshal(r)
	if err == nil {
		err = os.MkdirAll(s.Records, 0o700)
	}
	if err == nil {
		err = fsx.WriteFile(s.place(r.Path), data, 0o600)
	}
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot keep a record of "+r.Path, "ls -ld "+diag.Word(s.Records))
	}
	return nil
}
