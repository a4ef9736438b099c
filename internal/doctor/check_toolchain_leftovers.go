package doctor

import (
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/ui"
)

func leftoversCheck() Check {
	return Check{
		ID: "toolchain.leftovers", Group: Toolchain, Weight: 6,
		Title:  "what earlier Go installations left in startup files",
		Why:    "such lines put another go first, or set GOROOT, in some kinds of sessions but not in others",
		Source: "rc files of bash, zsh and fish, /etc/profile.d, /etc/environment, environment.d",
		Run:    runLeftovers,
	}
}

func runLeftovers(_ context.Context, m *Machine) Result {
	r := Result{Status: OK}
	count := 0
	for _, a := range m.Startup() {
		status, reason := m.leftover(a)
		if status == OK {
			continue
		}
		count++
		r.worse(status)
		r = r.at(a.Path, a.Line, "%s  # %s", a.Text, reason)
		if edits := m.disable(a); status != Info && len(edits) > 0 {
			r = r.safely(edits...)
		} else if status != Info {
			r = r.silence(m, a)
		}
	}
	switch {
	case count == 0:
		return ok("nothing")
	case r.Status == Info:
		r.Summary = ui.Count(count, "line") + " of startup files about Go"
		return r
	}
	r.Summary = ui.Count(count, "line") + " of an earlier Go installation in startup files"
	if len(r.Edits) > 0 { // first, as it names lines by number
		r.Fix = strings.TrimSpace("vmgo doctor --fix --only toolchain.leftovers\n" + r.Fix)
	}
	return r
}

// leftover returns what a line does to Go; empty for nothing.
func (m *Machine) leftover(a Assignment) (Status, string) {
	switch {
	case a.Name == "GOROOT" && m.gorootBroken():
		return OK, "" // toolchain.goroot reports it
	case a.Name == "GOROOT":
		return Warn, "sets GOROOT"
	case a.Name == "GOTOOLCHAIN" && a.Value != "local" && a.Value != "auto" && a.Value != "path":
		return Warn, "pins a toolchain for every project"
	case a.Name == "GO111MODULE" && a.Value != "on" && a.Value != "auto" && a.Value != "":
		return Warn, "turns modules off"
	case a.Name == "GOSUMDB" && a.Value == "off":
		return Warn, "turns off the checksum database"
	case otherManager(a.Text) != "" && !strings.HasSuffix(a.Text, "then"): // which is a test alone
		return Warn, "starts " + otherManager(a.Text) + ", another version manager"
	}
	if dir, gone := m.goneGoDir(a); dir != "" {
		if gone {
			return Warn, dir + " does not exist"
		}
		return Info, "puts " + dir + " on PATH"
	}
	return OK, ""
}

func otherManager(text string) string {
	for sign, name := range map[string]string{
		".gvm/scripts/gvm": "gvm", "goenv init": "goenv", "GOENV_ROOT": "goenv", ".g/env": "g", ".gobrew/current": "gobrew",
	} {
		if strings.Contains(text, sign) {
			return name
		}
	}
	return ""
}

// goneGoDir finds a directory of a Go installation that a line puts on PATH. A
// line that tests before it sets, as Debian's own profile does, is no
// assignment and so is passed over.
func (m *Machine) goneGoDir(a Assignment) (dir string, gone bool) {
	if a.Name != "PATH" && a.Name != "fish_user_paths" {
		return "", false
	}
	for _, part := range pathParts(a.Value) {
		part = m.expandHome(part)
		if !installDir(part) || part == m.GOBIN() {
			continue
		}
		if !m.Exists(part) {
			return part, true
		}
		if m.IsProgram(part + "/go") {
			return part, false
		}
	}
	return "", false
}

// pathParts are the elements of a PATH as a startup file writes it.
func pathParts(value string) []string {
	parts := strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ' ' || r == '"' || r == '\'' })
	for i := range parts {
		parts[i] = strings.TrimSuffix(parts[i], "/")
	}
	return parts
}

func (m *Machine) expandHome(s string) string {
	for _, prefix := range []string{"$HOME", "${HOME}", "~"} {
		if rest, found := strings.CutPrefix(s, prefix); found && m.Layout.Home != "" {
			return m.Layout.Home + rest
		}
	}
	return s
}
