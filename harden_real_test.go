package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// toldProgram writes what its runtime was told, and stays.
const toldProgram = `package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

func main() {
	told := fmt.Sprintf("%d %d\n", debug.SetMemoryLimit(-1), runtime.GOMAXPROCS(0))
	if err := os.WriteFile(os.Getenv("HOME")+"/told", []byte(told), 0o644); err != nil {
		panic(err)
	}
	ready, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		panic(err)
	}
	ready.Write([]byte("READY=1"))
	time.Sleep(time.Hour)
}
`

// hardenHost is a Debian host with logind, and a user with a service of their own.
func hardenHost(t *testing.T) sessionHost {
	t.Helper()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("a host with a user's systemd takes a minute: ./test.sh --long")
	}
	h := sessionHost{t, hosts.UpWith(t, hosts.Options{Packages: "libpam-systemd"}, 1)}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "told.go"), []byte(toldProgram), 0o644); err != nil {
		t.Fatal(err)
	}
	for out, source := range map[string]string{"vmgo": ".", "told": filepath.Join(dir, "told.go")} {
		build := exec.Command("go", "build", "-o", h.net.Path(1, "/usr/local/bin/"+out), source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	h.root(`useradd -m -s /bin/bash dev && cp -r /root/.ssh /home/dev/ && mkdir -p /home/dev/.config/systemd/user
printf '[Service]\nType=notify\nExecStart=/usr/local/bin/told\n' >/home/dev/.config/systemd/user/app.service
chown -R dev: /home/dev; loginctl enable-linger dev
until systemctl is-active --quiet user@$(id -u dev); do sleep 0.1; done`)
	return h
}

// TestHarden_userService limits a service of a real `systemctl --user`, as that user.
func TestHarden_userService(t *testing.T) {
	t.Parallel()
	h := hardenHost(t)
	says := func(command, want string) {
		t.Helper()
		if got := h.ssh("", command+" 2>&1"); !strings.Contains(got, want) {
			t.Errorf("%s says\n%s\nwant %q", command, got, want)
		}
	}
	const files = "find ~/.config ~/.local -printf '%p %m %u %T@\\n' 2>&1 | sort"
	h.ssh("", "systemctl --user start app")
	before, open := h.ssh("", files), h.ssh("", "cat ~/told")
	if !strings.HasPrefix(open, "9223372036854775807 ") {
		t.Fatalf("without limits the program says %q", open)
	}
	says("vmgo harden service app --user --memory 256M --cpus 1 --apply", "undo with: vmgo harden undo --user")
	says("vmgo harden status --only user-service:app", "has no GOMEMLIMIT=230MiB: systemctl --user restart app")
	says("systemctl --user show app -p MemoryMax", "MemoryMax=268435456\n")
	h.ssh("", "systemctl --user restart app")
	says("cat ~/told", "241172480 1\n")
	says("vmgo harden status", "runs with GOMEMLIMIT=230MiB and GOMAXPROCS=1")
	h.ssh("", `printf '[Service]\nMemoryMax=1G\n' >~/.config/systemd/user/app.service.d/90-local.conf; systemctl --user daemon-reload`)
	says("vmgo harden status; echo status $?", "90-local.conf:2 wins")
	says("vmgo harden status >/dev/null; echo status $?", "status 1\n")
	h.ssh("", "rm ~/.config/systemd/user/app.service.d/90-local.conf")
	says("vmgo harden undo --user", "reverted 2 changes")
	h.ssh("", "systemctl --user restart app")
	says("cat ~/told", open)
	if after := h.ssh("", files); after != before {
		t.Errorf("undo left\n%s\nbefore it was\n%s", after, before)
	}
	says("sudo -n true; SUDO_USER=dev vmgo harden undo --user", "nothing was changed")
}

// TestHarden_namesOlderSessions: a session that was opened before has other limits, by a
// real logind and pam_limits.
func TestHarden_namesOlderSessions(t *testing.T) {
	t.Parallel()
	h := hardenHost(t)
	h.root("vmgo harden apply --only core-dumps >/dev/null")
	status := "vmgo harden status --only core-dumps"
	if got := h.root(status); !strings.Contains(got, "applied") || strings.Contains(got, "opened before") {
		t.Errorf("only root is logged in, with a session of now, and status says %s", got)
	}
	h.root("vmgo harden undo >/dev/null")
	h.ssh("", "tmux new-session -d") // outlives its connection
	h.root("vmgo harden apply --only core-dumps >/dev/null")
	if got := h.root(status); !strings.Contains(got, "1 session (dev) was opened before and has other limits: log in again") {
		t.Errorf("with dev's tmux of before status says %s", got)
	}
	h.ssh("", "tmux kill-server; tmux new-session -d")
	if got := h.root(status); strings.Contains(got, "opened before") {
		t.Errorf("with dev's tmux of now status says %s", got)
	}
}
