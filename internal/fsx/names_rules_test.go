package fsx

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What the system refuses is an error that names the path.
func TestDir_ofNothing(t *testing.T) {
	t.Parallel()
	d := &Dir{fd: -1, path: "/none", byPath: new(atomic.Bool)}
	f := &File{fd: -1, dir: d, name: "x"}
	for name, call := range map[string]func() error{
		"Create":     func() error { return d.Create("x", 0o600, nil) },
		"CreateFile": func() error { _, err := d.CreateFile("x", 0o600); return err },
		"Copy":       func() error { _, err := d.Copy(f, "x", 0o600, nil, nil); return err },
		"Clone":      func() error { return d.Clone(f, "x", 0o600) },
		"Link":       func() error { return d.Link(f, "x") },
		"Mkdir":      func() error { return d.Mkdir("x", 0o700) },
		"MkdirTemp":  func() error { _, err := d.MkdirTemp("x"); return err },
		"Narrow":     func() error { return d.Narrow("x") },
		"Open":       func() error { _, err := d.Open("x"); return err },
		"OpenOwn":    func() error { _, err := d.OpenOwn("x", 0o600); return err },
		"ReadFile":   func() error { _, err := d.ReadFile("x", 9); return err },
		"Readlink":   func() error { _, err := d.Readlink("x"); return err },
		"Remove":     func() error { return d.Remove("x") },
		"RemoveAll":  func() error { return d.RemoveAll("x") },
		"Rename":     func() error { return d.Rename("x", d, "y") },
		"RenameNew":  func() error { return d.RenameNew("x", d, "y") },
		"Exchange":   func() error { return d.Exchange("x", d, "y") },
		"Sub":        func() error { _, err := d.Sub("x"); return err },
		"Names":      func() error { _, err := d.Names(); return err },
		"Symlink":    func() error { return d.Symlink("x", "y") },
		"Sync":       d.Sync,
		"SyncFS":     d.SyncFS,
		"TryFlock":   func() error { _, err := d.TryFlock(); return err },
		"WriteFile":  func() error { return d.WriteFile("x", nil, 0o600) },
		"Entry":      func() error { _, err := d.Entry(); return err },
		"Lookup":     func() error { _, err := d.Lookup("x"); return err },
		"File.Stat":  func() error { _, err := f.Stat(); return err },
		"File.Read":  func() error { _, err := f.Read(make([]byte, 1)); return err },
		"SetOwner":   func() error { return f.SetOwner(0, 0, 0) },
	} {
		var path *fs.PathError
		if err := call(); !errors.Is(err, unix.EBADF) || !errors.As(err, &path) || !strings.HasPrefix(path.Path, "/none") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d.modesArrive() || d.Inode("x") != 0 || d.Same(d) || d.Holds("x", d) || !f.HasAttributes() {
		t.Error("something is said of a directory that cannot be looked at")
	}
	if err := chmodPath(-1, 0o600); err != unix.EBADF {
		t.Errorf("chmodPath: %v", err)
	}
}

func TestDir_looksAtNames(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	must(t, os.Mkdir(at("sub"), 0o700), os.Mkdir(at("other"), 0o700), os.WriteFile(at("file"), []byte("content"), 0o640), os.Chmod(at("file"), 0o640), os.Symlink("sub", at("link")))
	sub, err := d.Sub("sub")
	must(t, err)
	defer sub.Close()
	again, err := d.Sub("sub")
	must(t, err)
	defer again.Close()
	for name, want := range map[string]bool{"sub": true, "other": false, "link": false, "none": false} {
		if d.Holds(name, sub) != want {
			t.Errorf("Holds(%s) is not %t", name, want)
		}
	}
	if !sub.Same(again) || sub.Same(d) || d.Inode("sub") == 0 || d.Inode("none") != 0 || d.Inode("link") == d.Inode("sub") {
		t.Error("what is the same is not told from what is not")
	}
	// The roots of these two have one number.
	slash, err1 := OpenTrusted("/")
	proc, err2 := OpenTrusted("/proc")
	sys, err3 := OpenTrusted("/sys")
	must(t, err1, err2, err3)
	for _, dir := range []*Dir{slash, proc, sys} {
		defer dir.Close()
	}
	if proc.Same(sys) || slash.Holds("proc", sys) {
		t.Error("/proc is /sys")
	}
	for name, want := range map[string]fs.FileMode{"sub": fs.ModeDir | 0o700, "file": 0o640, "link": fs.ModeSymlink | 0o777} {
		if e, err := d.Lookup(name); err != nil || e.Mode != want || e.Path != at(name) || e.UID != os.Geteuid() {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	if data, err := d.ReadFile("file", 7); err != nil || string(data) != "content" {
		t.Errorf("%q, %v", data, err)
	}
	for name, limit := range map[string]int64{"file": 6, "sub": 99, "link": 99} {
		if data, err := d.ReadFile(name, limit); err == nil {
			t.Errorf("%s: %q", name, data)
		}
	}
	if target, err := d.Readlink("link"); err != nil || target != "sub" {
		t.Errorf("%q, %v", target, err)
	}
	if names, err := d.Names(); err != nil || len(names) != 4 {
		t.Errorf("%q, %v", names, err)
	}
	for range 2 { // the second is held by the first
		if got, err := sub.TryFlock(); err != nil || !got {
			t.Errorf("flock: %v, %v", got, err)
		}
		if got, err := again.TryFlock(); err != nil || got {
			t.Errorf("flock of a held directory: %v, %v", got, err)
		}
	}
}

func TestDir_makesTemporaryNames(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	name, err := d.MkdirTemp("stage.")
	must(t, err)
	if e, err := d.Lookup(name); err != nil || !strings.HasPrefix(name, "stage.") || e.Mode != fs.ModeDir|0o700 {
		t.Errorf("%q: %+v, %v", name, e, err)
	}
	for taken, want := range map[int]int{0: 1, 3: 4, 5000: 1000} { // names that are taken, attempts
		n := 0
		err := fresh(func() error {
			if n++; n <= taken {
				return d.fail("mkdir", "x", fs.ErrExist)
			}
			return nil
		})
		if n != want || (err == nil) != (taken < 1000) {
			t.Errorf("%d names are taken: %d attempts, %v", taken, n, err)
		}
	}
	if err := fresh(func() error { return fs.ErrPermission }); err != fs.ErrPermission {
		t.Errorf("another error: %v", err)
	}
	must(t, os.WriteFile(at("file"), []byte("old"), 0o600), os.Mkdir(at("dir"), 0o700))
	no := errors.New("no")
	if err := d.writeFile("file", []byte("new"), 0o600, func(string) error { return no }); !errors.Is(err, no) {
		t.Errorf("what cannot be finished: %v", err)
	}
	if err := d.Symlink("x", "dir"); err == nil {
		t.Error("a link replaced a directory")
	}
	if data, err := os.ReadFile(at("file")); err != nil || string(data) != "old" {
		t.Errorf("%q, %v", data, err)
	}
	if names, err := d.Names(); err != nil || len(names) != 3 {
		t.Errorf("left behind: %q, %v", names, err)
	}
}

// A directory cannot be moved into itself. It is the error by which file systems say that
// they cannot do better than rename(2), too.
func TestDir_whatCannotBeExchanged(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	must(t, os.MkdirAll(at("a/x"), 0o700))
	a, err := d.Sub("a")
	must(t, err)
	defer a.Close()
	if err := d.Exchange("a", a, "x"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Exchange: %v", err)
	}
	if err := d.Exchange("a", d, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Exchange with nothing: %v", err)
	}
	if err := d.RenameNew("a", a, "new"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("RenameNew: %v", err)
	}
	if err := d.RenameNew("none", d, "new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("RenameNew of nothing: %v", err)
	}
}

// What does not sync directories is as durable as it gets.
func TestDir_Sync(t *testing.T) {
	t.Parallel()
	proc, err := OpenTrusted("/proc")
	must(t, err)
	defer proc.Close()
	must(t, proc.Sync(), SyncDir(t.TempDir()))
}

// An old kernel looks names up by steps.
func TestDir_walk(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	must(t, os.MkdirAll(at("a/b"), 0o700), os.Symlink(".", at("a/link")), os.WriteFile(at("file"), nil, 0o600))
	for name, want := range map[string]error{".": nil, "a": nil, "a/b": nil, "./a/./b": nil, "..": unix.EXDEV, "a/..": unix.EXDEV, "a//b": unix.EXDEV, "/a": unix.EXDEV, "": unix.EXDEV,
		"a/link": unix.ELOOP, "a/link/b": unix.ELOOP, "none": unix.ENOENT, "none/a": unix.ENOENT, "file": unix.ENOTDIR} {
		fd, err := d.walk(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_DIRECTORY)
		if err != want && !(want == unix.ELOOP && err == unix.ENOTDIR) || (err == nil) != (fd >= 0) {
			t.Errorf("%q: %d, %v, want %v", name, fd, err, want)
		}
		if fd >= 0 {
			var got, wanted unix.Stat_t
			if must(t, unix.Fstat(fd, &got), unix.Stat(at(name), &wanted), unix.Close(fd)); got.Ino != wanted.Ino {
				t.Errorf("%q leads elsewhere", name)
			}
		}
	}
	if _, err := (&Dir{fd: -1}).walk("a", 0); err != unix.EBADF {
		t.Errorf("beneath nothing: %v", err)
	}
}

func TestChmodAt(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	must(t, os.WriteFile(at("file"), nil, 0o600), os.Symlink("file", at("link")))
	for name, want := range map[string]error{"file": nil, "link": unix.ELOOP, "none": unix.ENOENT} {
		if err := chmodAt(d.fd, name, 0o640); err != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := os.Stat(at("file")); err != nil || info.Mode() != 0o640 {
		t.Error(info.Mode(), err)
	}
}

// A signal does not end what it interrupts.
func TestRetry(t *testing.T) {
	t.Parallel()
	n := 0
	if fd, err := retry(func() (int, error) {
		if n++; n < 3 {
			return -1, unix.EINTR
		}
		return 7, nil
	}); fd != 7 || err != nil || n != 3 {
		t.Errorf("%d, %v after %d calls", fd, err, n)
	}
	if _, err := retry(func() (int, error) { n++; return -1, unix.EIO }); err != unix.EIO || n != 4 {
		t.Errorf("%v after %d calls", err, n)
	}
}

// Processes that make the same directories are all right.
func TestMkdirAll_together(t *testing.T) {
	t.Parallel()
	_, at := testDir(t)
	path := at(strings.Repeat("d/", 200) + "d")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := MkdirAll(path, 0o700); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// On a full disk nothing that is written is half there, and locks can be taken all the same.
func TestFullDisk(t *testing.T) {
	const inside = "VMGO_TEST_IN_NAMESPACE"
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	if os.Getenv(inside) == "" {
		cmd := exec.Command("unshare", "--mount", os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	top := t.TempDir()
	if err := syscall.Mount("tmpfs", top, "tmpfs", 0, "size=16k"); err != nil {
		t.Skipf("no mounts here: %v", err)
	}
	defer func() { _ = syscall.Unmount(top, syscall.MNT_DETACH) }()
	d, err := OpenTrusted(top)
	must(t, err)
	defer d.Close()
	must(t, d.WriteFile("file", []byte("old"), 0o600))
	if err := d.Create("filler", 0o600, make([]byte, 64<<10)); !IsFull(err) {
		t.Errorf("Create: %v", err)
	}
	if err := d.WriteFile("file", make([]byte, 8<<10), 0o600); !IsFull(err) {
		t.Errorf("WriteFile: %v", err)
	}
	f, err := d.Open("filler")
	must(t, err)
	defer f.Close()
	if _, err := d.Copy(f, "copy", 0o600, make([]byte, 4<<10), sha256.New()); !IsFull(err) {
		t.Errorf("Copy: %v", err)
	}
	if data, err := d.ReadFile("file", 99); err != nil || string(data) != "old" {
		t.Errorf("%q, %v", data, err)
	}
	if names, err := d.Names(); err != nil || len(names) != 3 {
		t.Errorf("left behind: %q, %v", names, err)
	}
	lock, err := d.Acquire(t.Context(), "lock", LockOptions{Holder: Holder{PID: 42}, NoWait: true})
	must(t, err, lock.Release())
}
