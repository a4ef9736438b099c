package doctor

import (
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"io"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/libc"
	"github.com/vmgo/vmgo/internal/ui"
)

// Binary is the report of `vmgo doctor --binary` on a program.
type Binary struct {
	Path          string         `json:"path"`
	Machine       string         `json:"machine"` // as ELF calls it: EM_X86_64
	Static        bool           `json:"static"`
	Interpreter   string         `json:"interpreter"` // its dynamic loader, empty if static
	Libc          string         `json:"libc"`        // glibc, musl or empty
	Go            string         `json:"go"`          // the release that built it, empty if it is not a Go program
	Needs         []libc.Library `json:"needs"`
	Glibc         string         `json:"glibc"` // the newest symbol version of glibc that it needs
	Distributions []Starts       `json:"distributions"`
	StartsHere    *bool          `json:"starts_here"` // null where that is not known
}

// Starts reports whether a program starts on a distribution.
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
	path = m.Abs(path)
	f, err := m.Open(path)
	if err != nil {
		return Binary{}, diag.Wrap(diag.Failure, err, "cannot read the program")
	}
	defer f.Close()
	e, err := elf.NewFile(f)
	if err != nil {
		return Binary{}, diag.Wrap(diag.Failure, err, path+" is not an ELF program", "file "+diag.Word(path))
	}
	needs := libc.Of(e)
	b := Binary{
		Path: m.Redact(path), Machine: e.Machine.String(), Static: needs.Interpreter == "", Interpreter: needs.Interpreter,
		Libc: needs.Name(), Needs: append([]libc.Library{}, needs.Libraries...), Glibc: needs.Glibc,
	}
	if info, err := buildinfo.Read(f); err == nil {
		b.Go = info.GoVersion
	}
	for _, d := range distros() {
		b.Distributions = append(b.Distributions, b.startsOn(d))
	}
	if missing, known := needs.Missing(m.Host); known {
		starts := missing == ""
		b.StartsHere = &starts
	}
	return b, nil
}

func (b Binary) startsOn(d distro) Starts {
	s := Starts{Name: d.name(), Glibc: d.glibc}
	switch {
	case b.Static:
		s.Starts, s.Why = true, "static"
	case b.Libc == host.Musl:
		s.Starts, s.Why = d.glibc == "", "needs "+b.Interpreter
	case d.glibc == "":
		s.Why = "has musl, not glibc (package gcompat may help)"
	case libc.Less(d.glibc, b.Glibc):
		s.Why = "version `GLIBC_" + b.Glibc + "' not found"
	default:
		s.Starts = true
	}
	return s
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
