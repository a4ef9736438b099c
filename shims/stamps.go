package shims

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/dirs"
)

// stamps are empty files with given times of modification, for shells that can
// compare the times of two files and nothing else. A stamp is named after its
// time, so all shells of a user share it; a missing one makes a shell ask
// again.
type stamps struct {
	dirs []stampDir // where they may be kept, the first that works
	now  time.Time
	// sweep reports whether this process removes old ones.
	sweep bool
}

// stampDir is one such place. A runtime directory is made at login and never
// by vmgo; a cache directory may be.
type stampDir struct {
	path    string
	parents bool
}

const (
	stampLife  = 30 * 24 * time.Hour
	sweepEvery = 32 // of the processes that make a stamp
)

func (p Process) newStamps(layout dirs.Layout) *stamps {
	s := &stamps{now: p.Now(), sweep: p.PID%sweepEvery == 0}
	if layout.Runtime != "" {
		s.dirs = append(s.dirs, stampDir{path: layout.Runtime + "/stamps"})
	}
	if layout.Cache != "" {
		s.dirs = append(s.dirs, stampDir{path: layout.Cache + "/stamps", parents: true})
	}
	return s
}

// of returns the stamp for a time, and makes it if it does not exist.
func (s *stamps) of(t syscall.Timespec) (path string, ok bool) {
	name := strconv.FormatInt(int64(t.Sec), 10) + "." + strconv.FormatInt(int64(t.Nsec), 10)
	for _, dir := range s.dirs {
		if path := dir.path + "/" + name; isStamp(path, t) {
			return path, true
		}
	}
	for _, dir := range s.dirs {
		if path := dir.path + "/" + name; s.create(dir, path, t) {
			return path, true
		}
	}
	return "", false
}

func isStamp(path string, t syscall.Timespec) bool {
	var stat syscall.Stat_t
	return syscall.Lstat(path, &stat) == nil && stat.Mtim == t && stat.Mode&syscall.S_IFMT == syscall.S_IFREG
}

// create makes a stamp. Another shell that sees it before it has its time finds
// it different and asks again; so does every shell if a process died
// between the two calls, until the next call corrects it.
func (s *stamps) create(dir stampDir, path string, t syscall.Timespec) bool {
	const flags = syscall.O_CREAT | syscall.O_WRONLY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC | syscall.O_NONBLOCK
	fd, err := syscall.Open(path, flags, 0o600)
	if err == syscall.ENOENT && dir.make() {
		fd, err = syscall.Open(path, flags, 0o600)
	}
	if err != nil {
		return false
	}
	_ = syscall.Close(fd)
	// mutate: equivalent, because a stamp of another time makes the shell ask again, as none does.
	if syscall.UtimesNano(path, []syscall.Timespec{t, t}) != nil || !isStamp(path, t) {
		// A file system with coarser times cannot be used.
		_ = os.Remove(path)
		return false
	}
	if s.sweep {
		s.sweep = false
		s.removeOld(dir.path)
	}
	return true
}

func (d stampDir) make() bool {
	if d.parents {
		return os.MkdirAll(d.path, 0o700) == nil
	}
	_ = os.Mkdir(filepath.Dir(d.path), 0o700)
	return os.Mkdir(d.path, 0o700) == nil
}

// removeOld keeps the directory small: a version file that is edited daily
// leaves a stamp each day.
func (s *stamps) removeOld(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		var stat syscall.Stat_t
		if syscall.Lstat(path, &stat) == nil && s.now.Sub(time.Unix(stat.Ctim.Unix())) > stampLife {
			_ = os.Remove(path)
		}
	}
}
