package shims_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/shims"
)

func TestShim_findsTheGofmtOfTheSystem(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "system")
	for _, path := range []string{"/lib/go/bin/go", "/relative/gofmt", "/fmt/gofmt"} {
		must(t, os.Chmod(m.write(m.root+path, "#!/bin/sh\n"), 0o755))
	}
	must(t, os.MkdirAll(m.root+"/directory/gofmt", 0o755))
	must(t, os.MkdirAll(m.root+"/shims", 0o755))
	must(t, os.Symlink(m.bin+"/vmgo-shim", m.root+"/shims/gofmt"))
	m.env["PATH"] = strings.Join([]string{m.root + "/shims", relativeTo(t, m.root+"/relative"), m.goroot("1.22.5") + "/bin",
		m.root + "/directory", m.root + "/lib/go/bin", m.root + "/fmt"}, ":")
	if got, stderr, _ := m.shim(dir, "gofmt"); got.path != m.root+"/fmt/gofmt" {
		t.Errorf("%+v, said %q", got, stderr)
	}
	must(t, os.Remove(m.root+"/fmt/gofmt"))
	if got, stderr, status := m.shim(dir, "gofmt"); status != 127 || !strings.Contains(stderr, "PATH has no gofmt") {
		t.Errorf("there is none: status %d, said %q, became %+v", status, stderr, got)
	}
}

func TestShim_findsTheGofmtOfTheGOROOT(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "system")
	for _, tool := range []string{"go", "gofmt"} {
		must(t, os.Chmod(m.write(m.root+"/lib/go/bin/"+tool, "#!/bin/sh\n"), 0o755))
	}
	m.write(m.root+"/lib/go/VERSION", "go1.19.8\n")
	must(t, os.MkdirAll(m.root+"/links", 0o755))
	must(t, os.Symlink(m.root+"/lib/go/bin/go", m.root+"/links/go"))
	m.env["PATH"] = m.root + "/links"
	if got, stderr, _ := m.shim(dir, "gofmt"); got.path != m.root+"/lib/go/bin/gofmt" {
		t.Errorf("%+v, said %q", got, stderr)
	}
}

func TestShim_withoutANameOfItsOwn(t *testing.T) {
	m := newMachine(t)
	dir := m.pin("p", "system")
	program := m.write(m.root+"/lib/go/bin/go", "#!/bin/sh\n")
	must(t, os.Chmod(program, 0o755))
	must(t, os.MkdirAll(m.root+"/here", 0o755))
	must(t, os.Link(program, m.root+"/here/vmgo"))
	t.Chdir(m.root + "/here")
	m.env["PATH"] = m.root + "/lib/go/bin"
	m.options = func(p *shims.Process) { p.Executable = func() string { return "" } }
	if got, stderr, _ := m.shim(dir, "go"); got.path != program {
		t.Errorf("%+v, said %q", got, stderr)
	}
}

func TestShim_becomesTheGoOfTheSystem(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "system")
	self, err := os.Executable()
	must(t, err)
	must(t, os.MkdirAll(m.root+"/shims", 0o755))
	for _, tool := range []string{"go", "gofmt"} {
		must(t, os.Symlink(m.bin+"/vmgo-shim", m.root+"/shims/"+tool))
		must(t, os.Symlink(self, m.bin+"/"+tool)) // by another way the same program
		must(t, os.Chmod(m.write(m.root+"/lib/go/bin/"+tool, "#!/bin/sh\n"), 0o755))
	}
	m.env["PATH"] = m.root + "/shims:" + m.bin + "::relative:" + m.goroot("1.22.5") + "/bin:" + m.root + "/lib/go/bin"
	m.env["GOROOT"] = "/mine"
	for _, tool := range []string{"go", "gofmt"} {
		got, stderr, _ := m.shim(dir, tool)
		if got.path != m.root+"/lib/go/bin/"+tool || got.env["GOROOT"] != "/mine" || got.env["PATH"] != m.env["PATH"] {
			t.Errorf("%s: %+v, said %q", tool, got, stderr)
		}
	}
	m.env["PATH"] = m.root + "/shims:" + m.bin
	if _, stderr, status := m.shim(dir, "go"); status != 127 || !strings.Contains(stderr, "[not-installed]") {
		t.Errorf("only shims: %d, %q", status, stderr)
	}
}
