package build

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/libc"
)

// TestHelper_needsNoLibrary refuses a host's side that hosts with another C library could
// not start, before anything is built or sent.
func TestHelper_needsNoLibrary(t *testing.T) {
	t.Parallel()
	h := host.OS()
	h.Executable = dynamic(t)
	_, err := Builder{Host: h, Arch: runtime.GOARCH}.Build(t.Context(), t.TempDir())
	if diag.CodeOf(err) != diag.CannotStart || !strings.Contains(err.Error(), h.Executable+" was built with cgo and needs ") {
		t.Errorf("a program that needs a C library: %v", err)
	}
	if hints := diag.HintsOf(err); len(hints) != 1 || !strings.HasPrefix(hints[0], "CGO_ENABLED=0 go build -o "+h.Executable) {
		t.Errorf("hints: %q", hints)
	}
	h.Executable = filepath.Join(t.TempDir(), "vmgo-deploy")
	if _, err := Helper(h, "other"); diag.CodeOf(err) != diag.CommandNotFound || !strings.Contains(strings.Join(diag.HintsOf(err), ""), "GOARCH=other") {
		t.Errorf("no host's side for another architecture: %v", err)
	}
}

// dynamic returns a program of this machine that needs a C library.
func dynamic(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"bash", "git", "ssh"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		program, err := elf.Open(path)
		if err != nil {
			continue
		}
		defer program.Close()
		if libc.Interpreter(program) != "" {
			return path
		}
	}
	t.Skip("no program here needs a C library")
	return ""
}
