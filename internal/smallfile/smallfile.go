// Package smallfile opens and reads regular files. Every small file that vmgo
// reads goes through it, because anybody may have put something else in its
// place: a fifo that nobody writes to blocks whoever opens it, a link to
// /dev/zero never ends, a sparse file of a terabyte fills the memory.
//
// The package is linked into the lean program, where it runs for each file that
// may decide: it makes the system calls itself.
package smallfile

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// Usual is the limit of a file that people edit or that vmgo keeps a record in, in bytes.
const Usual = 1 << 20

// NotRegularError reports that something else is in the place of a regular file.
type NotRegularError struct{ What string } // "a directory", "a fifo", "a device", "a socket"

// Error returns "a fifo, not a regular file".
func (e *NotRegularError) Error() string { return e.What + ", not a regular file" }

// TooLargeError reports that a file is larger than its reader allows.
type TooLargeError struct{ Limit int64 } // bytes

// Error returns "larger than 4 KiB".
func (e *TooLargeError) Error() string { return "larger than " + size(e.Limit) }

func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + " MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + " KiB"
	default:
		return strconv.FormatInt(n, 10) + " bytes"
	}
}

// Read returns the content of the regular file at path. It follows links, and
// it neither waits nor takes more than limit bytes. Every error is an
// [*fs.PathError], around a [*NotRegularError], a [*TooLargeError] or the
// system's own error.
func Read(path string, limit int64) ([]byte, error) {
	fd, stat, err := open(path)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	if stat.Size > limit {
		return nil, failure("read", path, &TooLargeError{limit})
	}
	data, err := readAll(fd, stat.Size, limit)
	if err != nil {
		return nil, failure("read", path, err)
	}
	return data, nil
}

// ReadFrom returns the content of the open file fd, under the rules of [Read].
func ReadFrom(fd int, limit int64) ([]byte, error) {
	var stat syscall.Stat_t
	if err := retry(func() error { return syscall.Fstat(fd, &stat) }); err != nil {
		return nil, err
	}
	if err := regular(stat); err != nil {
		return nil, err
	}
	if stat.Size > limit {
		return nil, &TooLargeError{limit}
	}
	return readAll(fd, stat.Size, limit)
}

// Head returns the first n bytes of the regular file at path, or all of it
// where it is shorter.
func Head(path string, n int) ([]byte, error) {
	fd, _, err := open(path)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	data := make([]byte, n)
	filled := 0
	for filled < n {
		got, err := read(fd, data[filled:])
		if err != nil {
			return nil, failure("read", path, err)
		}
		if got == 0 {
			break
		}
		filled += got
	}
	return data[:filled], nil
}

// Open opens the regular file at path for reading, for files that are too large
// to be read at once. The caller bounds what it reads. The errors are those of
// [Read].
func Open(path string) (*os.File, error) {
	fd, _, err := open(path)
	if err != nil {
		return nil, err
	}
	// The flag has done its work. os.NewFile would ask the poller about a file
	// that has it.
	if err := syscall.SetNonblock(fd, false); err != nil {
		return nil, failure("open", path, closing(fd, err))
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Put replaces the content of the regular file at path, which it creates with that
// mode where there is none. It follows no link and waits for no reader of a fifo. A
// crash can leave the file cut short: it is for what vmgo can do without.
func Put(path string, data []byte, mode uint32) error {
	const flags = syscall.O_WRONLY | syscall.O_CREAT | syscall.O_NOFOLLOW | syscall.O_CLOEXEC | syscall.O_NONBLOCK | syscall.O_NOCTTY
	var fd int
	if err := retry(func() (err error) { fd, err = syscall.Open(path, flags, mode); return err }); err != nil {
		return failure("open", path, err)
	}
	err := check(fd)
	if err == nil {
		err = retry(func() error { return syscall.Ftruncate(fd, 0) })
	}
	for len(data) > 0 && err == nil {
		var n int
		err = retry(func() (err error) { n, err = syscall.Write(fd, data); return err })
		data = data[max(n, 0):]
	}
	if err != nil {
		return failure("write", path, closing(fd, err))
	}
	return syscall.Close(fd)
}

// Check returns a [*NotRegularError] unless f is a regular file.
func Check(f *os.File) error {
	if err := check(int(f.Fd())); err != nil {
		return failure("open", f.Name(), err)
	}
	return nil
}

func check(fd int) error {
	var stat syscall.Stat_t
	if err := retry(func() error { return syscall.Fstat(fd, &stat) }); err != nil {
		return err
	}
	return regular(stat)
}

// open asks before it opens: opening a device can act on it, and mostly there is
// no file, which asking tells at half the price. What was opened is asked again,
// since the name may mean something else by then.
func open(path string) (int, syscall.Stat_t, error) {
	var stat syscall.Stat_t
	if err := retry(func() error { return syscall.Stat(path, &stat) }); err != nil {
		return -1, stat, failure("open", path, err)
	}
	if err := regular(stat); err != nil {
		return -1, stat, failure("open", path, err)
	}
	// O_NONBLOCK keeps a fifo from blocking, O_NOCTTY a terminal from becoming ours.
	const flags = syscall.O_RDONLY | syscall.O_CLOEXEC | syscall.O_NONBLOCK | syscall.O_NOCTTY
	var fd int
	if err := retry(func() (err error) { fd, err = syscall.Open(path, flags, 0); return err }); err != nil {
		return -1, stat, failure("open", path, err)
	}
	err := retry(func() error { return syscall.Fstat(fd, &stat) })
	if err == nil {
		err = regular(stat)
	}
	if err != nil {
		return -1, stat, failure("open", path, closing(fd, err))
	}
	return fd, stat, nil
}

// readAll reads to the end. The size is only a first guess: it is 0 in /proc,
// and the file may grow.
func readAll(fd int, size, limit int64) ([]byte, error) {
	room := size + 1
	if size == 0 {
		room = 4096 // files of /proc/sys say nothing about their size, and answer one read only
	}
	data := make([]byte, 0, room)
	for {
		if len(data) == cap(data) {
			grown := make([]byte, len(data), 2*cap(data)+512)
			copy(grown, data)
			data = grown
		}
		n, err := read(fd, data[len(data):cap(data)])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return data, nil
		}
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return nil, &TooLargeError{limit}
		case int64(len(data)) == size && len(data) < cap(data):
			return data, nil // there was room for more than what it should have
		}
	}
}

func read(fd int, p []byte) (n int, err error) {
	err = retry(func() error { n, err = syscall.Read(fd, p); return err })
	return max(n, 0), err
}

func retry(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}

func regular(stat syscall.Stat_t) error {
	switch stat.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return nil
	case syscall.S_IFDIR:
		return &NotRegularError{"a directory"}
	case syscall.S_IFIFO:
		return &NotRegularError{"a fifo"}
	case syscall.S_IFSOCK:
		return &NotRegularError{"a socket"}
	default:
		return &NotRegularError{"a device"}
	}
}

func closing(fd int, err error) error {
	_ = syscall.Close(fd)
	return err
}

func failure(op, path string, err error) error {
	return &fs.PathError{Op: op, Path: path, Err: err}
}
