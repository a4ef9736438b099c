package install_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"unsafe"
)

// disk is an ext4 file system in a file, whose power can be cut.
type disk struct {
	image, dir string
	mounted    bool
}

// newDisk makes one that loses as much as it may: the kernel writes nothing of
// itself, neither after some seconds nor because a file took another's place.
func newDisk(t *testing.T) *disk {
	t.Helper()
	work := memDir(t)
	d := &disk{image: filepath.Join(work, "disk"), dir: filepath.Join(work, "mnt")}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 64<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", d.image).CombinedOutput(); err != nil {
		t.Skipf("no file system can be made here: %v: %s", err, out)
	}
	d.mount(t)
	return d
}

func (d *disk) mount(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop,noauto_da_alloc,commit=300", d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("nothing can be mounted here (needs root and loop devices): %v: %s", err, out)
	}
	d.mounted = true
	t.Cleanup(func() {
		if err := d.unmount(); err != nil {
			t.Error(err)
		}
	})
}

// afterPowerFailure is the disk as it is found if the power fails now. The file
// system is shut down first: the kernel drops what is not on the disk and writes
// nothing any more. Else it would write by itself, sooner on a machine with much
// to do, while the image is copied, and the copy be of no one instant.
func (d *disk) afterPowerFailure(t *testing.T) *disk {
	t.Helper()
	if err := d.shutDown(); err != nil {
		t.Fatalf("cutting the power: %v", err)
	}
	if err := d.unmount(); err != nil { // waits for what is on its way to the disk
		t.Fatal(err)
	}
	found := &disk{image: d.image + ".found", dir: d.dir + ".found"}
	if out, err := exec.Command("cp", "--sparse=always", d.image, found.image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found.mount(t)
	return found
}

// shutDown ends all writing to the file system, also of its journal.
func (d *disk) shutDown() error {
	const ext4IocShutdown, noLogFlush = 0x8004587d, 2 // fs/ext4/ext4.h of Linux
	// No child of a test beside this one may inherit the directory: it would
	// keep the file system mounted.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	fd, err := syscall.Open(d.dir, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	how := uint32(noLogFlush)
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), ext4IocShutdown, uintptr(unsafe.Pointer(&how)))
	if err := syscall.Close(fd); err != nil || errno != 0 {
		return errors.Join(err, errno)
	}
	return nil
}

func (d *disk) unmount() error {
	if !d.mounted {
		return nil
	}
	d.mounted = false
	return syscall.Unmount(d.dir, syscall.MNT_DETACH)
}

func (d *disk) store() string { return filepath.Join(d.dir, "a store") }

// TestPowerFailure lets the power fail when the process enters each of the
// system calls that change names or make them durable, and once it has said
// that it is done.
func TestPowerFailure(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed")
	}
	proxy := fileProxy(t, subject, "1.22.4", "1.21.0")
	most := 8
	if testing.Short() {
		most = 0
	}
	for _, c := range crashCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			t.Run("done", func(t *testing.T) {
				d := newDisk(t)
				c.fill(t, d, proxy)
				if out, err := command(d.store(), proxy, c.verb, subject).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				found := d.afterPowerFailure(t)
				present := checkWhole(t, found.store())
				if slices.Contains(present, subject) == slices.Contains(c.never, subject) {
					t.Errorf("what was done is not there: %v", present)
				}
				c.check(t, found.store(), proxy)
			})
			for _, call := range []string{"renameat", "renameat2", "fsync", "syncfs", "symlinkat", "unlinkat"} {
				for n := 1; n <= most; n++ {
					over := false
					t.Run(fmt.Sprint(call, n), func(t *testing.T) {
						d := newDisk(t)
						c.fill(t, d, proxy)
						inner := command(d.store(), proxy, c.verb, subject)
						cmd := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call,
							"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), inner.Path)
						cmd.Env = append(inner.Env, "GOMAXPROCS=1")
						out, err := cmd.CombinedOutput()
						if err != nil && !killed(err) {
							t.Fatalf("%v: %s", err, out)
						}
						over = err == nil
						c.check(t, d.afterPowerFailure(t).store(), proxy)
					})
					if over {
						break // there are not so many
					}
				}
			}
		})
	}
}

// fill brings what a case finds installed onto the disk, for good.
func (c crashCase) fill(t *testing.T, d *disk, proxy string) {
	t.Helper()
	c.install(t, d.store(), proxy)
	if out, err := exec.Command("sync", "-f", d.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
