package harden

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/fsx"
)

func storeItem() Item {
	return Item{
		ID:   "store-modes",
		What: "let everybody run the releases in " + MachineStore + " and only root change them",
		Why: "whoever can write to a GOROOT runs code as every user who builds with it. " +
			"And only root can use a release that was unpacked under umask 077.",
		Effect:   "the store belongs to root, is readable for all and writable for root only. The go command works in a read-only GOROOT.",
		Evidence: "measured: an install under umask 077 leaves GOROOT 0700; toolchains that the go command itself downloads are 0555",
		On:       Profiles(),
		Undo:     "every entry gets its old owner and mode",
		Desired:  storeDesired,
	}
}

func storeDesired(m *Machine) (Desired, error) {
	var w Desired
	if !m.Host.Exists(MachineStore) {
		w.NotApplicable = "there is no " + MachineStore
		return w, nil
	}
	if reason := m.unsafeWay(path.Dir(MachineStore)); reason != "" {
		w.Blocked = reason + ", who can change what is in " + MachineStore
		return w, nil
	}
	var dirs, files []Want
	var left []string // files that may not be changed
	names := storeNames{}
	err := m.walkStore(MachineStore, func(_ string, info fs.FileInfo) bool { return names.add(info) })
	if err != nil {
		return w, err
	}
	// Released cells keep their place in the plan: what vmgo fixed stays wanted.
	err = m.walkStore(MachineStore, func(target string, info fs.FileInfo) bool {
		st := info.Sys().(*syscall.Stat_t)
		now := Value{Present: true, Mode: st.Mode & 0o7777, UID: int(st.Uid), GID: int(st.Gid)}
		want := Want{Kind: Mode, Target: target, Value: storeMode(now, info.IsDir(), m.Owner, m.Group)}
		switch rel := strings.TrimPrefix(target, MachineStore+"/.vmgo/"); {
		case strings.HasPrefix(rel, "staging/"):
			return true // an install is running, and publishes it with the right mode
		case rel == "lock", rel == "locks", strings.HasPrefix(rel, "locks/"):
			want.Value.Mode = now.Mode & 0o700 // who can open a lock can hold it
		}
		_, ours := m.baseline[cellKey{Mode, target}]
		switch {
		case !ours && now.Same(want.Value):
		case info.IsDir():
			dirs = append(dirs, want)
		case !ours && names.elsewhere(st.Dev, st.Ino, uint64(st.Nlink)):
			left = append(left, leftAloneError{target}.Error())
		default:
			files = append(files, want)
		}
		return true
	})
	if err != nil {
		return w, err
	}
	// The directories come first: once they are closed, nobody can put another
	// file in the place of one that is counted.
	w.Wants = append(dirs, files...)
	if n := len(w.Wants); n > 0 {
		w.Notes = append(w.Notes, fmt.Sprintf("%d files and directories have another owner or mode", n))
	}
	w.Notes = append(w.Notes, left...)
	if len(left) > 0 {
		w.Effective = func() []string { return left }
		if len(w.Wants) == 0 {
			w.Blocked = left[0]
		}
	}
	return w, nil
}

// unsafeWay returns what is wrong with a directory and those that lead to it, "" if only
// the machine's owner may change them.
func (m *Machine) unsafeWay(dir string) string {
	look := func(p string) (fsx.Entry, error) { return fsx.LookIn(m.Host, p) }
	way, _, err := fsx.Chain(dir, look)
	if err != nil {
		return err.Error()
	}
	owners := facts.Owners(m.Host, m.Owner)
	if unsafe := owners.Judge(way, true); len(unsafe) > 0 {
		return unsafe[0].Reason
	}
	return ""
}

// leftAloneError reports a file that keeps its owner and mode because it has
// names outside of the store: a user's hard link may make it any file of the
// machine, /etc/shadow for one.
type leftAloneError struct{ target string }

func (e leftAloneError) Error() string {
	return e.target + " is not changed: it has hard links outside of " + MachineStore
}

type fileID struct{ dev, ino uint64 }

// storeNames counts the names that each file has in the store.
type storeNames map[fileID]uint64

func (n storeNames) add(info fs.FileInfo) bool {
	if st := info.Sys().(*syscall.Stat_t); !info.IsDir() {
		n[fileID{st.Dev, st.Ino}]++
	}
	return true
}

// elsewhere reports whether a file has more names than the store accounts for.
func (n storeNames) elsewhere(dev, ino, links uint64) bool { return links > n[fileID{dev, ino}] }

// closedNames counts the names in those directories that nobody but their owner
// can change: in others a name could move, and be counted twice.
func (m *Machine) closedNames() (storeNames, error) {
	names := storeNames{}
	err := m.walkStore(MachineStore, func(_ string, info fs.FileInfo) bool {
		if uid, _ := owner(info); info.IsDir() && (uid != m.Owner || info.Mode().Perm()&0o022 != 0) {
			return false
		}
		return names.add(info)
	})
	return names, err
}

// setStored gives a file or directory of the store its owner and mode. It checks
// the open file, because its name may lead to another one by now.
func (m *Machine) setStored(dir *fsx.Dir, name, target string, to Value) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Regular {
		m.stored = nil // the names of this directory may count from now on
		return f.SetOwner(to.UID, to.GID, to.Mode)
	}
	if info.Links > 1 && m.stored == nil {
		if m.stored, err = m.closedNames(); err != nil {
			return err
		}
	}
	if info.Links > 1 && m.stored.elsewhere(info.Dev, info.Ino, info.Links) {
		return leftAloneError{target}
	}
	return f.SetOwner(to.UID, to.GID, to.Mode)
}

// storeMode is what a file of a store should have: nothing more for others to
// write, and for all to read and run what its owner may run.
func storeMode(now Value, dir bool, uid, gid int) Value {
	mode := now.Mode&^0o7022 | 0o444
	if dir || mode&0o100 != 0 {
		mode |= 0o111
	}
	return Value{Present: true, Mode: mode, UID: uid, GID: gid}
}

// walkStore visits the files and directories of a store, not its links, and
// goes into the directories for which visit returns true.
func (m *Machine) walkStore(dir string, visit func(string, fs.FileInfo) bool) error {
	info, err := m.Host.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // an install or uninstall is running
	}
	if err != nil {
		return err
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil
	}
	if !visit(dir, info) || !info.IsDir() {
		return nil
	}
	for _, e := range m.Host.ReadDir(dir) {
		if err := m.walkStore(path.Join(dir, e.Name()), visit); err != nil {
			return err
		}
	}
	return nil
}

func owner(info fs.FileInfo) (uid, gid int) {
	st := info.Sys().(*syscall.Stat_t)
	return int(st.Uid), int(st.Gid)
}
