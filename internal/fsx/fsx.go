// Package fsx holds the file system operations that a store is built from:
// locks that name their holder, files written whole or not at all, syncs,
// swaps of directories, and removal that cannot leave the tree it was given.
//
// It is the one importer of golang.org/x/sys/unix for files.
package fsx

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// TempPrefix begins the names of temporary files and links that a crash may
// leave in a directory.
const TempPrefix = ".vmgo-tmp."

// WriteFile replaces the file at path by one rename, so that a reader sees the
// old contents or the new. The new ones are on the disk before the rename; the
// rename itself is durable after [SyncDir] of the directory. mode is exact,
// whatever the umask says.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	return writeFile(path, data, mode, func(string) error { return nil })
}

// ReplaceFile is [WriteFile] for a file that exists and keeps its extended attributes.
func ReplaceFile(path string, data []byte, mode os.FileMode) error {
	return writeFile(path, data, mode, func(stage string) error { return CopyXattrs(path, stage) })
}

func writeFile(path string, data []byte, mode os.FileMode, finish func(stage string) error) error {
	dir, err := openDir(filepath.Dir(path), unix.O_PATH)
	if err != nil {
		return err
	}
	return errors.Join(dir.writeFile(filepath.Base(path), data, mode, finish), dir.Close())
}

// Symlink makes path a link to target by one rename, which is durable after [SyncDir] of
// the directory. A lock of the caller keeps others from doing the same: the temporary
// name is always the same, so that the next call removes what a crash left.
func Symlink(target, path string) error {
	temp := filepath.Join(filepath.Dir(path), TempPrefix+filepath.Base(path))
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, temp); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// OpenOwn opens a file of ours for reading and writing, and makes it if need
// be. A link is refused: where others may write in the directory, it would let
// them choose which file of ours is written to. So is whatever else is not a
// regular file.
func OpenOwn(path string, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NOCTTY, mode)
	if err != nil {
		return nil, err
	}
	if err := smallfile.Check(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// IsSpecial reports whether err is that of [OpenOwn] at a link, a fifo, a directory
// or a device.
func IsSpecial(err error) bool {
	var kind *smallfile.NotRegularError
	return errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENXIO) || errors.As(err, &kind)
}

// OpenDirectory opens a directory as the system finds it, through links too:
// for paths that a user chose. Whatever else has that name is refused, before it
// is waited for.
func OpenDirectory(path string) (*Dir, error) { return openDir(path, unix.O_RDONLY) }

// MkdirAll makes dir and its missing parents with exactly this mode, whatever
// the umask says. Directories that exist are left as they are.
func MkdirAll(dir string, mode os.FileMode) error {
	info, err := os.Stat(dir)
	if err == nil {
		if !info.IsDir() {
			return &os.PathError{Op: "mkdir", Path: dir, Err: unix.ENOTDIR}
		}
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := MkdirAll(filepath.Dir(dir), mode); err != nil { // "/" and "." exist
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil {
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return nil // another process was faster
		}
		return err
	}
	return os.Chmod(dir, mode)
}

// Chmod changes the mode of the file or directory at path, whose last element
// is no link. A file with other names is refused: a user's hard link may make it
// any file of the machine.
func Chmod(path string, mode uint32) error {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	switch {
	case err != nil:
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		err = unix.ELOOP
	case st.Mode&unix.S_IFMT != unix.S_IFDIR && st.Nlink > 1:
		err = errors.New("not changed, because it has other names (hard links)")
	default:
		// fchmod(2) refuses an O_PATH descriptor, and opening for reading needs
		// a right that may be missing.
		err = unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode)
	}
	if err != nil {
		return &os.PathError{Op: "chmod", Path: path, Err: err}
	}
	return nil
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := OpenDirectory(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Writable reports whether this process may make files in dir, or could make dir
// itself. A read-only file system counts as not writable.
func Writable(dir string) error {
	for {
		err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
		if err == nil {
			var st unix.Stat_t
			if err = unix.Stat(dir, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
				err = unix.ENOTDIR
			}
		}
		if err != unix.ENOENT {
			if err != nil {
				return &os.PathError{Op: "access", Path: dir, Err: err}
			}
			return nil
		}
		dir = filepath.Dir(dir) // "/" and "." exist
	}
}

// IsFull reports whether err means that there is no space, no inode or no quota
// left.
func IsFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// ExplainFull returns an error that has no code of its own as disk-full where a full file
// system caused it, with a hint that names the file system; others as they are.
func ExplainFull(err error) error {
	if err == nil || diag.CodeOf(err) != diag.Failure || !IsFull(err) {
		return err
	}
	hint := "df -h"
	var at *os.PathError
	if errors.As(err, &at) && !isStream(at.Path) {
		hint += " " + diag.Word(filepath.Dir(at.Path))
	}
	return diag.New(diag.DiskFull, err.Error(), hint)
}

// Space is what a file system has left for this user.
type Space struct {
	Bytes  int64
	Inodes int64 // -1 where the file system does not count them
}

// Free returns the space left on the file system of dir or of its nearest
// existing parent.
func Free(dir string) (Space, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if err == nil {
			break
		}
		if err != unix.ENOENT {
			return Space{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
		}
		dir = filepath.Dir(dir) // "/" and "." exist
	}
	space := Space{Bytes: int64(st.Bavail) * st.Bsize, Inodes: int64(st.Ffree)}
	if st.Files == 0 {
		space.Inodes = -1
	}
	return space, nil
}

// WritableFile reports whether this process may write the file or directory at
// path, which exists.
func WritableFile(path string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS); err != nil {
		return &os.PathError{Op: "access", Path: path, Err: err}
	}
	return nil
}

// IsReadOnly reports whether err means that the file system is mounted read-only.
func IsReadOnly(err error) bool { return errors.Is(err, unix.EROFS) }
