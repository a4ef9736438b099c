package fsx

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// RemoveAll removes name and everything beneath it from the directory parent.
// name is one element. Links are removed, never followed, and no race can lead
// it out of the tree, since it descends by open directories. Directories that
// are not writable are made so first.
func RemoveAll(parent, name string) error {
	dir, err := OpenDirectory(parent)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.RemoveAll(name)
}

// RemoveAll is the function of that name for what is in this directory.
func (d *Dir) RemoveAll(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
		return d.fail("remove", name, unix.EINVAL)
	}
	return d.failed("remove", name, removeAt(d.fd, name))
}

// RemoveUnheld is [RemoveAll] unless a process holds a flock(2) of what has that
// name, which is then left alone. It is held here while it is removed.
func RemoveUnheld(parent, name string) (held bool, err error) {
	dir, err := OpenDirectory(parent)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer dir.Close()
	f, held, err := dir.hold(name)
	if f != nil {
		defer f.Close()
	}
	if held || err != nil {
		return held, err
	}
	return false, dir.RemoveAll(name)
}

// Held reports whether a process holds a flock(2) of a file or directory.
func Held(path string) bool {
	dir, err := OpenDirectory(filepath.Dir(path))
	if err != nil {
		return false
	}
	defer dir.Close()
	f, held, _ := dir.hold(filepath.Base(path))
	if f != nil {
		f.Close()
	}
	return held
}

// hold takes the flock(2) of what has that name, which closing the file lets go
// of, or reports that another process has it. A link, and what may not be read, nobody holds.
func (d *Dir) hold(name string) (f *File, held bool, err error) {
	if f, err = d.Open(name); err != nil {
		return nil, false, nil
	}
	got, err := tryFlock(f.fd)
	return f, err == nil && !got, d.failed("flock", name, err)
}

func removeAt(parent int, name string) error {
	err := unix.Unlinkat(parent, name, 0)
	switch err {
	case nil, unix.ENOENT:
		return nil
	case unix.EISDIR, unix.EPERM, unix.EACCES:
	default:
		return err
	}
	fd, openErr := openDirAt(parent, name)
	if openErr != nil {
		if openErr == unix.ENOTDIR { // of a link, too
			return err
		}
		return openErr
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
	for range 3 { // again only if somebody made files meanwhile
		if err := emptyDir(dir); err != nil {
			return err
		}
		err = unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
		if err == nil || err == unix.ENOENT {
			return nil
		}
		if err != unix.ENOTEMPTY {
			return err
		}
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	return err
}

func emptyDir(dir *os.File) error {
	for {
		names, err := dir.Readdirnames(1024)
		for _, child := range names {
			if err := removeAt(int(dir.Fd()), child); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// openDirAt opens a directory, never through a link, and lets its owner write
// in it.
func openDirAt(parent int, name string) (int, error) {
	const flags = unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	path, err := unix.Openat(parent, name, unix.O_PATH|flags, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(path)
	var st unix.Stat_t
	if err := unix.Fstat(path, &st); err != nil {
		return -1, err
	}
	if st.Mode&0o700 != 0o700 {
		if err := chmodPath(path, st.Mode&0o7777|0o700); err != nil {
			return -1, err
		}
	}
	return unix.Openat(path, ".", unix.O_RDONLY|flags, 0)
}
