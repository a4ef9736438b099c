package fsx

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const defaultACL = "system.posix_acl_default"

// GivesACLs reports whether what is made in a directory gets an ACL. Whom it lets
// write shows in the modes all the same: their group bits are its mask.
func GivesACLs(dir string) bool {
	n, err := unix.Getxattr(dir, defaultACL, nil)
	return err == nil && n > 0
}

// attributes returns the names of the extended attributes that list gives. It asks
// once, with room for all that Linux allows (XATTR_LIST_MAX): overlayfs counts its
// own attributes where it is asked for the size, and then leaves them out.
func attributes(list func([]byte) (int, error)) ([]string, error) {
	buf := make([]byte, 64<<10)
	n, err := list(buf)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(buf[:n]), func(r rune) bool { return r == 0 }), nil
}

// Attributes returns the extended attributes of an open file or directory that
// somebody set: capabilities, ACLs, what users and administrators add. Labels of the
// kernel's security modules and the notes of file systems are left out.
func Attributes(f *os.File) ([]string, error) { return setAttributes(int(f.Fd())) }

func setAttributes(fd int) ([]string, error) {
	names, err := attributes(func(buf []byte) (int, error) { return unix.Flistxattr(fd, buf) })
	var set []string
	for _, name := range names {
		if isSet(name) {
			set = append(set, name)
		}
	}
	return set, err
}

// isSet reports whether an attribute is there because somebody set it.
func isSet(name string) bool {
	switch {
	case name == "security.capability", name == accessACL, name == defaultACL:
		return true
	case strings.HasPrefix(name, "trusted.overlay."), strings.HasPrefix(name, "user.overlay."):
		return false
	}
	return strings.HasPrefix(name, "user.") || strings.HasPrefix(name, "trusted.")
}

// HasAttributes reports whether somebody set extended attributes of the file, or
// that cannot be told.
func (f *File) HasAttributes() bool {
	names, err := setAttributes(f.fd)
	return err != nil || len(names) > 0
}

// CopyXattrs gives a file the extended attributes of another: the SELinux
// context, ACLs, capabilities. A file that does not exist has none, and a new
// file has those that its directory gives it.
func CopyXattrs(from, to string) error {
	names, err := attributes(func(buf []byte) (int, error) { return unix.Listxattr(from, buf) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "listxattr", Path: from, Err: err}
	}
	for _, name := range names {
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
