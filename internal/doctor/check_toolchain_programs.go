package doctor

import (
	"context"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gobin"
	"github.com/vmgo/vmgo/internal/gobin/gather"
	"github.com/vmgo/vmgo/internal/ui"
)

func programsCheck() Check {
	return Check{
		ID: "toolchain.programs", Group: Toolchain, Weight: 4,
		Title:  "whether programs installed in one project are on PATH in all",
		Why:    "each project has its own GOPATH; a program in its bin is not found in other projects",
		Source: "bin of each GOPATH that vmgo keeps; VMGO_GOBIN, VMGO_GOPATH",
		Run:    runPrograms,
	}
}

func runPrograms(_ context.Context, m *Machine) Result {
	switch {
	case m.Settings.GOBIN != "user" || m.Settings.GOPATH != "project":
		return ok("each project has programs of its own, as VMGO_GOBIN=project requests")
	case m.Layout.Data == "":
		return skip("HOME is not set")
	}
	programs, err := gobin.Find(m.programsUser())
	record := gobin.Record(m.Layout.Data)
	if err != nil {
		return warn("each project has programs of its own: %s", m.Show(err.Error())).
			fixWith("mv %s %s   # if it exists: the next prompt chooses another directory", diag.Word(record), diag.Word(record+gather.Before))
	}
	r, moved := Result{Status: OK}, 0
	for _, bin := range m.ownBins() {
		g := m.gather(bin, m.Show(programs.Dir))
		moved++
		r.worse(Warn)
		r = r.at(bin, 0, "%s", ui.Count(len(g.Moves)+g.Stay, "program")).safely(Edit{Path: bin, Gather: &g})
	}
	if moved == 0 {
		return ok("%s", m.Show(programs.Dir))
	}
	r.Summary = ui.Count(moved, "project") + " with programs that other projects do not find"
	return r.means("They move to %s; of two programs with one name, one stays in bin.before.", m.Show(programs.Dir)).
		fixWith("vmgo doctor --fix --only toolchain.programs")
}

// programsUser is whose directory of programs is looked for, by real paths.
func (m *Machine) programsUser() gobin.User {
	layout := m.realLayout()
	u := gobin.User{Data: layout.Data, Home: layout.Home, UID: m.UID}
	for _, line := range m.goEnvLines(m.GoEnvFile()) {
		if line.Name == "GOPATH" && line.Value != "" {
			u.GOPATH = m.Path(line.Value)
		}
	}
	return u
}

// ownBins lists the bin of each GOPATH of a project that is a directory and no
// link.
func (m *Machine) ownBins() []string {
	var bins []string
	for _, entry := range m.ReadDir(m.Layout.Data + "/gopath") {
		name := entry.Name()
		if n := len(name) - 17; n < 0 || name[n] != '-' { // see environ.ProjectGopath
			continue
		}
		bin := filepath.Join(m.Layout.Data, "gopath", name, "bin")
		if info, err := m.Lstat(bin); err == nil && info.IsDir() {
			bins = append(bins, bin)
		}
	}
	return bins
}
