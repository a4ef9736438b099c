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

// Homes returns the homes that exist beneath root, sorted: those that /etc/passwd names, and
// those beside them whose users have no line there, since a directory service (LDAP, sssd)
// knows them.
func Homes(root string) ([]Home, error) {
	data, err := smallfile.Read(filepath.Join(root, "etc/passwd"), MaxFact)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var homes []Home
	accounts := passwd.Parse(string(data))
	for _, a := range accounts {
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
	homes = append(homes, unlisted(root, accounts)...)
	slices.SortFunc(homes, func(a, b Home) int {
		return cmp.Or(strings.Compare(a.Dir, b.Dir), cmp.Compare(a.UID, b.UID), cmp.Compare(a.GID, b.GID))
	})
	return slices.CompactFunc(homes, func(a, b Home) bool { return a.Dir == b.Dir && a.UID == b.UID }), nil
}

// firstUser is the least number of a person's account: UID_MIN of login.defs(5).
const firstUser = 1000

// unlisted returns the directories of users without an account, where people have
// their homes, and one level beneath (/home/DOMAIN/USER).
func unlisted(root string, accounts []passwd.Account) []Home {
	places := []string{filepath.Join(root, "home")}
	for _, a := range accounts {
		if place := filepath.Dir(a.Home); a.UID >= firstUser && filepath.IsAbs(place) && place != "/" {
			places = append(places, filepath.Join(root, place))
		}
	}
	slices.Sort(places)
	var homes []Home
	for _, place := range slices.Compact(places) {
		for _, dir := range directories(place) {
			if dir.UID == 0 {
				homes = append(homes, without(accounts, directories(dir.Dir))...)
			}
			homes = append(homes, without(accounts, []Home{dir})...)
		}
	}
	return homes
}

// directories lists the directories in one, with their owners; those that cannot be
// read are none.
func directories(dir string) []Home {
	entries, _ := os.ReadDir(dir)
	var found []Home
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.IsDir() {
			stat := info.Sys().(*syscall.Stat_t)
			found = append(found, Home{filepath.Join(dir, entry.Name()), int(stat.Uid), int(stat.Gid)})
		}
	}
	return found
}

// without returns those that belong to a user without an account.
func without(accounts []passwd.Account, homes []Home) []Home {
	return slices.DeleteFunc(homes, func(h Home) bool {
		_, known := passwd.ByUID(accounts, h.UID)
		return known || h.UID < firstUser
	})
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
