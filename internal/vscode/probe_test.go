package vscode

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

// TestProbe asks real shells, as a server does.
func TestProbe(t *testing.T) {
	t.Parallel()
	for name, files := range map[string][]string{
		"bash": {".bash_profile"}, "zsh": {".zprofile"}, "fish": {".config/fish/config.fish"}, "dash": {".profile"}, "tcsh": {".tcshrc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(name)
			if err != nil {
				t.Skip("there is no " + name)
			}
			home := t.TempDir()
			line := "echo noise; export PROBED='a b\n= c'\n"
			if name == "tcsh" {
				line = "echo noise; setenv PROBED 'a b= c'\n"
			}
			for _, file := range files {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(home, file)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(home, file), []byte(line), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			env := map[string]string{"HOME": home, "SHELL": program, "PATH": "/usr/bin:/bin"}
			got, err := Probe(t.Context(), host.OS(), env, home)
			if err != nil || strings.ReplaceAll(got["PROBED"], "\n", "") != "a b= c" || got["VSCODE_RESOLVING_ENVIRONMENT"] != "" {
				t.Errorf("Probe = %q, %v", got, err)
			}
		})
	}
}

func TestProbe_fails(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	h := host.OS()
	env := map[string]string{"HOME": home, "SHELL": "/bin/bash", "PATH": "/usr/bin:/bin"}
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(home, ".profile"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("exit 3\n")
	if _, err := Probe(t.Context(), h, env, home); err == nil || !strings.Contains(err.Error(), "status 3") {
		t.Errorf("a shell that exits: %v", err)
	}
	put("touch ~/started; exec sleep 600\n")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(home, "started")); err == nil {
				cancel(nil)
			}
		}
	}()
	if _, err := Probe(ctx, h, env, home); err == nil {
		t.Error("a shell that hangs: no error")
	}
	env["SHELL"] = "/nonexistent/sh"
	if _, err := Probe(t.Context(), h, env, home); err == nil {
		t.Error("a shell that does not exist: no error")
	}
}
