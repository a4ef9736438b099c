package shims

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
)

// Tools lists the programs of a release that shims are made for.
func Tools() []string { return []string{"go", "gofmt"} }

// DefaultDir is where shims go unless another directory is given: one that
// every kind of session has on PATH, as far as there is one.
func DefaultDir(layout dirs.Layout, root string, uid int) string {
	if uid == 0 || layout.Home == "" {
		return filepath.Join(root, "usr/local/bin")
	}
	return filepath.Join(layout.Home, ".local/bin")
}

// Refresh makes the links in dir lead to program, which should be vmgo-shim.
// It changes nothing that vmgo did not make: if such a file is in the way, it makes no link.
func Refresh(dir, program string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return diag.Wrap(diag.Failure, err, "cannot make the directory of the shims")
	}
	for _, tool := range Tools() {
		path := filepath.Join(dir, tool)
		if _, err := os.Lstat(path); err == nil && !IsOwnLink(path) {
			return diag.New(diag.Failure, path+" exists and is not a shim of vmgo", "vmgo shims --dir DIR")
		}
	}
	for _, tool := range Tools() {
		if err := link(program, filepath.Join(dir, tool)); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot make the shim "+tool)
		}
	}
	return nil
}

// Remove removes the links in dir, and nothing else. It returns those that
// existed.
func Remove(dir string) (removed []string, err error) {
	for _, tool := range Tools() {
		path := filepath.Join(dir, tool)
		if !IsOwnLink(path) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return removed, diag.Wrap(diag.Failure, err, "cannot remove the shim "+tool)
		}
		removed = append(removed, path)
	}
	return removed, nil
}

// Dangling lists the shims in these directories whose target does not exist: go is
// "not found" then, whatever comes later on PATH.
func Dangling(places []string) []string {
	var found []string
	for _, dir := range places {
		for _, tool := range Tools() {
			path := filepath.Join(dir, tool)
			if filepath.IsAbs(dir) && isDangling(path) && !slices.Contains(found, path) {
				found = append(found, path)
			}
		}
	}
	return found
}

// RemoveDangling removes a link that [Dangling] found, if it still is one.
func RemoveDangling(path string) error {
	if !isDangling(path) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return diag.Wrap(diag.Failure, err, "cannot remove the shim "+path, "sudo rm "+diag.Word(path))
	}
	return nil
}

func isDangling(path string) bool {
	if !IsOwnLink(path) {
		return false
	}
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// link makes path a link to program, in one step where there was one before.
func link(program, path string) error {
	if target, err := os.Readlink(path); err == nil && target == program {
		return nil
	}
	temp := path + ".vmgo-new"
	_ = os.Remove(temp)
	if err := os.Symlink(program, temp); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// IsOwnLink reports whether path is a link to a vmgo-shim or a vmgo, wherever that
// is, even if it does not exist.
func IsOwnLink(path string) bool {
	target, err := os.Readlink(path)
	if err != nil {
		return false
	}
	name := filepath.Base(target)
	return name == "vmgo-shim" || name == "vmgo"
}
