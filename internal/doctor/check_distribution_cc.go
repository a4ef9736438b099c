package doctor

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
)

func compilerCheck() Check {
	return Check{
		ID: "distribution.cc", Group: Distribution, Weight: 6,
		Title:  "a C compiler and linker for cgo and -race",
		Why:    "without one CGO_ENABLED silently becomes 0: the same sources build a different program, with Go's own resolver",
		Source: "CC, CGO_ENABLED, programs on PATH, the C library's headers; import \"C\" in the project",
		Run:    runCompiler,
	}
}

func runCompiler(_ context.Context, m *Machine) Result {
	if s := m.GoEnv("CGO_ENABLED"); s.Value == "0" {
		return where(s, ok("no C compiler needed: CGO_ENABLED=0"))
	}
	cc := m.GoEnv("CC").Value
	if cc == "" {
		cc = "gcc"
	}
	words := strings.Fields(cc)
	found := m.findProgram(words[0])
	uses := m.usesCgo()
	install := m.install(strings.Fields(m.byDistro("gcc libc6-dev", "gcc glibc-devel", "gcc musl-dev"))...)
	if found == "" {
		if words[0] != "gcc" {
			return m.otherCompiler(words[0])
		}
		if m.findProgram("clang") != "" {
			return warn("no gcc, but clang: go has to be configured for it").fixWith("go env -w CC=clang CXX=clang++")
		}
		r := info("no C compiler: cgo is off, and go test -race does not work")
		if uses != "" {
			r = fail("no C compiler, and this project uses cgo").at(uses, 0, `import "C"`)
		}
		return r.fixWith("%s", install)
	}
	if m.findProgram("ld") == "" && m.findProgram("ld.lld") == "" && m.findProgram("ld.gold") == "" {
		return fail("%s is installed, but no linker", found).fixWith("%s", m.install("binutils"))
	}
	if !m.hasHeaders() {
		return fail("%s is installed, but the C library's headers are not", found).
			means("cgo fails with \"stdlib.h: No such file or directory\".").fixWith("%s", install)
	}
	return ok("%s", found)
}

// otherCompiler returns the result for a CC that names a missing program.
func (m *Machine) otherCompiler(name string) Result {
	s := m.GoEnv("CC")
	r := where(s, fail("CC=%s does not exist: cgo fails", s.Value))
	if name == "clang" {
		return r.fixWith("%s", m.install(strings.Fields(m.byDistro("clang libc6-dev", "clang glibc-devel", "clang musl-dev"))...))
	}
	return r.unset(m, s)
}

func (m *Machine) findProgram(name string) string {
	if filepath.IsAbs(name) {
		if m.IsProgram(name) {
			return name
		}
		return ""
	}
	return m.Find(name, m.Env["PATH"])
}

func (m *Machine) hasHeaders() bool {
	for _, p := range []string{"/usr/include/stdlib.h", "/usr/local/include/stdlib.h"} {
		if m.Exists(p) {
			return true
		}
	}
	// A compiler outside /usr has its own headers.
	return !strings.HasPrefix(m.findProgram("gcc"), "/usr/")
}

// usesCgo finds a file of this module that imports "C", looking at its top two
// levels only; empty if there is none.
func (m *Machine) usesCgo() string {
	module := m.moduleRoot()
	if module == "" {
		return ""
	}
	dirs := []string{module}
	for _, entry := range m.ReadDir(module) {
		if entry.IsDir() && !hiddenPath(entry.Name()) && entry.Name() != "vendor" && len(dirs) < 100 {
			dirs = append(dirs, filepath.Join(module, entry.Name()))
		}
	}
	for _, dir := range dirs {
		for _, file := range m.goFiles(dir) {
			head := m.Head(file, 64<<10)
			if strings.Contains(head, "\nimport \"C\"") && !strings.HasSuffix(file, "_test.go") {
				return file
			}
		}
	}
	return ""
}

// goFiles returns the Go files of a directory, by name.
func (m *Machine) goFiles(dir string) []string { return facts.DropIns(m.Host, ".go", dir) }
