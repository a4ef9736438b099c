package project

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Limits on what is read of one file.
const (
	pinLimit   = 4 << 10
	goModLimit = 1 << 20
)

// fault says why a file cannot be used; nil means that it can.
type fault struct {
	line   int // counted from 1; 0 when it is about the file as a whole
	reason string
	hints  []string
	unread bool // what the file says is not known
}

func faulty(line int, reason string, hints ...string) *fault {
	return &fault{line: line, reason: reason, hints: hints}
}

// err makes the error that the user sees. PATH in a hint stands for the file.
func (f *fault) err(path string) error {
	hints := make([]string, len(f.hints))
	for i, hint := range f.hints {
		hints[i] = strings.ReplaceAll(hint, "PATH", diag.Word(path))
	}
	return diag.New(diag.BadVersionFile, Origin{Path: path, Line: f.line}.String()+": "+f.reason, hints...)
}

// readFile reads a regular file of at most limit bytes. found is false where
// there is none.
func readFile(path string, limit int64) (data []byte, found bool, f *fault) {
	data, err := smallfile.Read(path, limit)
	if err == nil {
		return data, true, nil
	}
	var (
		kind  *smallfile.NotRegularError
		large *smallfile.TooLargeError
	)
	switch {
	case absent(path, err):
		return nil, false, nil
	case errors.As(err, &kind):
		return nil, true, unread("is "+kind.Error(), "ls -ld PATH   # remove or rename it")
	case errors.As(err, &large):
		return nil, true, faulty(0, "is "+large.Error(), "head -n 3 PATH   # is it a version file?")
	}
	return nil, true, unreadable(err)
}

// absent tells a file that is not there from one that cannot be read.
func absent(path string, err error) bool {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return true
	case errors.Is(err, syscall.EACCES):
		// A parent that may not be searched hides whether there is a file (a
		// shell begun by su in another's home); that must not disturb anyone.
		var st syscall.Stat_t
		return syscall.Lstat(path, &st) != nil
	}
	return false
}

func unreadable(err error) *fault {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err // the path is named already
	}
	return unread("cannot be read: "+err.Error(), "ls -lL PATH   # make it readable, or remove it")
}

func unread(reason string, hint string) *fault {
	f := faulty(0, reason, hint)
	f.unread = true
	return f
}

// exists reports whether anything of that name is there.
func exists(path string) bool {
	var st syscall.Stat_t
	return syscall.Stat(path, &st) == nil
}

func join(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}

// parent returns the directory above, or "" for the root. It is lexical, as ".."
// is in shells and in the go command.
func parent(dir string) string {
	for i := len(dir) - 1; i >= 0; i-- {
		if dir[i] == '/' {
			if i == 0 && len(dir) > 1 {
				return "/"
			}
			return dir[:i]
		}
	}
	return ""
}
