package verify

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// A made-up toolchain says the right version and then cannot list std: the
// check must notice, and leave nothing behind.
func TestVerifier_runFindsABrokenToolchain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, dir string){
		"go env": func(*testing.T, string) {},
		"go version": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "bin/go"), "#!/bin/sh\necho go version go1.22.4 linux/amd64\n")
		},
		"GOROOT": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "bin/go"), "#!/bin/sh\nif [ $1 = version ]; then echo go version go1.22.5 linux/amd64; else printf '/\\n/x\\nlinux\\namd64\\n'; fi\n")
		},
		"bin/go": func(t *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "bin/go")) },
	} {
		dir, temp := unpacked(t, vmtest.Toolchain{Version: "1.22.5"}), t.TempDir()
		change(t, dir)
		v := &Verifier{Now: time.Now, Run: (*exec.Cmd).Run, Path: "/usr/bin:/bin", TempDir: temp}
		target := Target{Version: version(t, "1.22.5"), Platform: linux, GOROOT: dir}
		r, err := v.Verify(t.Context(), target, Checks{Run: true})
		if err != nil || r.OK || !strings.Contains(r.Err().Error(), name) {
			t.Errorf("%s: %+v, %v, %v", name, r, r.Err(), err)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
			t.Errorf("%s: left behind %v, %v", name, left, err)
		}
	}
}

func version(t *testing.T, s string) gover.Version {
	t.Helper()
	v, err := gover.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The real toolchain of this machine, where there is one at the usual place.
func TestVerifier_runRealToolchain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles the standard library")
	}
	target, err := Foreign("/usr/local/go", linux)
	if err != nil {
		t.Skip("no real toolchain: ", err)
	}
	v := &Verifier{Now: time.Now, Run: (*exec.Cmd).Run, Path: "/usr/bin:/bin", TempDir: t.TempDir()}
	r, err := v.Verify(t.Context(), target, Checks{Run: true})
	if err != nil || !r.OK {
		t.Errorf("%+v, %v", r, err)
	}
	t.Log(r.Checks[0].Detail, r.Checks[0].Seconds)
}

// A GOROOT that is named on the command line may be anybody's.
func TestForeign_hostile(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"huge":   func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("go1.22.5 "), 10_000), 0o600) },
	} {
		dir := t.TempDir()
		if err := make(filepath.Join(dir, "VERSION")); err != nil {
			t.Fatal(err)
		}
		if _, err := Foreign(dir, linux); diag.CodeOf(err) != diag.NotInstalled || len(err.Error()) > 1000 {
			t.Errorf("%s: %.200v", name, err)
		}
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "pkg/tool/linux_\x1b[31m"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte("go1.22.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if target, err := Foreign(dir, linux); err != nil || target.Platform != linux {
		t.Errorf("%q, %v", target.Platform, err)
	}
}
