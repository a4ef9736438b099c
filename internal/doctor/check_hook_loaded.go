package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/diag"
)

func hookLoadedCheck() Check {
	return Check{
		ID: "hook.loaded", Group: Hook, Weight: 6,
		Title:  "whether new shells load the hook",
		Why:    "without it the release does not follow the directory; shims still do",
		Source: "the rc file of the login shell, /etc/profile.d, /etc/zsh, /etc/fish",
		Run: func(_ context.Context, m *Machine) Result {
			rc := m.rcFile()
			if m.Layout.Home == "" {
				return skip("there is no home directory")
			}
			if rc == "" {
				return skip("%s has no hook; shims serve it", m.LoginShell())
			}
			for _, a := range m.Startup() {
				if hookLine(a.Text) {
					return ok("loaded by %s", a.Path).at(a.Path, a.Line, "%s", a.Text)
				}
			}
			r := warn("no startup file loads it")
			if m.session().set {
				r = info("loaded in this shell, but by no startup file")
			} else if len(m.shimDirs()) > 0 {
				r = info("not loaded; shims choose the release instead")
			}
			return r.mend("echo %s >> %s", diag.Word(m.hookCommand()), diag.Word(rc))
		},
	}
}
