package doctor

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
)

func sudoCheck() Check {
	return Check{
		ID: "security.sudo", Group: Security, Slow: true, Weight: 4,
		Title:  "whether go is found under sudo",
		Why:    "sudo replaces PATH by secure_path, which on EL 8 and 9 lacks /usr/local/bin",
		Source: "secure_path in /etc/sudoers and /etc/sudoers.d, or sudo -n -l",
		Run:    runSudo,
	}
}

func runSudo(ctx context.Context, m *Machine) Result {
	if _, found := facts.Program(m.Host, "sudo"); !found {
		return skip("sudo is not installed")
	}
	all, err := m.securePaths(ctx)
	switch {
	case errors.Is(err, host.ErrNoProgram):
		return skip("sudo is not on PATH")
	case err != nil:
		return skip("%v", err)
	case len(all) == 0, all[len(all)-1].path == "":
		return ok("sudo keeps PATH")
	}
	last := all[len(all)-1]
	gos := m.Gos()
	if len(gos) == 0 && m.Find("go", last.path) == "" {
		return skip("PATH has no go either")
	}
	r := m.judgeSecurePath(all)
	if r.Status == OK {
		return m.judgeSudoVmgo(r, last.path)
	}
	if !m.rootMayRun(gos[0].Path) {
		return r.means("%s is not root's, so root should not run it; shims in /usr/local/bin serve sudo too.", gos[0].Path).
			harden(ctx, m, "shims", m.sharedShims())
	}
	dir := filepath.Dir(gos[0].Path)
	_, unread := m.Sudoers()
	if unread != nil && len(all) > 1 {
		return r.fixWith("%s", m.addToSecurePath(last, dir)) // the item's own file is read before the one that wins
	}
	if vmgo := m.vmgoForRoot(ctx); unread != nil && vmgo != "" && dir == "/usr/local/bin" {
		return r.fixWith("%s", hardenCommand(vmgo, "sudo-path")) // what the item goes by cannot be read here
	}
	return r.harden(ctx, m, "sudo-path", m.addToSecurePath(last, dir))
}

// judgeSudoVmgo notes a vmgo that root may run, and that sudo does not find.
func (m *Machine) judgeSudoVmgo(r Result, path string) Result {
	vmgo := m.Options.Vmgo
	if m.Find("vmgo", path) != "" || !m.rootMayRun(vmgo) {
		return r
	}
	r.worse(Info)
	r.Summary += ", but not vmgo"
	return r.means("Call it by its path: sudo %s.", diag.Word(vmgo))
}
