// Package disks makes disks for tests whose power can be cut. It takes root and
// loop devices; a test without them is skipped.
package disks

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"
)

// Disk is an ext4 file system in a file, whose power can be cut.
type Disk struct {
	Dir     string // where it is mounted
	image   string
	mounted bool
}

// New makes one in the directory work that loses as much as it may: the kernel writes nothing of
// itself, neither after some seconds nor because a file took another's place.
func New(t *testing.T, work string) *Disk {
	t.Helper()
	d := &Disk{image: filepath.Join(work, "disk"), Dir: filepath.Join(work, "mnt")}
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

func (d *Disk) mount(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(d.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop,noauto_da_alloc,commit=300", d.image, d.Dir).CombinedOutput(); err != nil {
		t.Skipf("nothing can be mounted here (needs root and loop devices): %v: %s", err, out)
	}
	d.mounted = true
	t.Cleanup(func() {
		if err := d.unmount(); err != nil {
			t.Error(err)
		}
	})
}

// AfterPowerFailure is the disk as it is found if the power fails now. The file
// system is shut down first: the kernel drops what is not on the disk and writes
// nothing any more. Else it would write by itself, sooner on a machine with much
// to do, while the image is copied, and the copy be of no one instant.
func (d *Disk) AfterPowerFailure(t *testing.T) *Disk {
	t.Helper()
	if err := d.shutDown(); err != nil {
		t.Fatalf("cutting the power: %v", err)
	}
	if err := d.unmount(); err != nil { // waits for what is on its way to the disk
		t.Fatal(err)
	}
	found := &Disk{image: d.image + ".found", Dir: d.Dir + ".found"}
	if out, err := exec.Command("cp", "--sparse=always", d.image, found.image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found.mount(t)
	return found
}

// shutDown ends all writing to the file system, also of its journal.
func (d *Disk) shutDown() error {
	const ext4IocShutdown, noLogFlush = 0x8004587d, 2 // fs/ext4/ext4.h of Linux
	// No child of a test beside this one may inherit the directory: it would
	// keep the file system mounted.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	fd, err := syscall.Open(d.Dir, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
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

func (d *Disk) unmount() error {
	if !d.mounted {
		return nil
	}
	d.mounted = false
	return syscall.Unmount(d.Dir, syscall.MNT_DETACH)
}
