package doctor

import (
	"context"
	"debug/elf"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/libc"
)

func libcCheck() Check {
	return Check{
		ID: "distribution.libc", Group: Distribution, Weight: 7,
		Title:  "whether the installed releases start with this C library",
		Why:    "bin/go of 1.20 and older is linked with glibc and does not start on musl; 1.21 and newer are static",
		Source: "the ELF interpreter of each release's bin/go, and whether it exists",
		Run:    runLibc,
	}
}

func runLibc(_ context.Context, m *Machine) Result {
	name, loader := m.Libc()
	r := ok("%s", name)
	if name == "" {
		r = info("no dynamic loader found").means("Only static programs run here, such as Go 1.21 and newer.")
	} else {
		r = r.at(loader, 0, "%s", name)
	}
	for _, rel := range m.Releases() {
		program := filepath.Join(rel.GOROOT, "bin/go")
		interpreter := m.interpreter(program)
		if interpreter == "" || m.Exists(interpreter) {
			continue
		}
		r.worse(Fail)
		r.Summary = "Go " + rel.Version.String() + " cannot start: it needs glibc"
		r = r.at(program, 0, "needs %s", interpreter)
		if name == host.Musl {
			r = r.fixWith("%s", m.install("gcompat"))
		}
	}
	return r
}

// interpreter is the dynamic loader that a program asks for; empty if it is
// static.
func (m *Machine) interpreter(p string) string {
	f, err := m.Open(p)
	if err != nil {
		return ""
	}
	defer f.Close()
	e, err := elf.NewFile(f)
	if err != nil {
		return ""
	}
	return libc.Interpreter(e)
}
