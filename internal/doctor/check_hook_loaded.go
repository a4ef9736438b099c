package doctor

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func hookLoadedCheck() Check {
	return Check{
		ID: "hook.loaded", Group: Hook, Weight: 6,
		Title:  "whether new shells load the hook",
		Why:    "without it the release does not change with the directory; shims still select it",
		Source: "the rc file of the login shell, /etc/profile.d, /etc/zsh, /etc/fish",
		Run: func(_ context.Context, m *Machine) Result {
			rc := m.rcFile()
			if m.Layout.Home == "" {
				return skip("HOME is not set")
			}
			if rc == "" {
				return skip("vmgo has no hook for %s; use shims", m.accountShell())
			}
			for _, a := range m.Startup() {
				if m.loadsHook(a) {
					return m.judgeHookLine(a)
				}
			}
			r := warn("no startup file loads the hook")
			if m.session().set {
				r = info("the hook is loaded in this shell, but not by a startup file")
			} else if len(m.shimDirs()) > 0 {
				r = info("the hook is not loaded; shims select the release instead")
			}
			return r.fixWith("%s", m.appendHookLine(rc))
		},
	}
}

// judgeHookLine reports a hook line that calls vmgo by name before its directory is on
// PATH: Debian's .profile reads .bashrc before it adds ~/.local/bin.
func (m *Machine) judgeHookLine(a Assignment) Result {
	program, _, _ := strings.Cut(m.hookCommand(), " hook ")
	program = program[strings.LastIndexAny(program, "(^")+1:]
	found := m.IsProgram("/usr/local/bin/vmgo") || m.IsProgram("/usr/bin/vmgo") || m.onPathBefore(a, filepath.Dir(m.Options.Vmgo))
	if !a.Mine || found || calledVmgo(a.Text) != "" || !strings.Contains(program, "/") {
		return ok("the hook is loaded by %s", a.Path).at(a.Path, a.Line, "%s", a.Text)
	}
	script := itoa(a.Line) + "s|vmgo hook|" + sedText(program) + " hook|"
	return warn("a startup file calls vmgo by its name before its directory is on PATH").
		at(a.Path, a.Line, "%s", a.Text).fixWith("sed -i %s %s", diag.Word(script), diag.Word(a.Path))
}

// onPathBefore reports whether a startup file puts dir on PATH before it comes to a:
// one of the system, one that zsh reads before .zshrc, or the same file farther up.
func (m *Machine) onPathBefore(a Assignment, dir string) bool {
	names := []string{dir}
	if rest, beneath := strings.CutPrefix(dir, m.Layout.Home+"/"); beneath {
		names = append(names, "~/"+rest, "$HOME/"+rest, "${HOME}/"+rest)
	}
	return slices.ContainsFunc(m.Startup(), func(b Assignment) bool {
		earlier := !b.Mine || b.Path == a.Path && b.Line < a.Line || slices.Contains([]string{".zshenv", ".zprofile"}, filepath.Base(b.Path))
		return earlier && strings.Contains(strings.ToLower(b.Text), "path") &&
			slices.ContainsFunc(names, func(name string) bool { return strings.Contains(b.Text, name) })
	})
}
