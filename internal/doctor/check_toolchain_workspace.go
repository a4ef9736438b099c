package doctor

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/modpath"
)

func workspaceCheck() Check {
	return Check{
		ID: "toolchain.workspace", Group: Toolchain, Weight: 8,
		Title:  "whether go.work fits the modules that it uses",
		Why:    "a directory that is missing, or a module that needs a newer Go than go.work names, stops every build in the workspace",
		Source: "go.work in use here, and the go.mod of each use directive; go.dev/ref/mod (workspaces)",
		Run:    runWorkspace,
	}
}

func runWorkspace(_ context.Context, m *Machine) Result {
	work := ""
	for _, file := range m.modFiles() {
		if filepath.Base(file) != "go.mod" {
			work = file
		}
	}
	switch {
	case work == "":
		return skip("no go.work here")
	case !m.Exists(work):
		return fail("GOWORK names a file that does not exist").at(work, 0, "").unset(m, m.GoEnv("GOWORK"))
	}
	r := ok("every module that %s uses is there", work)
	own, line, needed := m.goLine(work), 0, gover.Version{}
	needs := ""
	m.directives(work, func(keyword string, words []string, number int) {
		switch {
		case keyword == "go":
			line = number
		case keyword == "use" && len(words) == 1:
			name := strings.Trim(words[0], "\"`")
			mod := filepath.Join(modpath.Dir(filepath.Dir(work), name), "go.mod")
			if !m.Exists(mod) {
				r.worse(Fail)
				r.Summary = "go.work uses a directory without a module"
				r = r.at(work, number, "%s  # %s does not exist", name, mod).
					fixWith("go work edit -dropuse=%s %s", diag.Word(name), diag.Word(work))
			} else if v := m.goLine(mod); v.Compare(needed) > 0 {
				needed, needs = v, mod
			}
		}
	})
	if !needed.IsZero() && (own.IsZero() || needed.Compare(own) > 0) {
		r.worse(Fail)
		r.Summary = "go.work names an older Go than a module that it uses"
		r = r.at(work, line, "go %s", own).at(needs, 0, "go %s", needed).fixWith("go work edit -go=%s %s", needed, diag.Word(work))
	}
	return r
}

// goLine returns the version of the go line of a go.mod or go.work; zero without one.
func (m *Machine) goLine(file string) (v gover.Version) {
	m.directives(file, func(keyword string, words []string, _ int) {
		if keyword == "go" && len(words) == 1 {
			v, _ = gover.Parse(words[0])
		}
	})
	return v
}
