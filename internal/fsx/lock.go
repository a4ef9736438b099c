package fsx

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Holder is who holds a lock, as far as is known: the zero Holder is somebody.
type Holder struct {
	PID   int
	What  string // what the holder is doing: "vmgo install 1.22.5"
	Since time.Time
}

// String returns "process 4711 (vmgo install 1.22.5, since 12:01:05)".
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	text := "process " + strconv.Itoa(h.PID)
	var notes []string
	if h.What != "" {
		notes = append(notes, h.What)
	}
	if !h.Since.IsZero() {
		notes = append(notes, "since "+h.Since.Format(time.RFC3339))
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}

// HeldError says that another process holds a lock.
type HeldError struct {
	Path   string
	Holder Holder
}

// Error names the holder.
func (e *HeldError) Error() string { return e.Path + " is held by " + e.Holder.String() }

// LockOptions says who wants a lock and how long to wait for it.
type LockOptions struct {
	Holder Holder        // written into the lock file for those who wait
	NoWait bool          // answer *HeldError at once
	OnWait func(Holder)  // called once, if it has to wait; may be nil
	After  time.Duration // how long to wait before OnWait is called
	AsIs   bool          // leave the permissions of the lock file as they are
}

// lockMode lets nobody else open the file of a lock: whoever can open it, even
// only to read, can hold the lock.
const lockMode = 0o600

// Lock is a held lock. The kernel lets go of it when the process ends, however
// it ends, so there are no stale locks and the file is never deleted.
type Lock struct{ file *os.File }

// lockFile is where the file of a lock is.
type lockFile struct {
	path string
	open func() (*os.File, error) // makes the file if need be
	is   func(file *os.File) bool // reports whether the path still names the open file
}

func lockAt(path string) lockFile {
	return lockFile{
		path: path,
		open: func() (*os.File, error) { return OpenOwn(path, lockMode) },
		is:   func(file *os.File) bool { return sameFile(file, path) },
	}
}

func (d *Dir) lockAt(name string) lockFile {
	return lockFile{
		path: filepath.Join(d.path, name),
		open: func() (*os.File, error) { return d.OpenOwn(name, lockMode) },
		is: func(file *os.File) bool {
			var st unix.Stat_t
			return unix.Fstat(int(file.Fd()), &st) == nil && st.Ino == d.Inode(name)
		},
	}
}

// Acquire takes the lock whose file is path, and makes the file if need be. A
// file of ours that others may open becomes one that they may not. Waiting ends
// with the context.
func Acquire(ctx context.Context, path string, opts LockOptions) (*Lock, error) {
	return acquire(ctx, lockAt(path), opts)
}

// Acquire is the function of that name for a lock of this directory.
func (d *Dir) Acquire(ctx context.Context, name string, opts LockOptions) (*Lock, error) {
	return acquire(ctx, d.lockAt(name), opts)
}

func acquire(ctx context.Context, at lockFile, opts LockOptions) (*Lock, error) {
	pause := 5 * time.Millisecond
	var waited time.Duration
	told := false
	for {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		file, err := at.open()
		if err != nil {
			return nil, err
		}
		if !opts.AsIs {
			narrow(file)
		}
		got, err := TryFlock(file)
		if err == nil && got && at.is(file) {
			sign(file, opts.Holder)
			return &Lock{file}, nil
		}
		held := &HeldError{Path: at.path, Holder: readHolder(file)}
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
		if got {
			continue // the file was replaced while we took it
		}
		if opts.NoWait {
			return nil, held
		}
		if !told && opts.OnWait != nil && waited >= opts.After {
			told = true
			opts.OnWait(held.Holder)
		}
		// Polling, since a flock(2) that blocks cannot be called off.
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		waited += pause
		pause = min(pause*3/2, 100*time.Millisecond)
	}
}

// narrow takes from others what they may do with a file of ours. Where the file
// system has no permissions, it stays as it is.
func narrow(file *os.File) {
	var st unix.Stat_t
	if unix.Fstat(int(file.Fd()), &st) == nil && isWide(&st) {
		_ = unix.Fchmod(int(file.Fd()), st.Mode&0o700)
	}
}

// isWide reports whether others may do something with a file of ours.
func isWide(st *unix.Stat_t) bool {
	return st.Mode&0o077 != 0 && int(st.Uid) == os.Geteuid() && st.Mode&unix.S_IFMT != unix.S_IFLNK
}

// Narrow takes from others what they may do with the file or directory of that
// name, if it is ours; "." is the directory itself.
func (d *Dir) Narrow(name string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return d.fail("lstat", name, err)
	}
	if !isWide(&st) {
		return nil
	}
	return d.failed("chmod", name, chmodAt(d.fd, name, st.Mode&0o700))
}

// Release lets go of the lock.
func (l *Lock) Release() error {
	if l == nil || l.file == nil {
		return nil
	}
	// Emptied first: whoever finds the lock taken next must not read our name.
	err := l.file.Truncate(0)
	// Unlocked explicitly: a child that another goroutine is just forking has
	// the file too until it calls exec, and would hold the lock that long.
	err = errors.Join(err, unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
	l.file = nil
	return err
}

// sign writes the holder into the file of a lock. The name is a courtesy: a full disk,
// say, must not keep anybody from uninstalling.
func sign(file *os.File, h Holder) {
	text := strconv.Itoa(h.PID) + "\n" + h.Since.UTC().Format(time.RFC3339) + "\n" + strings.ReplaceAll(h.What, "\n", " ") + "\n"
	_ = file.Truncate(0)
	_, _ = file.WriteAt([]byte(text), 0)
}

func readHolder(f *os.File) Holder {
	data := make([]byte, 1024)
	n, _ := f.ReadAt(data, 0)
	fields := strings.SplitN(string(data[:n]), "\n", 4)
	if len(fields) < 4 {
		return Holder{}
	}
	pid, err := strconv.Atoi(fields[0])
	if err != nil {
		return Holder{}
	}
	since, _ := time.Parse(time.RFC3339, fields[1])
	if since.Year() <= 1 {
		since = time.Time{}
	}
	return Holder{PID: pid, Since: since, What: fields[2]}
}

// TryFlock takes an exclusive flock(2) of an open file or directory, and reports
// whether it could. Closing the file releases it.
func TryFlock(f *os.File) (bool, error) {
	got, err := tryFlock(int(f.Fd()))
	if err != nil {
		err = &os.PathError{Op: "flock", Path: f.Name(), Err: err}
	}
	return got, err
}

func tryFlock(fd int) (bool, error) {
	for {
		switch err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return true, nil
		case unix.EWOULDBLOCK:
			return false, nil
		case unix.EINTR:
		default:
			return false, err
		}
	}
}

func sameFile(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}
