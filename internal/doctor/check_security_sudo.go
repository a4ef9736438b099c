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
	path, from, err := m.SecurePath(ctx)
	switch {
	case errors.Is(err, host.ErrNoProgram):
		return skip("sudo is not on PATH")
	case err != nil:
		return skip("%v", err)
	case path == "":
		return ok("sudo keeps PATH")
	}
	if found := m.Find("go", path); found != "" {
		return ok("%s", found)
	}
	gos := m.Gos()
	if len(gos) == 0 {
		return skip("PATH has no go either")
	}
	r := warn("sudo does not find go")
	r.Evidence = append(r.Evidence, from)
	// visudo checks the file before it counts: a broken sudoers locks everybody out.
	// The name comes last, as the last setting wins.
	if !m.rootMayRun(gos[0].Path) {
		return r.means("%s is not root's, so root should not run it; shims in /usr/local/bin serve sudo too.", gos[0].Path).
			harden(ctx, m, "shims", m.sharedShims())
	}
	dir := filepath.Dir(gos[0].Path)
	if vmgo := m.vmgoForRoot(ctx); m.UID != 0 && vmgo != "" && dir == "/usr/local/bin" {
		return r.fixWith("%s", hardenCommand(vmgo, "sudo-path")) // a user cannot read what the item goes by
	}
	line := `Defaults secure_path="` + path + ":" + dir + `"`
	return r.harden(ctx, m, "sudo-path", `echo `+diag.Word(line)+` | sudo EDITOR='tee' visudo -f /etc/sudoers.d/zz-vmgo`)
}
