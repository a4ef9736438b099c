package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/shell"
)

// debianHome is the home of a plain user on Debian, with vmgo in ~/.local/bin.
type debianHome struct {
	t    *testing.T
	home string
}

func newDebianHome(t *testing.T) debianHome {
	t.Helper()
	d := debianHome{t, filepath.Join(t.TempDir(), "home of u")}
	bin := filepath.Join(d.home, ".local/bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".profile", ".bashrc"} {
		text, err := os.ReadFile(filepath.Join("/etc/skel", name))
		if err != nil {
			t.Skipf("not a Debian: %v", err)
		}
		if err := os.WriteFile(filepath.Join(d.home, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vmgo", "vmgo-shim"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// run runs a command as any session of the system does.
func (d debianHome) run(args ...string) (stdout, stderr string) {
	d.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.home, &out, &errs
	cmd.Env = []string{"HOME=" + d.home, "PATH=/usr/local/bin:/usr/bin:/bin", "TERM=dumb", "GOENV=off", "SHELL=/bin/bash", "TESTROOT=" + d.home + "/root"}
	_ = cmd.Run() // what it printed says the rest
	return out.String(), errs.String()
}

// vmgo runs it in a session that has it on PATH.
func (d debianHome) vmgo(args ...string) (output string) {
	d.t.Helper()
	stdout, stderr := d.run(append([]string{"sh", "-c", `PATH=$PATH:$HOME/.local/bin; exec vmgo "$@"`, "sh"}, args...)...)
	return stdout + stderr
}

// On Debian .profile reads .bashrc before it adds ~/.local/bin to PATH: the line
// that every place prints finds vmgo in a login shell, and in any other.
func TestHookLine_worksOnDebian(t *testing.T) {
	t.Parallel()
	d := newDebianHome(t)
	line := shell.Line("bash", filepath.Join(d.home, ".local/bin/vmgo"))
	for _, args := range [][]string{{}, {"help", "hook"}} {
		if text := d.vmgo(args...); !strings.Contains(text, line) {
			t.Errorf("vmgo %q does not print %s:\n%s", args, line, text)
		}
	}
	var report struct{ Checks []struct{ Fix string } }
	text := d.vmgo("doctor", "--only", "hook.loaded", "--json")
	if err := json.Unmarshal([]byte(text), &report); err != nil || len(report.Checks) != 1 || report.Checks[0].Fix == "" {
		t.Fatalf("%v: %s", err, text)
	}
	if stdout, stderr := d.run("sh", "-c", report.Checks[0].Fix); stdout+stderr != "" {
		t.Errorf("%s: %s%s", report.Checks[0].Fix, stdout, stderr)
	}
	for _, options := range [][]string{{"-l", "-i"}, {"-i"}} {
		args := append(append([]string{"bash"}, options...), "-c", "type -t _vmgo_hook")
		stdout, stderr := d.run(args...)
		if stdout != "function\n" || strings.Contains(stderr, "vmgo") {
			t.Errorf("%q: %q, said %q", args, stdout, stderr)
		}
	}
}
