package fsx

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// CopyXattrs gives a file the extended attributes of another: the SELinux
// context, ACLs, capabilities. A file that does not exist has none, and a new
// file has those that its directory gives it.
func CopyXattrs(from, to string) error {
	size, err := unix.Listxattr(from, nil)
	if err != nil || size == 0 {
		if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTSUP) {
			return nil
		}
		return &fs.PathError{Op: "listxattr", Path: from, Err: err}
	}
	names := make([]byte, size)
	if size, err = unix.Listxattr(from, names); err != nil {
		return &fs.PathError{Op: "listxattr", Path: from, Err: err}
	}
	for _, name := range strings.Split(strings.TrimRight(string(names[:size]), "\x00"), "\x00") {
		value, has := make([]byte, 64<<10), make([]byte, 64<<10)
		n, err := unix.Getxattr(from, name, value)
		if m, hasErr := unix.Getxattr(to, name, has); hasErr == nil && err == nil && bytes.Equal(value[:n], has[:m]) {
			continue // a label that the directory gave; a user may not be allowed to set it
		}
		if err == nil {
			err = unix.Setxattr(to, name, value[:n], 0)
		}
		if err != nil {
			return &fs.PathError{Op: "copy attribute " + name + " of", Path: from, Err: err}
		}
	}
	return nil
}
