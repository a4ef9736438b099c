package verify

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// rebuilder is a verifier with a release that can be built again, and another that builds it.
func rebuilder(t *testing.T) (v *Verifier, target Target, beside string) {
	t.Helper()
	made := func(version string) string {
		return unpacked(t, vmtest.Toolchain{Version: version, Files: vmtest.Buildable(version, "1.24.6")})
	}
	boot := made("1.24.13")
	v = &Verifier{
		Now: time.Now, Run: (*exec.Cmd).Run, Path: "/usr/bin:/bin", Jobs: 2, NotesDir: t.TempDir(), StateDir: t.TempDir(),
		Bootstraps: []Bootstrap{{version(t, "1.24.13"), boot}},
	}
	here := gover.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	beside = filepath.Dir(boot)
	write(t, filepath.Join(beside, "asked"), "")
	return v, Target{Version: version(t, "1.26.8"), Platform: here, GOROOT: made("1.26.8")}, beside
}

// rebuilds makes the check, and returns it with the arguments of all builds until now.
func rebuilds(t *testing.T, v *Verifier, target Target, beside string) (Check, string) {
	t.Helper()
	r, err := v.Verify(t.Context(), target, Checks{Rebuild: true})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := os.ReadFile(filepath.Join(beside, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	return r.Checks[0], string(asked)
}

const fromTheStart = "bootstrap -no-banner -a\n"

// A result that cannot go into a receipt is kept in the user's state, for that tree alone.
func TestRebuild_keptForOneTree(t *testing.T) {
	t.Parallel()
	v, target, beside := rebuilder(t)
	for range 2 {
		if c, asked := rebuilds(t, v, target, beside); c.Status != Pass || asked != fromTheStart {
			t.Fatalf("%+v after %q", c, asked)
		}
	}
	tool := "pkg/tool/" + runtime.GOOS + "_" + runtime.GOARCH + "/link"
	for path, kind := range map[string]Kind{tool: Modified, "bin/more": Extra} {
		file := filepath.Join(target.GOROOT, filepath.FromSlash(path))
		before, _ := os.ReadFile(file)
		write(t, file, string(before)+"x")
		c, _ := rebuilds(t, v, target, beside)
		if c.Status != Fail || diag.CodeOf(c.err) != diag.Tampered || len(c.Problems) != 1 || c.Problems[0] != (Problem{path, kind}) {
			t.Errorf("%s: %+v", path, c)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if before != nil {
			write(t, file, string(before))
		}
	}
	if left, err := filepath.Glob(filepath.Join(v.NotesDir, "rebuild-1.26.8", "*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What was compiled before an interrupt is not compiled again; if that makes another
// binary, the release is built from the start before anything is said about it.
func TestRebuild_goesOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ leftover, want string }{
		"sound":   {"", "bootstrap -no-banner\n"},
		"damaged": {"#!/bin/false", "bootstrap -no-banner\n" + fromTheStart},
	} {
		v, target, beside := rebuilder(t)
		write(t, filepath.Join(beside, "hold"), "")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		v.Progress = func(line string) {
			if strings.Contains(line, "toolchain2") {
				cancel()
			}
		}
		if _, err := v.Verify(ctx, target, Checks{Rebuild: true}); err == nil {
			t.Fatal("it was not stopped")
		}
		if err := os.Remove(filepath.Join(beside, "hold")); err != nil {
			t.Fatal(err)
		}
		if c.leftover != "" {
			write(t, filepath.Join(v.NotesDir, "rebuild-1.26.8/go/pkg/obj/go-build/compile"), c.leftover)
		}
		v.Progress = nil
		if check, asked := rebuilds(t, v, target, beside); check.Status != Pass || asked != fromTheStart+c.want {
			t.Errorf("%s: %+v after %q", name, check, asked)
		}
	}
}

func TestRebuild_cannotBeBuilt(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]diag.Code{
		"src/cmd/go/go.go:1:1: syntax error":          diag.Failure,
		"write go/pkg/obj/x: no space left on device": diag.DiskFull,
	} {
		v, target, beside := rebuilder(t)
		write(t, filepath.Join(beside, "fail"), said+"\n")
		c, _ := rebuilds(t, v, target, beside)
		if c.Status != Fail || diag.CodeOf(c.err) != want || want == diag.Failure && !strings.Contains(c.Detail, said) {
			t.Errorf("%s: %+v, %v", said, c, c.err)
		}
		if left, err := filepath.Glob(filepath.Join(v.NotesDir, "rebuild-1.26.8", "*")); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestBootstrapFor(t *testing.T) {
	t.Parallel()
	v, target, _ := rebuilder(t)
	for _, c := range []struct{ installed, want string }{
		{"1.24.13 1.25.14 1.26.8 1.27.4", "1.25.14"},
		{"1.24.5 1.26.8 1.28.0 1.27.4", "1.27.4"},
		{"1.24.6", "1.24.6"},
		{"1.24.5 1.26.8", ""},
		{"", ""},
	} {
		v.Bootstraps = nil
		for name := range strings.FieldsSeq(c.installed) {
			v.Bootstraps = append(v.Bootstraps, Bootstrap{version(t, name), "/opt/go/" + name})
		}
		got, err := v.bootstrapFor(target)
		if got.Version.String() != c.want || (err == nil) != (c.want != "") {
			t.Errorf("of %s: %s, %v, want %s", c.installed, got.Version, err, c.want)
		}
	}
	write(t, filepath.Join(target.GOROOT, "src/make.bash"), "bootgo=\n")
	if _, err := v.bootstrapFor(target); diag.CodeOf(err) != diag.Tampered {
		t.Errorf("with another make.bash: %v", err)
	}
}
