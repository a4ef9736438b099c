package fsx

import (
	"os"
	"path"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Dir is an open directory in which files are made. Like an [os.Root], it
// reaches nothing outside itself and follows no links; unlike one, it makes a
// file in three system calls, which is what counts for ten thousand.
type Dir struct {
	fd    int
	path  string
	exact bool // modes arrive as asked: neither umask nor default ACLs change them
	// byPath is set once links cannot be made from a descriptor alone.
	byPath *atomic.Bool
}

// Fill prepares the directory for many files: it finds out whether they get
// their modes without another system call each.
func (d *Dir) Fill() { d.exact = d.modesArrive() }

// OpenTrusted opens the directory at a path that is trusted, to read in it.
func OpenTrusted(name string) (*Dir, error) { return openDir(name, unix.O_RDONLY|unix.O_NOFOLLOW) }

func openDir(name string, flags int) (*Dir, error) {
	fd, err := retry(func() (int, error) { return unix.Open(name, flags|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return &Dir{fd: fd, path: name, byPath: new(atomic.Bool)}, nil
}

// modesArrive tries, since a umask cannot be read without changing it.
func (d *Dir) modesArrive() bool {
	const probe = ".mode-probe"
	fd, err := unix.Openat(d.fd, probe, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o755)
	if err != nil {
		return false
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	unix.Close(fd)
	unix.Unlinkat(d.fd, probe, 0)
	return err == nil && st.Mode&0o7777 == 0o755
}

// Close closes the directory.
func (d *Dir) Close() error { return unix.Close(d.fd) }

// Sub opens a directory beneath d. name is "/"-separated; "." is d itself.
func (d *Dir) Sub(name string) (*Dir, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	how := unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	fd, err := retry(func() (int, error) { return unix.Openat2(d.fd, name, &how) })
	if err == unix.ENOSYS || err == unix.EPERM {
		fd, err = d.walk(name, flags) // an old kernel, or a sandbox that knows no openat2
	}
	if err != nil {
		return nil, d.fail("open", name, err)
	}
	return &Dir{fd: fd, path: path.Join(d.path, name), exact: d.exact, byPath: d.byPath}, nil
}

func (d *Dir) walk(name string, flags int) (int, error) {
	fd, err := unix.Openat(d.fd, ".", flags, 0)
	for element := range strings.SplitSeq(name, "/") {
		if err != nil {
			return -1, err
		}
		if element == "" || element == ".." {
			unix.Close(fd)
			return -1, unix.EXDEV
		}
		var next int
		next, err = unix.Openat(fd, element, flags, 0)
		unix.Close(fd)
		fd = next
	}
	return fd, err
}

// Mkdir makes a directory with exactly this mode. name is one element.
func (d *Dir) Mkdir(name string, mode uint32) error {
	if err := unix.Mkdirat(d.fd, name, mode); err != nil {
		return d.fail("mkdir", name, err)
	}
	if d.exact {
		return nil
	}
	return d.failed("chmod", name, chmodAt(d.fd, name, mode))
}

// chmodAt sets the mode of what has that name, unless it is a link.
func chmodAt(parent int, name string, mode uint32) error {
	err := unix.Fchmodat(parent, name, mode, unix.AT_SYMLINK_NOFOLLOW)
	if err != unix.EOPNOTSUPP {
		return err
	}
	// Before Linux 6.6 there is no such call.
	fd, err := unix.Openat(parent, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return chmodPath(fd, mode)
}

// chmodPath sets the mode of what an O_PATH descriptor is open for: fchmod(2)
// refuses it, and opening it for reading may need the very permission that is missing.
func chmodPath(fd int, mode uint32) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return unix.ELOOP
	}
	return unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode)
}

// SetMTime sets the modification time, in nanoseconds, of what has that name; a link's
// own. name is one element.
func (d *Dir) SetMTime(name string, nanos int64) error {
	ts := unix.NsecToTimespec(nanos)
	return d.failed("utimes", name, unix.UtimesNanoAt(d.fd, name, []unix.Timespec{{Nsec: unix.UTIME_OMIT}, ts}, unix.AT_SYMLINK_NOFOLLOW))
}

// Create makes a new file with exactly this mode and contents. name is one
// element.
func (d *Dir) Create(name string, mode uint32, content []byte) error {
	fd, err := d.create(name, mode)
	if err != nil {
		return d.fail("create", name, err)
	}
	err = writeAll(fd, content)
	if closeErr := unix.Close(fd); err == nil {
		err = closeErr
	}
	if err != nil {
		return d.fail("write", name, err)
	}
	return nil
}

// CreateFile makes a new, empty file with exactly this mode, for writing. name
// is one element.
func (d *Dir) CreateFile(name string, mode uint32) (*os.File, error) {
	fd, err := d.create(name, mode)
	if err != nil {
		return nil, d.fail("create", name, err)
	}
	return os.NewFile(uintptr(fd), path.Join(d.path, name)), nil
}

func (d *Dir) create(name string, mode uint32) (int, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	})
	if err == nil && !d.exact {
		if err = unix.Fchmod(fd, mode); err != nil {
			unix.Close(fd)
		}
	}
	return fd, err
}

// Rename gives a file of this directory another name in the directory to, in
// place of what has that name. Both names are one element.
func (d *Dir) Rename(from string, to *Dir, name string) error {
	return d.failed("rename", from, unix.Renameat(d.fd, from, to.fd, name))
}

// failed is nil where nothing failed.
func (d *Dir) failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return d.fail(op, name, err)
}

func (d *Dir) fail(op, name string, err error) error {
	return &os.PathError{Op: op, Path: path.Join(d.path, name), Err: err}
}

func writeAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := retry(func() (int, error) { return unix.Write(fd, p) })
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

func retry(f func() (int, error)) (int, error) {
	for {
		fd, err := f()
		if err != unix.EINTR {
			return fd, err
		}
	}
}
