package doctor

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func replaceCheck() Check {
	return Check{
		ID: "toolchain.replace", Group: Toolchain, Weight: 8,
		Title:  "replace directives with a directory as target",
		Why:    "the build fails if a target is missing or has no go.mod",
		Source: "go.mod and go.work of the working directory and above",
		Run:    runReplace,
	}
}

func runReplace(_ context.Context, m *Machine) Result {
	files := m.modFiles()
	if len(files) == 0 {
		return skip("no go.mod or go.work here")
	}
	r := ok("every replace directive has a valid target")
	count := 0
	for _, file := range files {
		for _, rep := range m.replacements(file) {
			count++
			status, why := m.judgeTarget(rep)
			if status == OK {
				continue
			}
			r.worse(status)
			r = r.at(rep.path, rep.line, "%s  # %s", rep.text, why)
			if status == Fail {
				tool := "mod"
				if filepath.Base(rep.path) == "go.work" {
					tool = "work"
				}
				r = r.fixWith("go %s edit -dropreplace=%s %s", tool, rep.old, diag.Word(rep.path))
			}
		}
	}
	switch {
	case count == 0:
		return ok("no local replace directives")
	case r.Status == Fail:
		r.Summary = "a replace directive has no valid target"
	case r.Status == Warn:
		r.Summary = "a replace directive leads to a temporary directory"
		r = r.means("Move the module to a permanent place.")
	}
	return r
}

func (m *Machine) judgeTarget(rep replacement) (Status, string) {
	switch {
	case !m.Exists(rep.target):
		return Fail, "does not exist"
	case !m.Exists(filepath.Join(rep.target, "go.mod")):
		return Fail, "has no go.mod"
	case strings.HasPrefix(rep.target, "/tmp/") || strings.HasPrefix(rep.target, "/var/tmp/"):
		return Warn, "temporary directories are emptied"
	}
	return OK, ""
}
