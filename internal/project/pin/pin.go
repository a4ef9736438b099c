// Package pin writes version files. Reading them is part of package project,
// which the lean program links.
package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/project"
)

// Write makes the version file at path request a selector. What else the file
// holds stays, where it is a version file; anything else is replaced.
//
// The file may have come with a clone, so it is data of a stranger: only a
// regular file is replaced, and a link is followed to another version file
// only. Otherwise a clone could choose which file of ours the pin overwrites.
func Write(path, selector string) error {
	file, mode, err := target(path, func(path string) (bool, error) {
		text, err := project.ReadText(path)
		return err == nil && project.IsPin(text), err
	})
	if err != nil {
		return err
	}
	old, err := project.ReadText(file)
	if err != nil {
		old = "" // too large to be a version file
	}
	text := replace(old, selector)
	if !project.IsPin(text) { // a control character in a comment, or a further line that is no version
		text = selector + "\n"
	}
	if err := fsx.WriteFile(file, []byte(text), mode); err != nil {
		return fmt.Errorf("writing the pin: %w", err)
	}
	return nil
}

// target returns the file that holds what is edited at path, and its
// permissions. Where path is a link, allowed reports whether it is followed.
func target(path string, allowed func(path string) (bool, error)) (string, fs.FileMode, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, 0o644, nil
	case err != nil:
		return "", 0, err
	case info.Mode().IsRegular():
		return path, info.Mode().Perm(), nil
	case info.Mode()&fs.ModeSymlink == 0:
		return "", 0, diag.New(diag.BadVersionFile, path+" is not a regular file, so it is not replaced", "ls -ld "+diag.Word(path))
	}
	if ok, err := allowed(path); !ok {
		return "", 0, diag.Wrap(diag.BadVersionFile, err, path+" is a link that does not lead to a version file, so nothing is written",
			"rm "+diag.Word(path))
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", 0, err
	}
	info, err = os.Stat(file)
	if err != nil {
		return "", 0, err
	}
	return file, info.Mode().Perm(), nil
}

// replace returns the text of a version file with its selector replaced:
// comments and blank lines stay, and so does the file's kind of line break.
func replace(old, selector string) string {
	var out strings.Builder
	done := false
	for line := range strings.Lines(old) {
		body := strings.TrimRight(strings.TrimPrefix(line, "\ufeff"), "\r\n")
		ending := line[len(strings.TrimRight(line, "\r\n")):]
		trimmed := strings.TrimSpace(body)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			out.WriteString(line)
			continue
		}
		if done {
			continue
		}
		if ending == "" {
			ending = "\n"
		}
		out.WriteString(selector + ending)
		done = true
	}
	if !done {
		if text := out.String(); text != "" && !strings.HasSuffix(text, "\n") {
			out.WriteByte('\n')
		}
		out.WriteString(selector + "\n")
	}
	return out.String()
}
