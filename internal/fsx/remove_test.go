package fsx

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const nobodyID = 65534

// asNobody calls f in a thread that has the rights of nobody in the file system.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	var thread sync.WaitGroup
	thread.Go(func() {
		runtime.LockOSThread() // for good: the thread ends with this function
		_ = unix.Setfsgid(nobodyID)
		_ = unix.Setfsuid(nobodyID)
		if uid, _ := unix.SetfsuidRetUid(-1); uid != nobodyID {
			t.Error("the thread is still root's")
			return
		}
		f()
	})
	thread.Wait()
}

// Directories are made writable where that is needed, and where it is not, nothing is
// done to them: they may be another user's.
func TestRemoveAll_asAUser(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	must(t, os.MkdirAll(at("own/closed/x"), 0o755), os.Mkdir(at("own/roots"), 0o755), os.MkdirAll(at("own/secret/x"), 0o700), os.WriteFile(at("own/closed/file"), nil, 0o644),
		os.Mkdir(at("sticky"), 0o777), os.Chmod(at("sticky"), 0o777|fs.ModeSticky), os.Mkdir(at("sticky/dir"), 0o755), os.WriteFile(at("sticky/file"), nil, 0o644), os.Symlink("file", at("sticky/link")))
	if os.Geteuid() == 0 {
		must(t, os.Lchown(at("own"), nobodyID, nobodyID), os.Lchown(at("own/closed"), nobodyID, nobodyID), os.Lchown(at("own/closed/x"), nobodyID, nobodyID))
	}
	must(t, os.Chmod(at("own/closed"), 0))
	own, err := d.Sub("own")
	must(t, err)
	defer own.Close()
	sticky, err := d.Sub("sticky")
	must(t, err)
	defer sticky.Close()
	asNobody(t, func() {
		for name, want := range map[string]error{"roots": nil, "closed": nil, "none": nil} {
			if err := own.RemoveAll(name); err != want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := own.RemoveAll("secret"); !errors.Is(err, unix.EACCES) {
			t.Errorf("another user's directory: %v", err)
		}
		for _, name := range []string{"file", "link", "dir"} {
			if err := sticky.RemoveAll(name); !errors.Is(err, unix.EPERM) {
				t.Errorf("another user's %s: %v", name, err)
			}
		}
	})
	if left, err := own.Names(); err != nil || len(left) != 1 {
		t.Errorf("left: %q, %v", left, err)
	}
	if left, err := sticky.Names(); err != nil || len(left) != 3 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func TestRemoveAll_manyFiles(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	must(t, os.Mkdir(at("dir"), 0o700))
	sub, err := d.Sub("dir")
	must(t, err)
	defer sub.Close()
	for n := range 1025 { // one look at a directory gives 1024 names
		must(t, sub.Create(strconv.Itoa(n), 0o600, nil))
	}
	f, err := os.Open(at("dir"))
	must(t, err)
	defer f.Close()
	must(t, emptyDir(f))
	if left, err := sub.Names(); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
	must(t, RemoveAll(d.Path(), "dir"), RemoveAll(at("none"), "dir"))
	if d.Inode("dir") != 0 {
		t.Error("the directory is still there")
	}
	if err := RemoveAll(at("none/.."), ""); err == nil {
		t.Error("a name that is empty")
	}
	must(t, os.WriteFile(at("file"), nil, 0o600))
	for name, remove := range map[string]func() error{
		"RemoveAll":    func() error { return RemoveAll(at("file"), "x") },
		"RemoveUnheld": func() error { _, err := RemoveUnheld(at("file"), "x"); return err },
	} {
		if err := remove(); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s beneath a file: %v", name, err)
		}
	}
}

// What a process holds is left alone.
func TestRemoveUnheld(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	must(t, os.MkdirAll(at("held/x"), 0o700), os.MkdirAll(at("free/x"), 0o700), os.Symlink("held", at("link")))
	held, err := d.Sub("held")
	must(t, err)
	defer held.Close()
	if got, err := held.TryFlock(); err != nil || !got {
		t.Fatal(got, err)
	}
	for name, want := range map[string]bool{"held": true, "free": false, "link": false, "none": false, "none/none": false, "held/x": false} {
		if Held(at(name)) != want {
			t.Errorf("Held(%s) is not %t", name, want)
		}
	}
	for _, name := range []string{"held", "free", "link", "none"} {
		got, err := RemoveUnheld(d.Path(), name)
		if err != nil || got != (name == "held") || (d.Inode(name) != 0) != got {
			t.Errorf("%s: held %v, %v, inode %d", name, got, err, d.Inode(name))
		}
	}
	if got, err := RemoveUnheld(at("none"), "x"); got || err != nil {
		t.Errorf("beneath nothing: %v, %v", got, err)
	}
	if held.Inode("x") == 0 {
		t.Error("what is held was emptied")
	}
}

// What is looked at is closed again. The test counts descriptors, so it is not parallel.
func TestHeld_closesWhatItOpens(t *testing.T) {
	d, at := testDir(t)
	count := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(list)
	}
	before := count()
	for range 5 {
		must(t, os.MkdirAll(at("x"), 0o700))
		if held, err := RemoveUnheld(d.Path(), "x"); held || err != nil || Held(at(".")) {
			t.Error(held, err)
		}
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}
