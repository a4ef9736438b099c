package fsx

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
)

// Program judges a program that the owners are to run, nil if nobody else can
// change what runs under that path: the directories on the way, links, and the
// file itself. With everybody set, each user must be able to run it too.
func (o Owners) Program(path string, everybody bool, look func(path string) (Entry, error)) ([]*UnsafeError, error) {
	var unsafe []*UnsafeError
	for range maxLinks {
		way, dir, missing, err := follow(filepath.Dir(path), look)
		if err != nil {
			return unsafe, err
		}
		if len(missing) > 0 {
			return unsafe, &os.PathError{Op: "lstat", Path: path, Err: fs.ErrNotExist}
		}
		// The last directory is judged as an ancestor is: sticky will do.
		unsafe = append(unsafe, o.Judge(way, true)...)
		if closed := closedTo(way); everybody && closed != "" {
			unsafe = append(unsafe, &UnsafeError{Path: closed, Reason: "other users cannot reach what is in " + closed, Fix: "chmod o+x " + diag.Word(closed)})
		}
		e, err := look(filepath.Join(dir, filepath.Base(path)))
		if err != nil {
			return unsafe, err
		}
		if e.Mode.Type() == fs.ModeSymlink {
			if path = e.Target; !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			continue
		}
		return append(unsafe, o.file(e, everybody)...), nil
	}
	return unsafe, &os.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
}

// file judges the file of a program.
func (o Owners) file(e Entry, everybody bool) []*UnsafeError {
	word := diag.Word(e.Path)
	switch {
	case !e.Mode.IsRegular():
		return []*UnsafeError{{Path: e.Path, Reason: e.Path + " is not a regular file", Fix: "ls -l " + word}}
	case !o.has(e.UID):
		return []*UnsafeError{{Path: e.Path, Reason: e.Path + " belongs to user " + strconv.Itoa(e.UID), Fix: "ls -l " + word, Owner: true}}
	case e.Mode&0o002 != 0 || e.Mode&0o020 != 0 && !o.PrivateGroup(e.GID):
		return []*UnsafeError{{Path: e.Path, Reason: "others may write to " + e.Path, Fix: "chmod go-w " + word}}
	case everybody && e.Mode&0o005 != 0o005:
		return []*UnsafeError{{Path: e.Path, Reason: "other users may not run " + e.Path, Fix: "chmod o+rx " + word}}
	}
	return nil
}

// Files are the files of a machine, which need not be this one.
type Files interface {
	Lstat(path string) (fs.FileInfo, error)
	LinkText(path string) string
	LinkOwner(path string, info fs.FileInfo) (uid, gid int)
	Path(path string) string
}

// LookIn is [Look] for a path of that machine.
func LookIn(machine Files, path string) (Entry, error) {
	info, err := machine.Lstat(path)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Path: path, Mode: info.Mode(), Target: machine.LinkText(path)}
	e.UID, e.GID = machine.LinkOwner(path, info)
	if e.groupWrites() {
		e.ACL = ReadACL(machine.Path(path))
	}
	return e, nil
}

// OpenToAll reports whether every user can reach what is in a directory, or will
// where it is still to be made.
func OpenToAll(dir string, look func(path string) (Entry, error)) bool {
	way, _, err := Chain(dir, look)
	return err == nil && closedTo(way) == ""
}

// closedTo returns the first directory on the way that others may not search.
func closedTo(way []Entry) string {
	for _, e := range way {
		if e.Mode.IsDir() && e.Mode&0o001 == 0 {
			return e.Path
		}
	}
	return ""
}
