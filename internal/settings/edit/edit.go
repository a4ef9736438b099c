// Package edit writes settings files. Reading them is part of package settings,
// which the lean program links.
package edit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Set writes a setting to the settings file at path, or removes it where value is
// empty, and reports whether the file changed. Removing takes any name, so that a misspelt one can be removed. The file
// may be a link to where somebody keeps such files, and closed to others for the
// password in a URL: both stay as they are. The error has the code bad-setting if
// the value is not one of that setting.
func Set(path, name, value string) (changed bool, err error) {
	if value != "" {
		if err := settings.Check(name, value); err != nil {
			return false, err
		}
	}
	old, err := smallfile.Read(path, smallfile.Usual)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("reading the settings: %w", err)
	}
	edited := replace(string(old), name, value)
	if edited == string(old) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, fmt.Errorf("making the settings directory: %w", err)
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if err := fsx.WriteFile(path, []byte(edited), mode); err != nil {
		return false, fmt.Errorf("writing the settings: %w", err)
	}
	return true, nil
}

// replace returns the text of a settings file with name set to value, or without
// name where value is empty. Lines that are not touched stay as they are.
func replace(text, name, value string) string {
	var out strings.Builder
	done := value == ""
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, name+"=") {
			out.WriteString(line)
			if !strings.HasSuffix(line, "\n") {
				out.WriteByte('\n')
			}
			continue
		}
		if !done {
			out.WriteString(name + "=" + value + "\n")
			done = true
		}
	}
	if !done {
		out.WriteString(name + "=" + value + "\n")
	}
	return out.String()
}
