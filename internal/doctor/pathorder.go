package doctor

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
)

// dirOf is the directory of a program, as PATH names it.
func dirOf(program string) string { return filepath.Dir(program) }

// comesBefore reports whether a directory stands before another one on PATH, or the
// other one is not there.
func comesBefore(path, dir, other string) bool {
	dirs := strings.Split(path, ":")
	at, than := slices.Index(dirs, dir), slices.Index(dirs, other)
	return at >= 0 && (than < 0 || at < than)
}

// moveAside adds what takes a directory out of the front of PATH: the line of a
// startup file that puts it there, which --fix may do where the line adds nothing but
// directories of Go and the file is the user's.
func (r Result) moveAside(m *Machine, dir string) Result {
	if strings.HasSuffix(dir, "/.asdf/shims") {
		return r.at(dir, 0, "asdf puts it in front").fixWith("vmgo import asdf && asdf plugin remove golang")
	}
	if systemDir(dir) {
		return r.putAhead(m, dir)
	}
	if a, found := m.lineFor(dir); found {
		r = r.at(a.Path, a.Line, "%s", a.Text)
		if !m.addsOnlyGo(a) {
			return r.takeOut(m, a, dir)
		}
		return r.comment(m, a)
	}
	return r.means("No startup file that doctor reads names %s.", dir).
		fixWith("grep -rnsF %s ~/.profile ~/.bash* ~/.zsh* ~/.config /etc/profile.d /etc/environment", diag.Word(dir))
}

// systemDir reports whether a directory has programs without which nothing works: it is never
// taken out of PATH.
func systemDir(dir string) bool {
	return slices.Contains([]string{"/usr/bin", "/bin", "/usr/sbin", "/sbin"}, dir)
}

// putAhead adds the line of a startup file that has a directory of the system before the one of
// the shims, or without it.
func (r Result) putAhead(m *Machine, dir string) Result {
	for _, a := range m.Startup() {
		value := strings.Join(pathParts(a.Value), ":")
		if m.putsOnPath(a, dir) && comesBefore(value, dir, localBin) && !comesBefore(value, "$PATH", dir) {
			return r.at(a.Path, a.Line, "%s", a.Text).
				fixWith("%svi +%d %s   # put %s before %s", m.sudoFor(a.Path), a.Line, diag.Word(a.Path), localBin, dir)
		}
	}
	return r
}

// lineFor returns the line of a startup file that puts a directory on PATH.
func (m *Machine) lineFor(dir string) (Assignment, bool) {
	for _, a := range m.Startup() {
		if m.putsOnPath(a, dir) {
			return a, true
		}
	}
	return Assignment{}, false
}

// prepend adds what puts a directory in front of PATH, in this shell and in new ones.
func (r Result) prepend(m *Machine, dir string) Result {
	return r.export(m, "PATH="+diag.Word(dir)+`:"$PATH"`)
}

// export adds an assignment for this shell, and for the startup file of new ones.
func (r Result) export(m *Machine, assignment string) Result {
	r = r.fixWith("export %s", assignment)
	if profile := facts.LoginFile(m.Host, m.Layout.Home, m.LoginShell()); profile != "" {
		r = r.fixWith("echo %s >> %s", diag.Word("export "+assignment), diag.Word(profile))
	}
	return r
}

// comment adds what disables a line of a startup file that is known to stand alone.
func (r Result) comment(m *Machine, a Assignment) Result {
	raw, mark := m.rawLine(a.Path, a.Line), markFor(a.Path)
	if a.Mine {
		r = r.safely(Edit{Path: a.Path, Line: a.Line, Old: raw, New: mark + raw})
	}
	return r.fixWith("%ssed -i %s %s", m.sudoFor(a.Path), diag.Word(fmt.Sprintf("%ds/^/%s/", a.Line, mark)), diag.Word(a.Path))
}

// sudoFor is "sudo " for a file that this user may not change.
func (m *Machine) sudoFor(path string) string {
	if uid, _ := m.Owner(path); uid != m.UID {
		return "sudo "
	}
	return ""
}

// putsOnPath reports whether a line sets a PATH with that directory.
func (m *Machine) putsOnPath(a Assignment, dir string) bool {
	return (a.Name == "PATH" || a.Name == "fish_user_paths") && slices.ContainsFunc(pathParts(a.Value), func(part string) bool {
		return m.expandHome(part) == dir
	})
}

// addsOnlyGo reports whether a line does nothing but put directories on PATH that hold
// a go.
func (m *Machine) addsOnlyGo(a Assignment) bool {
	if !a.Alone || !m.plainLine(a) {
		return false
	}
	for _, part := range pathParts(a.Value) {
		dir := m.expandHome(part)
		known := part == "$PATH" || part == "${PATH}" || part == "$fish_user_paths"
		if !known && !(installDir(dir) || m.IsProgram(dir+"/go") && dir != localBin && !systemDir(dir)) {
			return false
		}
	}
	return true
}
