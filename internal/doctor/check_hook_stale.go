package doctor

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func hookStaleCheck() Check {
	return Check{
		ID: "hook.stale", Group: Hook, Weight: 4,
		Title:  "paths of this shell that do not exist",
		Why:    "a shell that outlived an uninstall looks for go in a directory that no longer exists",
		Source: "PATH, GOROOT, and programs that startup files call",
		Run:    runHookStale,
	}
}

func runHookStale(_ context.Context, m *Machine) Result {
	r := ok("none")
	seen := map[string]bool{}
	for dir := range strings.SplitSeq(m.Env["PATH"], ":") {
		if filepath.IsAbs(dir) && !seen[dir] && m.ofGo(dir) && !m.Exists(dir) {
			r.worse(Warn)
			r = r.at("PATH", 0, "%s does not exist", dir)
		}
		seen[dir] = true
	}
	if root := m.Env["GOROOT"]; root != "" && m.session().set && !m.Exists(root) {
		r.worse(Warn)
		r = r.at("GOROOT", 0, "%s does not exist", root)
	}
	if r.Status == Warn {
		r.Summary = "this shell uses directories that do not exist"
		r = r.fixWith("exec $SHELL -l")
	}
	var files []string
	gone := map[string]string{} // sed commands by file: one call, as line numbers change with every line that goes
	for _, a := range m.Startup() {
		if program := calledVmgo(a.Text); program != "" && !m.IsProgram(m.expandHome(program)) {
			r.worse(Warn)
			r.Summary = "a startup file calls a vmgo that does not exist"
			r = r.at(a.Path, a.Line, "%s", a.Text)
			if gone[a.Path] == "" {
				files = append(files, a.Path)
			}
			gone[a.Path] += itoa(a.Line) + "d;"
		}
	}
	for _, file := range files {
		r = r.fixWith("sed -i '%s' %s", strings.TrimSuffix(gone[file], ";"), diag.Word(file))
	}
	return r
}

// ofGo reports whether a directory of PATH belongs to Go or to vmgo. GOBIN may
// well not exist until the first go install.
func (m *Machine) ofGo(dir string) bool {
	if dir == m.GOBIN() || strings.HasPrefix(dir, m.Layout.Data+"/gopath/") {
		return false
	}
	for _, s := range m.Stores() {
		if inside(dir, s) {
			return true
		}
	}
	return installDir(dir)
}

// installDir reports whether a path is where people unpack Go. ~/go/bin is not:
// it is where go install puts programs, and may well not exist yet.
func installDir(dir string) bool {
	for _, prefix := range []string{"/usr/local/go", "/usr/lib/go", "/opt/go"} {
		if strings.HasPrefix(dir, prefix) && strings.HasSuffix(dir, "/bin") {
			return true
		}
	}
	return strings.Contains(dir, "/sdk/go1") || strings.Contains(dir, "/.gvm/gos/") || strings.Contains(dir, "/.goenv/versions/")
}

// calledVmgo is the absolute path under which a line calls vmgo; empty if it
// leaves the search to PATH.
func calledVmgo(text string) string {
	if !hookLine(text) {
		return ""
	}
	before, _, _ := strings.Cut(text, "vmgo hook ")
	i := strings.LastIndexAny(before, " \t\"'(`^")
	if dir := before[i+1:]; strings.HasSuffix(dir, "/") {
		return dir + "vmgo"
	}
	return ""
}
