package harden

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"
)

func storeItem() Item {
	return Item{
		ID:   "store-modes",
		What: "let everybody run the releases in " + MachineStore + " and only root change them",
		Why: "whoever can write to a GOROOT runs code as everybody who builds with it. " +
			"And a release that was unpacked under umask 077 is of use to root alone.",
		Effect:   "the store belongs to root, is readable for all and writable for root only. The go command works in a read-only GOROOT.",
		Evidence: "measured: an install under umask 077 leaves GOROOT 0700; toolchains that the go command itself downloads are 0555",
		On:       Profiles(),
		Undo:     "every entry gets its old owner and mode",
		Wish:     storeWish,
	}
}

func storeWish(m *Machine) (Wish, error) {
	var w Wish
	if !m.Host.Exists(MachineStore) {
		w.NotApplicable = "there is no " + MachineStore
		return w, nil
	}
	// Released cells keep their place in the plan: what vmgo mended stays wanted.
	err := m.walkStore(MachineStore, func(target string, info fs.FileInfo) {
		uid, gid := owner(info)
		st := info.Sys().(*syscall.Stat_t)
		now := Value{Present: true, Mode: st.Mode & 0o7777, UID: uid, GID: gid}
		want := storeMode(now, info.IsDir(), m.Owner, m.Group)
		_, ours := m.baseline[cellKey{Mode, target}]
		if ours || !now.Same(want) {
			w.Wants = append(w.Wants, Want{Kind: Mode, Target: target, Value: want})
		}
	})
	if err != nil {
		return w, err
	}
	if n := len(w.Wants); n > 0 {
		w.Notes = []string{fmt.Sprintf("%d files and directories have another owner or mode", n)}
	}
	return w, nil
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

// walkStore visits the files and directories of a store, not its links.
func (m *Machine) walkStore(dir string, visit func(string, fs.FileInfo)) error {
	info, err := m.Host.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // an install or uninstall is at work beside us
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 || !info.IsDir() && !info.Mode().IsRegular() {
		return nil
	}
	visit(dir, info)
	if !info.IsDir() {
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
