// Package libc tells what a program needs of the C library, and what a machine has
// of it. It looks at what the dynamic loader itself would: the interpreter, the
// libraries and the versions of their symbols.
package libc

import (
	"debug/elf"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/host"
)

// Needs are what a program needs to be started; all empty for a static one.
type Needs struct {
	Interpreter string    `json:"interpreter,omitempty"` // its dynamic loader
	Libraries   []Library `json:"libraries,omitempty"`
	Glibc       string    `json:"glibc,omitempty"` // the newest symbol version of glibc
}

// Library is a shared library with the symbol versions that are needed of it.
type Library struct {
	Name     string   `json:"name"`
	Versions []string `json:"versions"`
}

// Of returns the needs of a program.
func Of(e *elf.File) Needs {
	n := Needs{Interpreter: Interpreter(e)}
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
		list := append([]string{}, versions[name]...)
		slices.SortFunc(list, func(x, y string) int {
			if Less(afterUnderscore(x), afterUnderscore(y)) {
				return -1
			}
			return 1
		})
		n.Libraries = append(n.Libraries, Library{name, list})
		for _, v := range list {
			if number := glibcNumber(v); Less(n.Glibc, number) {
				n.Glibc = number
			}
		}
	}
	return n
}

// Interpreter returns the dynamic loader that a program asks for; empty if it is
// static.
func Interpreter(e *elf.File) string {
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

// Name returns the C library that the program is linked with: [host.Glibc],
// [host.Musl], or nothing if it is static.
func (n Needs) Name() string {
	switch {
	case n.Interpreter == "":
		return ""
	case strings.Contains(n.Interpreter, "ld-musl"):
		return host.Musl
	}
	return host.Glibc
}

// Missing returns what keeps the program from starting on a machine ("needs glibc
// 2.38; this machine has 2.36"), empty if nothing does. known is false where that
// cannot be told. Whether other libraries than the C
// library are installed is not looked at.
func (n Needs) Missing(h host.Host) (what string, known bool) {
	switch {
	case n.Interpreter == "":
		return "", true
	case !h.Exists(n.Interpreter):
		return "needs the loader " + n.Interpreter + ", which is missing", true
	case n.Name() != host.Glibc || n.Glibc == "":
		return "", true
	}
	have := Installed(h)
	if have != "" && Less(have, n.Glibc) {
		return "needs glibc " + n.Glibc + "; this machine has " + have, true
	}
	return "", have != ""
}

// Installed returns the newest symbol version that the machine's own glibc
// defines, empty where none is found.
func Installed(h host.Host) string {
	for _, pattern := range []string{"/lib/*-linux-gnu*/libc.so.6", "/lib64/libc.so.6", "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6", "/lib/libc.so.6"} {
		matches, _ := filepath.Glob(filepath.Join(h.Path("/"), pattern))
		for _, path := range matches {
			if v, err := defined(h, path); err == nil && v != "" {
				return v
			}
		}
	}
	return ""
}

func defined(h host.Host, path string) (string, error) {
	f, err := h.Open(path)
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
		if number := glibcNumber(v.Name); number != "" && v.Name != relr && Less(newest, number) {
			newest = number
		}
	}
	return newest, nil
}

// relr is the marker of programs with packed relocations, which glibc has since
// 2.36 (its NEWS).
const relr = "GLIBC_ABI_DT_RELR"

// glibcNumber returns the version in a name such as GLIBC_2.34; GLIBC_PRIVATE and
// other markers have none.
func glibcNumber(name string) string {
	if name == relr {
		return "2.36"
	}
	number, found := strings.CutPrefix(name, "GLIBC_")
	if !found || number == "" || number[0] < '0' || number[0] > '9' {
		return ""
	}
	return number
}

func afterUnderscore(s string) string { return s[strings.LastIndex(s, "_")+1:] }

// Less compares dotted numbers.
func Less(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		m, n := 0, 0
		if i < len(x) {
			m, _ = strconv.Atoi(x[i])
		}
		if i < len(y) {
			n, _ = strconv.Atoi(y[i])
		}
		if m != n {
			return m < n
		}
	}
	return false
}
