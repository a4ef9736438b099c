package doctor

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/ui"
)

// Binary is what `vmgo doctor --binary` says of a program.
type Binary struct {
	Path          string    `json:"path"`
	Machine       string    `json:"machine"` // as ELF calls it: EM_X86_64
	Static        bool      `json:"static"`
	Interpreter   string    `json:"interpreter"` // its dynamic loader, empty if static
	Libc          string    `json:"libc"`        // glibc, musl or empty
	Go            string    `json:"go"`          // the release that built it, empty if it is no Go program
	Needs         []Library `json:"needs"`
	Glibc         string    `json:"glibc"` // the newest symbol version of glibc that it needs
	Distributions []Starts  `json:"distributions"`
	StartsHere    *bool     `json:"starts_here"` // null where that is not known
}

// Library is a shared library with the symbol versions that are needed of it.
type Library struct {
	Name     string   `json:"name"`
	Versions []string `json:"versions"`
}

// Starts says whether a program starts on a distribution.
type Starts struct {
	Name   string `json:"name"`
	Glibc  string `json:"glibc"` // empty: musl
	Starts bool   `json:"starts"`
	Why    string `json:"why"`
}

// ReadBinary examines a program. It only looks at what the dynamic loader
// itself would: the interpreter, the libraries and the versions of their
// symbols. Whether other libraries than the C library are installed is not
// known.
func (m *Machine) ReadBinary(path string) (Binary, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(m.Dir, path)
	}
	f, err := m.Open(path)
	if err != nil {
		return Binary{}, diag.New(diag.Failure, m.Redact("cannot read the program: "+err.Error()))
	}
	defer f.Close()
	e, err := elf.NewFile(f)
	if err != nil {
		return Binary{}, diag.New(diag.Failure, m.Redact(path+" is no ELF program: "+err.Error()), m.redactor.Command("file "+diag.Word(path)))
	}
	b := Binary{Path: m.Redact(path), Machine: e.Machine.String(), Interpreter: interpreterOf(e), Needs: []Library{}}
	b.Static = b.Interpreter == ""
	if info, err := buildinfo.Read(f); err == nil {
		b.Go = info.GoVersion
	}
	b.readNeeds(e)
	for _, d := range distros() {
		b.Distributions = append(b.Distributions, b.startsOn(d))
	}
	b.StartsHere = m.startsHere(b)
	return b, nil
}

func (b *Binary) readNeeds(e *elf.File) {
	versions := map[string][]string{}
	if needs, err := e.DynamicVersionNeeds(); err == nil {
		for _, need := range needs {
			for _, dep := range need.Needs {
				versions[need.Name] = append(versions[need.Name], dep.Dep)
			}
		}
	}
	libraries, _ := e.ImportedLibraries() // none in a static program
	for _, name := range libraries {
		list := versions[name]
		slices.SortFunc(list, func(x, y string) int {
			if lessVersion(afterUnderscore(x), afterUnderscore(y)) {
				return -1
			}
			return 1
		})
		if list == nil {
			list = []string{}
		}
		b.Needs = append(b.Needs, Library{name, list})
		for _, v := range list {
			// GLIBC_PRIVATE and ABI markers such as GLIBC_ABI_DT_RELR (2.36) have no number.
			if number, found := strings.CutPrefix(v, "GLIBC_"); found && number[0] >= '0' && number[0] <= '9' && lessVersion(b.Glibc, number) {
				b.Glibc = number
			}
			if v == "GLIBC_ABI_DT_RELR" && lessVersion(b.Glibc, "2.36") {
				b.Glibc = "2.36"
			}
		}
	}
	switch {
	case strings.Contains(b.Interpreter, "ld-musl"):
		b.Libc = host.Musl
	case b.Interpreter != "":
		b.Libc = host.Glibc
	}
}

func afterUnderscore(s string) string { return s[strings.LastIndex(s, "_")+1:] }

func (b Binary) startsOn(d distro) Starts {
	s := Starts{Name: d.name(), Glibc: d.glibc}
	switch {
	case b.Static:
		s.Starts, s.Why = true, "static"
	case b.Libc == host.Musl:
		s.Starts, s.Why = d.glibc == "", "needs "+b.Interpreter
	case d.glibc == "":
		s.Why = "has musl, not glibc (package gcompat may help)"
	case lessVersion(d.glibc, b.Glibc):
		s.Why = "version `GLIBC_" + b.Glibc + "' not found"
	default:
		s.Starts = true
	}
	return s
}

// startsHere judges by the machine's own C library.
func (m *Machine) startsHere(b Binary) *bool {
	answer := func(v bool) *bool { return &v }
	switch {
	case b.Static:
		return answer(true)
	case !m.Exists(b.Interpreter):
		return answer(false)
	case b.Libc != host.Glibc || b.Glibc == "":
		return answer(true)
	}
	have := m.glibcVersion()
	if have == "" {
		return nil
	}
	return answer(!lessVersion(have, b.Glibc))
}

// glibcVersion is the newest symbol version that the machine's own libc
// defines.
func (m *Machine) glibcVersion() string {
	for _, pattern := range []string{"/lib/*-linux-gnu*/libc.so.6", "/lib64/libc.so.6", "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6", "/lib/libc.so.6"} {
		matches, _ := filepath.Glob(filepath.Join(m.Path("/"), pattern))
		for _, path := range matches {
			if v, err := m.definedGlibc(path); err == nil && v != "" {
				return v
			}
		}
	}
	return ""
}

func (m *Machine) definedGlibc(path string) (string, error) {
	f, err := m.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	e, err := elf.NewFile(f)
	if err != nil {
		return "", err
	}
	versions, err := e.DynamicVersions()
	if err != nil {
		return "", err
	}
	newest := ""
	for _, v := range versions {
		if number, found := strings.CutPrefix(v.Name, "GLIBC_"); found && number[0] >= '0' && number[0] <= '9' && lessVersion(newest, number) {
			newest = number
		}
	}
	return newest, nil
}

// interpreterOf is the dynamic loader that a program asks for; empty if it is
// static.
func interpreterOf(e *elf.File) string {
	for _, prog := range e.Progs {
		if prog.Type == elf.PT_INTERP && prog.Filesz < 4096 {
			data := make([]byte, prog.Filesz)
			if _, err := prog.ReadAt(data, 0); err == nil || errors.Is(err, io.EOF) {
				return strings.TrimRight(string(data), "\x00")
			}
		}
	}
	return ""
}

// Print writes it for a terminal.
func (b Binary) Print(w io.Writer, p ui.Palette) error {
	var out strings.Builder
	kind := "static: it starts on every Linux of its architecture"
	if !b.Static {
		kind = "dynamic, loader " + b.Interpreter
	}
	built := ""
	if b.Go != "" {
		built = ", built by " + b.Go
	}
	fmt.Fprintf(&out, "%s\n  %s, %s%s\n", p.Bold(b.Path), strings.TrimPrefix(b.Machine, "EM_"), kind, built)
	for _, lib := range b.Needs {
		fmt.Fprintf(&out, "  needs %s  %s\n", lib.Name, p.Dim(strings.Join(lib.Versions, " ")))
	}
	if b.StartsHere != nil && !b.Static {
		word := p.Green("yes")
		if !*b.StartsHere {
			word = p.Red("no")
		}
		fmt.Fprintf(&out, "  starts on this machine: %s\n", word)
	}
	if !b.Static {
		out.WriteString("\n")
		var table ui.Table
		for _, s := range b.Distributions {
			libc := "glibc " + s.Glibc
			if s.Glibc == "" {
				libc = "musl"
			}
			status := OK
			if !s.Starts {
				status = Fail
			}
			table.Add("  "+mark(p, status), s.Name, libc, p.Dim(s.Why))
		}
		if err := table.Write(&out); err != nil {
			return err
		}
		if b.Go != "" {
			out.WriteString("\nWithout C code, " + p.Cyan("CGO_ENABLED=0 go build") + " makes a program that starts on all of them.\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}
