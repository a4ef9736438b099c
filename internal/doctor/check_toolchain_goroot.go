package doctor

import (
	"context"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
)

func gorootCheck() Check {
	return Check{
		ID: "toolchain.goroot", Group: Toolchain, Weight: 9,
		Title:  "whether GOROOT is that of the selected go",
		Why:    "a GOROOT of another release gives \"compile: version X does not match go tool version Y\"",
		Source: "environment, startup files, the file of `go env -w`",
		Run:    runGoroot,
	}
}

func runGoroot(_ context.Context, m *Machine) Result {
	for _, s := range m.goEnvLines(m.GoEnvFile()) {
		if s.Name == "GOROOT" && s.Value != "" && m.Env["GOROOT"] == "" {
			return fail("GOROOT was set by go env -w").at(s.Path, s.Line, "%s", m.rawLine(s.Path, s.Line)).
				means("go env -u cannot remove it once the tree is gone; delete the line from the file.").
				fixWith("sed -i '%dd' %s", s.Line, diag.Word(s.Path)).
				safely(dropLine(s.Path, s.Line, m.rawLine(s.Path, s.Line)))
		}
	}
	goroot := m.Env["GOROOT"]
	if goroot == "" {
		return ok("GOROOT is not set, as it should be outside a project")
	}
	r := m.judgeGoroot(goroot).at("environment", 0, "GOROOT=%s", goroot)
	if r.Status == OK {
		return r
	}
	for _, a := range m.Startup() {
		if a.Name == "GOROOT" {
			r = r.at(a.Path, a.Line, "%s", a.Text).silence(m, a)
		}
	}
	return r.fixWith("unset GOROOT")
}

// gorootBroken reports whether the environment has a GOROOT that is wrong.
func (m *Machine) gorootBroken() bool {
	goroot := m.Env["GOROOT"]
	return goroot != "" && m.judgeGoroot(goroot).Status != OK
}

func (m *Machine) judgeGoroot(goroot string) Result {
	switch {
	case !filepath.IsAbs(goroot):
		return fail("GOROOT is not an absolute path")
	case !m.Exists(goroot):
		return fail("GOROOT does not exist")
	case !m.isTree(goroot):
		return fail("GOROOT is not a Go tree")
	}
	first := GoOnPath{}
	if gos := m.Gos(); len(gos) > 0 {
		first = gos[0]
	}
	real, err := m.RealPath(goroot)
	switch {
	case err == nil && first.GOROOT == real:
		if first.Kind == StoreGo && m.session().set {
			return ok("GOROOT is set by the hook, and is that of the first go on PATH")
		}
		return info("GOROOT is set by hand; today it is that of the first go on PATH").
			means("Another go would fail with it. Go finds its own tree without it.")
	case first.GOROOT != "":
		return fail("GOROOT is %s, but the first go on PATH belongs to %s", m.treeName(goroot), m.treeName(first.GOROOT))
	case first.Kind == ShimGo:
		return info("GOROOT is set by hand; vmgo's shim overrides it").means("Programs that start another go inherit it.")
	}
	return warn("GOROOT is set, but no go on PATH belongs to it")
}

// treeName is a tree with its version.
func (m *Machine) treeName(goroot string) string {
	if v := m.VersionOf(goroot); !v.IsZero() {
		return goroot + " (" + v.String() + ")"
	}
	return goroot
}
