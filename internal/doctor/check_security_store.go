package doctor

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/store/installed"
)

func storeCheck() Check {
	return Check{
		ID: "security.store", Group: Security, Weight: 8,
		Title:  "owners, permissions and receipts of the stores",
		Why:    "whoever may write there controls the go command of every user; a tree without a receipt was never verified, and does not count as installed",
		Source: "stat of each store, its directories and parents, its releases, their bin/go and their receipts",
		Run:    runStore,
	}
}

func runStore(ctx context.Context, m *Machine) Result {
	r := Result{Status: OK}
	count := 0
	for _, dir := range m.Stores() {
		if !m.Exists(dir) {
			continue
		}
		count++
		var unread *fs.PathError
		if _, err := installed.List([]string{m.Path(dir)}); errors.As(err, &unread) {
			r.worse(Fail)
			r = r.at(dir, 0, "cannot be read: %v", unread.Err).fixWith("%s", m.fixUnread(m.Show(unread.Path), unread.Err))
		}
		fixes := r.Fix
		r.Fix = ""
		r = m.judgeOwners(r, dir)
		paths := []string{dir}
		for _, rel := range m.Releases() {
			if rel.Store == dir {
				paths = append(paths, rel.GOROOT, filepath.Join(rel.GOROOT, "bin"), filepath.Join(rel.GOROOT, "bin/go"))
			}
		}
		for _, p := range paths {
			r = m.judgeStored(r, p, dir == m.Layout.SystemStore)
		}
		if uid, _ := m.Owner(dir); r.Fix != "" && dir == harden.MachineStore && (uid != m.UID || uid == 0) {
			plain := r.Fix
			r.Fix = ""
			r = r.harden(ctx, m, "store-modes", plain)
		}
		r.Fix = strings.Trim(fixes+"\n"+r.Fix, "\n")
	}
	unproved := m.Unproved()
	for _, tree := range unproved {
		r.worse(Warn)
		vmgo := "vmgo"
		if tree.Store == m.Layout.SystemStore && m.UID != 0 {
			vmgo = "sudo vmgo"
		}
		r = r.at(tree.GOROOT, 0, "no receipt, so it does not count as installed; offline: %s adopt %s --proof FILE", vmgo, diag.Word(tree.GOROOT)).
			fixWith("%s install %s", vmgo, tree.Version)
	}
	switch {
	case count == 0:
		return skip("there is no store yet")
	case r.Status == OK:
		return ok("owners, permissions and receipts of the stores are right")
	case r.Status == Warn && len(unproved) > 0:
		r.Summary = "a tree in a store has no receipt, so it does not count as installed"
		return r
	}
	r.Summary = "a store can be changed by others, or cannot be read"
	return r
}

// judgeOwners reports the directories for which an install refuses the store.
func (m *Machine) judgeOwners(r Result, dir string) Result {
	o := facts.Owners(m.Host, m.UID)
	real, unsafe, _ := o.Survey(m.Show(dir), store.Directories(), m.look) // unreadable directories are reported above
	for _, u := range unsafe {
		status, fix := Fail, u.Fix
		if u.Owner && m.UID != 0 {
			status = Warn
		}
		owner, _ := m.Owner(u.Path)
		if owner != m.UID && !u.Owner {
			fix = "sudo " + fix
		}
		r.worse(status)
		r = r.at(u.Path, 0, "%s", u.Reason).fixWith("%s", fix)
		if info, err := m.Stat(u.Path); err == nil && u.Mode && strings.HasPrefix(u.Path+"/", real+"/") {
			r = r.safely(Edit{Path: u.Path, Mode: modeWithout(info.Mode(), 0o022)})
		}
	}
	return r
}

// fixUnread returns the command after which a store can be read.
func (m *Machine) fixUnread(path string, err error) string {
	sudo, word := m.sudoFor(path), diag.Word(path)
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return sudo + "mv " + word + " " + diag.Word(path+".old") + "   # a file is in the place of the store"
	case errors.Is(err, fs.ErrPermission) && sudo == "":
		return "chmod u+rwx " + word
	case errors.Is(err, fs.ErrPermission):
		return sudo + "chmod go+rx " + word
	}
	return "ls -ld " + word
}

// look is the entry of a path of the machine.
func (m *Machine) look(p string) (fsx.Entry, error) { return fsx.LookIn(m.Host, p) }

func (m *Machine) judgeStored(r Result, p string, shared bool) Result {
	info, err := m.Stat(p)
	if err != nil {
		return r
	}
	mode := info.Mode()
	uid, _ := m.Owner(p)
	fix := chmodBits(mode) &^ 0o022
	if shared {
		fix |= 0o555 & (mode.Perm() | 0o444 | dirExec(mode))
	}
	isStore := slices.Contains(m.Stores(), p) // judgeOwners has judged it
	switch {
	case mode.Perm()&0o022 != 0 && !isStore:
		r.worse(Fail)
		r = r.at(p, 0, "mode %04o: others may write", modeBits(mode))
	case shared && mode.IsDir() && mode.Perm()&0o005 != 0o005:
		r.worse(Warn)
		r = r.at(p, 0, "mode %04o: others cannot use it (installed with umask 077?)", modeBits(mode))
		fix = chmodBits(mode) | 0o055
	case uid != 0 && uid != m.UID && uid >= 0 && !isStore:
		r.worse(Warn)
		r = r.at(p, 0, "owned by user %d", uid)
		return r.fixWith("sudo chown -R root:root %s", diag.Word(p))
	default:
		return r
	}
	sudo := "sudo "
	if uid == m.UID {
		sudo = ""
	}
	return r.fixWith("%schmod %04o %s", sudo, modeBits(fix), diag.Word(p)).safely(Edit{Path: p, Mode: fix})
}

// dirExec is the search bit for directories, nothing for files.
func dirExec(mode fs.FileMode) fs.FileMode {
	if mode.IsDir() {
		return 0o111
	}
	return 0
}
