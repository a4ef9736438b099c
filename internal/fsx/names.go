package fsx

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// OpenOwn is the function of that name for a file of this directory.
func (d *Dir) OpenOwn(name string, mode os.FileMode) (*os.File, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY, uint32(mode.Perm()))
	})
	if err != nil {
		return nil, d.fail("open", name, err)
	}
	f := os.NewFile(uintptr(fd), path.Join(d.path, name))
	if err := smallfile.Check(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Path is the name under which the directory was opened.
func (d *Dir) Path() string { return d.path }

// Entry says who may change the directory.
func (d *Dir) Entry() (Entry, error) {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return Entry{}, d.fail("stat", "", err)
	}
	e := entryOf(d.path, &st)
	if e.groupWrites() {
		e.ACL = readACL(func(buf []byte) (int, error) { return unix.Fgetxattr(d.fd, accessACL, buf) })
	}
	return e, nil
}

// Lookup says what has that name in the directory, without following a link.
func (d *Dir) Lookup(name string) (Entry, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Entry{}, d.fail("lstat", name, err)
	}
	return entryOf(path.Join(d.path, name), &st), nil
}

// Inode is the number of what has that name, 0 if nothing has.
func (d *Dir) Inode(name string) uint64 {
	var st unix.Stat_t
	if unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return 0
	}
	return st.Ino
}

// Holds reports whether that name in d still is the directory sub, which was
// opened by it, and not another or a link in its place.
func (d *Dir) Holds(name string, sub *Dir) bool {
	var at, open unix.Stat_t
	return unix.Fstatat(d.fd, name, &at, unix.AT_SYMLINK_NOFOLLOW) == nil && unix.Fstat(sub.fd, &open) == nil &&
		at.Dev == open.Dev && at.Ino == open.Ino
}

// Same reports whether both are open for the same directory.
func (d *Dir) Same(other *Dir) bool {
	var a, b unix.Stat_t
	return unix.Fstat(d.fd, &a) == nil && unix.Fstat(other.fd, &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// Names lists what is in the directory.
func (d *Dir) Names() ([]string, error) {
	again, err := d.Sub(".") // with a position of its own
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(again.fd), d.path)
	defer f.Close()
	return f.Readdirnames(-1)
}

// MkdirTemp makes a directory that only its owner may enter, and gives its
// name, which begins with prefix.
func (d *Dir) MkdirTemp(prefix string) (name string, err error) {
	err = fresh(func() error {
		name = prefix + strconv.FormatUint(uint64(rand.Uint32()), 10)
		return d.Mkdir(name, 0o700)
	})
	return name, err
}

// fresh repeats an attempt to make something under a random name while the
// name is taken.
func fresh(attempt func() error) (err error) {
	for range 1000 {
		if err = attempt(); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return err
}

// WriteFile is the function of that name for a file of this directory.
func (d *Dir) WriteFile(name string, data []byte, mode os.FileMode) error {
	return d.writeFile(name, data, mode, func(string) error { return nil })
}

func (d *Dir) writeFile(name string, data []byte, mode os.FileMode, finish func(stage string) error) (err error) {
	var temp string
	var f *os.File
	err = fresh(func() (err error) {
		temp = TempPrefix + name + "." + strconv.FormatUint(uint64(rand.Uint32()), 10)
		f, err = d.CreateFile(temp, 0o600)
		return err
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Remove(temp))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = finish(f.Name())
	}
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return d.Rename(temp, d, name)
}

// ReadFile reads a regular file of the directory of at most limit bytes.
func (d *Dir) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := smallfile.ReadFrom(f.fd, limit)
	return data, d.failed("read", name, err)
}

// Symlink is the function of that name for a link of this directory.
func (d *Dir) Symlink(target, name string) error {
	var temp string
	err := fresh(func() error {
		temp = TempPrefix + name + "." + strconv.FormatUint(uint64(rand.Uint32()), 10)
		return d.failed("symlink", temp, unix.Symlinkat(target, d.fd, temp))
	})
	if err != nil {
		return err
	}
	if err := d.Rename(temp, d, name); err != nil {
		return errors.Join(err, d.Remove(temp))
	}
	return nil
}

// Readlink returns the target of a link of the directory.
func (d *Dir) Readlink(name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(d.fd, name, buf)
	if err != nil {
		return "", d.fail("readlink", name, err)
	}
	return string(buf[:n]), nil
}

// Remove removes a file or link of the directory.
func (d *Dir) Remove(name string) error {
	return d.failed("remove", name, unix.Unlinkat(d.fd, name, 0))
}

// Exchange swaps a name of d with one of the directory to in one step, or gives
// an error that is [errors.ErrUnsupported] where the file system cannot.
func (d *Dir) Exchange(from string, to *Dir, name string) error {
	err := unix.Renameat2(d.fd, from, to.fd, name, unix.RENAME_EXCHANGE)
	if err == unix.EINVAL || err == unix.ENOSYS {
		err = errors.ErrUnsupported
	}
	return d.failed("exchange", from, err)
}

// RenameNew moves a name of d into the directory to unless the new name
// exists, which gives [os.ErrExist].
func (d *Dir) RenameNew(from string, to *Dir, name string) error {
	err := unix.Renameat2(d.fd, from, to.fd, name, unix.RENAME_NOREPLACE)
	if err == unix.EINVAL || err == unix.ENOSYS {
		// rename(2) of a directory replaces an empty directory only.
		if to.Inode(name) != 0 {
			err = unix.EEXIST
		} else {
			return d.Rename(from, to, name)
		}
	}
	return d.failed("rename", from, err)
}

// Sync makes the names in the directory durable.
func (d *Dir) Sync() error {
	err := unix.Fsync(d.fd)
	if err == unix.EINVAL || err == unix.ENOTSUP {
		return nil // a file system that does not sync directories
	}
	return d.failed("sync", "", err)
}

// SyncFS writes everything that is dirty on the file system of the directory
// to the disk. For a tree of ten thousand new files it is one call in place of
// ten thousand fsyncs, each of which would be a commit of the journal.
func (d *Dir) SyncFS() error {
	return d.failed("syncfs", "", unix.Syncfs(d.fd))
}

// TryFlock takes an exclusive flock(2) of the directory, and reports whether it
// could. Closing the directory lets go of it.
func (d *Dir) TryFlock() (bool, error) {
	got, err := tryFlock(d.fd)
	return got, d.failed("flock", "", err)
}
