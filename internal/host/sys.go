package host

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"
)

// Sys holds the facts that no file tells, only an instruction or a system
// call. A made-up machine brings its own.
type Sys struct {
	// CPU asks the processor who it is.
	CPU func() CPU
	// Space says how large and how full the file system of a real path is.
	Space func(path string) (Space, error)
	// Random is an error while the kernel's random numbers are not ready.
	Random func() error
	// ClockSynchronised reports whether the kernel believes that some program
	// keeps its clock right.
	ClockSynchronised func() (bool, error)
	// Lock tries to take and release a file lock in a directory.
	Lock func(dir string) error
	// Disk measures the disk of a directory by writing to it.
	Disk func(ctx context.Context, dir string) (Disk, error)
	// Lookup asks the resolver for the addresses of a name.
	Lookup func(ctx context.Context, name string) ([]string, error)
	// Owner is the user and group of a file.
	Owner func(path string, info fs.FileInfo) (uid, gid int)
	// MayWrite reports whether this user may make files in a directory of a real path.
	MayWrite func(path string, info fs.FileInfo) bool
}

// CPU is what the CPUID instruction says; the zero value on processors that
// lack it.
type CPU struct {
	Hypervisor string // vendor text of leaf 0x40000000, without padding; empty on bare metal
	VM         bool   // the hypervisor bit
	Level      int    // x86-64 microarchitecture level, 0 if unknown
}

// Space is the size of a file system in bytes and inodes.
type Space struct {
	Size, Free        uint64
	Inodes, FreeInode uint64 // Inodes is 0 where the file system has no fixed number
}

// OSSys asks the real machine.
func OSSys() Sys {
	return Sys{
		CPU:               readCPU,
		Space:             readSpace,
		Random:            tryRandom,
		ClockSynchronised: clockSynchronised,
		Lock:              tryLock,
		Disk:              measureDisk,
		Lookup:            net.DefaultResolver.LookupHost,
		Owner: func(_ string, info fs.FileInfo) (int, int) {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				return int(stat.Uid), int(stat.Gid)
			}
			return -1, -1
		},
		MayWrite: func(path string, _ fs.FileInfo) bool { // groups and ACLs count
			return unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK|unix.X_OK, unix.AT_EACCESS) == nil
		},
	}
}

func readCPU() CPU {
	return CPU{
		Hypervisor: cpuid.CPU.HypervisorVendorString,
		VM:         cpuid.CPU.VM(),
		Level:      cpuid.CPU.X64Level(),
	}
}

func readSpace(path string) (Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Space{}, err
	}
	size := uint64(s.Bsize) //nolint:gosec // block sizes are positive
	return Space{Size: s.Blocks * size, Free: s.Bavail * size, Inodes: s.Files, FreeInode: s.Ffree}, nil
}

func tryRandom() error {
	var b [1]byte
	_, err := unix.Getrandom(b[:], unix.GRND_NONBLOCK)
	return err
}

func clockSynchronised() (bool, error) {
	var t unix.Timex // Modes 0: a read, which needs no privilege
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return false, err
	}
	return state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, nil
}

func tryLock(dir string) error {
	f, err := os.CreateTemp(dir, ".vmgo-lock-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	return unix.Flock(int(f.Fd()), unix.LOCK_UN)
}

// Owner is the user and group that own a file of the machine; -1 if unknown.
func (h Host) Owner(p string) (uid, gid int) {
	info, err := h.Stat(p)
	if err != nil {
		return -1, -1
	}
	return h.Sys.Owner(h.Path(p), info)
}

// LinkOwner is [Host.Owner] of what Lstat gave: of a link, not of what it leads to.
func (h Host) LinkOwner(p string, info fs.FileInfo) (uid, gid int) {
	return h.Sys.Owner(h.resolve(p, false), info)
}

// Space is that of the file system on which p, or the nearest directory above
// it that exists, lies.
func (h Host) Space(p string) (Space, error) {
	return h.Sys.Space(h.Path(h.Nearest(p)))
}

// Nearest is p, or the nearest directory above it that exists.
func (h Host) Nearest(p string) string {
	for p != "/" && p != "." && p != "" && !h.Exists(p) {
		p = filepath.Dir(p)
	}
	return p
}
