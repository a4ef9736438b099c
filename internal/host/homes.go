package host

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/vmgo/vmgo/internal/passwd"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Home is a home directory and whose it is.
type Home struct {
	Dir      string
	UID, GID int
}

// Homes returns the homes that /etc/passwd beneath root names, sorted, without
// those that do not exist.
func Homes(root string) ([]Home, error) {
	data, err := smallfile.Read(filepath.Join(root, "etc/passwd"), MaxFact)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var homes []Home
	for _, a := range passwd.Parse(string(data)) {
		if !filepath.IsAbs(a.Home) || a.Home == "/" {
			continue
		}
		dir := filepath.Join(root, a.Home)
		info, err := os.Stat(dir)
		absent := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir()
		if !absent {
			homes = append(homes, Home{dir, a.UID, a.GID})
		}
	}
	slices.SortFunc(homes, func(a, b Home) int {
		return cmp.Or(strings.Compare(a.Dir, b.Dir), cmp.Compare(a.UID, b.UID), cmp.Compare(a.GID, b.GID))
	})
	return slices.CompactFunc(homes, func(a, b Home) bool { return a.Dir == b.Dir && a.UID == b.UID }), nil
}

// Owned reports whether the directory belongs to the user whose home it is: the
// system's own users have the homes of others.
func (h Home) Owned() bool {
	var stat syscall.Stat_t
	return syscall.Stat(h.Dir, &stat) == nil && int(stat.Uid) == h.UID
}

// As calls read with the rights that the user of the home has on files: no link
// that the user made leads to what only root may read. read must not start
// goroutines. The error is about becoming another user, which root alone can.
func (h Home) As(read func()) error {
	if h.UID == os.Geteuid() {
		read()
		return nil
	}
	done := make(chan error)
	go func() {
		// Never unlocked: the thread keeps the user's rights, and ends with this
		// goroutine.
		runtime.LockOSThread()
		err := h.become()
		if err == nil {
			read()
		}
		done <- err
	}()
	return <-done
}

// become changes the rights of this thread alone, as [syscall.Setgroups] would not.
func (h Home) become() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return os.NewSyscallError("setgroups", errno)
	}
	if err := errors.Join(unix.Setfsgid(h.GID), unix.Setfsuid(h.UID)); err != nil {
		return err
	}
	// The calls do not fail: they answer what was before.
	gid, _ := unix.SetfsgidRetGid(-1)
	uid, _ := unix.SetfsuidRetUid(-1)
	if uid != h.UID || gid != h.GID {
		return os.NewSyscallError("setfsuid", unix.EPERM)
	}
	return nil
}
