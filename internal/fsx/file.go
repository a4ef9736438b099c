package fsx

import (
	"errors"
	"hash"
	"io"
	"io/fs"
	"strconv"

	"golang.org/x/sys/unix"
)

// File is a file of a [Dir], open for reading. An [os.File] costs three more
// system calls, which is what counts for ten thousand.
type File struct {
	fd   int
	dir  *Dir
	name string
}

// Info is what is known of a [File].
type Info struct {
	Regular  bool
	Mode     fs.FileMode // permissions
	Size     int64       // bytes
	UID      uint32
	Links    uint64 // names
	Dev, Ino uint64
}

// Same reports whether both are of one file.
func (i Info) Same(other Info) bool { return i.Dev == other.Dev && i.Ino == other.Ino }

// Open opens a file of this directory for reading. name is one element; a link
// is refused.
func (d *Dir) Open(name string) (*File, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	})
	if err != nil {
		return nil, d.fail("open", name, err)
	}
	return &File{fd, d, name}, nil
}

// Stat looks at the file.
func (f *File) Stat() (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return Info{}, f.dir.fail("stat", f.name, err)
	}
	return Info{st.Mode&unix.S_IFMT == unix.S_IFREG, fs.FileMode(st.Mode & 0o7777), st.Size, st.Uid, uint64(st.Nlink), st.Dev, st.Ino}, nil
}

// SetOwner gives the very file that was opened, which may be a directory, an owner and
// then a mode: a change of owner clears the setuid bit.
func (f *File) SetOwner(uid, gid int, mode uint32) error {
	if err := unix.Fchown(f.fd, uid, gid); err != nil {
		return f.dir.fail("chown", f.name, err)
	}
	return f.dir.failed("chmod", f.name, unix.Fchmod(f.fd, mode))
}

// Read is part of [io.Reader].
func (f *File) Read(p []byte) (int, error) {
	n, err := retry(func() (int, error) { return unix.Read(f.fd, p) })
	switch {
	case err != nil:
		return 0, f.dir.fail("read", f.name, err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Close is part of [io.Closer].
func (f *File) Close() error { return unix.Close(f.fd) }

// Link gives the open file another name in this directory. It is the very file
// that was opened, and read, whatever its old name means by now.
func (d *Dir) Link(f *File, name string) error {
	if !d.byPath.Load() {
		err := unix.Linkat(f.fd, "", d.fd, name, unix.AT_EMPTY_PATH)
		if err == nil || err != unix.ENOENT {
			return d.failed("link", name, err)
		}
		d.byPath.Store(true) // not our right, before Linux 6.10 and without CAP_DAC_READ_SEARCH
	}
	from := "/proc/self/fd/" + strconv.Itoa(f.fd)
	return d.failed("link", name, unix.Linkat(unix.AT_FDCWD, from, d.fd, name, unix.AT_SYMLINK_FOLLOW))
}

// Copy makes a new file with the contents of f, and answers the digest of what
// it wrote.
func (d *Dir) Copy(f *File, name string, mode uint32, buf []byte, h hash.Hash) ([]byte, error) {
	out, err := d.CreateFile(name, mode)
	if err != nil {
		return nil, err
	}
	_, err = unix.Seek(f.fd, 0, io.SeekStart)
	for err == nil {
		var n int
		n, err = f.Read(buf)
		h.Write(buf[:n])
		if _, writeErr := out.Write(buf[:n]); writeErr != nil {
			err = writeErr
		}
	}
	if err == io.EOF {
		err = nil
	}
	return h.Sum(nil), errors.Join(err, out.Close())
}

// Clone makes a new file that shares the blocks of the open one, on file
// systems that can.
func (d *Dir) Clone(f *File, name string, mode uint32) error {
	fd, err := d.create(name, mode)
	if err != nil {
		return d.fail("create", name, err)
	}
	err = unix.IoctlFileClone(fd, f.fd)
	unix.Close(fd)
	if err != nil {
		unix.Unlinkat(d.fd, name, 0)
	}
	return d.failed("clone", name, err)
}
