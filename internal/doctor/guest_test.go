package doctor_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// Root with the home directory of a user leaves nothing of root's in it, while the
// settings of go env -w count that are there.
func TestGuest_realGo(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can write in the home directory of another user")
	}
	h := realGo(t, map[string]string{"go.mod": "module a\n\ngo 1.20\n"})
	home, other := h.Env["HOME"], 65534
	if err := os.RemoveAll(filepath.Join(home, ".config/go/telemetry")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".config/go/env"), []byte("GOPRIVATE=git.test\nGOARCH=riscv64\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	visit(t, home, func(path string) error { return os.Lchown(path, other, other) })
	run := h.Run
	h.Run = func(cmd *exec.Cmd) error {
		if !slices.Contains(cmd.Env, "HOME="+home) {
			return errors.New("a session with root's own home directory is no part of this test")
		}
		return run(cmd)
	}
	m := machineWith(t, h, doctor.Options{Offline: true, Limits: unhurried})
	r := doctor.Run(t.Context(), m, pick(t, "toolchain.build", "toolchain.contexts", "toolchain.goproxy"))
	if text := textOf(r.Outcomes[0]); !strings.Contains(text, "it builds for another machine") {
		t.Errorf("the user's settings do not count:\n%s", text)
	}
	visit(t, home, func(path string) error {
		info, err := os.Lstat(path)
		if err == nil && info.Sys().(*syscall.Stat_t).Uid != uint32(other) {
			t.Errorf("%s is root's", path)
		}
		return err
	})
	if left, _ := filepath.Glob(filepath.Join(h.Env["TMPDIR"], "vmgo-doctor-*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func visit(t *testing.T, dir string, f func(path string) error) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return f(path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What go writes goes elsewhere only where this user could write it in the directory
// of another one: a build that would stop there still does.
func TestGuest_environment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		uid  int
		mode fs.FileMode
		env  string
		want []string // the beginnings of variables of go
		not  string
	}{
		"root":            {0, 0o755, "", []string{"GOCACHE=/tmp/vmgo-doctor-", "XDG_CONFIG_HOME=/tmp/vmgo-doctor-", "GOENV=/home/ann/.config/go/env"}, ""},
		"own cache":       {0, 0o755, "/var/cache/mine", []string{"GOCACHE=/var/cache/mine", "XDG_CONFIG_HOME=/tmp/vmgo-doctor-"}, ""},
		"may not write":   {1234, 0o755, "", nil, "vmgo-doctor-"},
		"writable by all": {1234, 0o777, "", []string{"GOCACHE=/tmp/vmgo-doctor-", "XDG_CONFIG_HOME=/tmp/vmgo-doctor-"}, ""},
		"ann herself":     {1000, 0o755, "", nil, "vmgo-doctor-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := annsHost(t, hosttest.File{Path: "/machine", Data: fmt.Appendf(nil, "uid %d\n", c.uid)})
			for _, dir := range []string{"/home/ann/.config", "/home/ann/.cache/go-build", "/home/ann"} {
				_ = os.MkdirAll(h.Path(dir), 0o755)
				if err := os.Chmod(h.Path(dir), c.mode); err != nil {
					t.Fatal(err)
				}
			}
			delete(h.Env, "TMPDIR")
			if err := os.MkdirAll(h.Path("/tmp"), 0o755); err != nil {
				t.Fatal(err)
			}
			if c.env != "" {
				h.Env["GOCACHE"] = c.env
				if err := os.MkdirAll(h.Path(c.env), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var mu sync.Mutex
			var seen []string
			run := h.Run
			h.Run = func(cmd *exec.Cmd) error {
				if slices.Contains(cmd.Args, "-json") {
					mu.Lock()
					seen = append(seen, cmd.Env...)
					mu.Unlock()
				}
				return run(cmd)
			}
			examine(t, machineWith(t, h, doctor.Options{Offline: true}), pick(t, "toolchain.contexts"))
			text := strings.Join(seen, "\n")
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("go has no %s:\n%s", want, text)
				}
			}
			if text == "" || c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("the environment of go is\n%s", text)
			}
		})
	}
}
