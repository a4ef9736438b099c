package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

const sessionRelease, otherRelease = "1.22.5", "1.26.8"

// sessionHost is a Debian host with sshd, two releases in its own store, a
// project for each, and a user whose bash loads the hook.
type sessionHost struct {
	t   *testing.T
	net *hosts.Net
}

func newSessionHost(t *testing.T, suite string) sessionHost {
	t.Helper()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("a host with sshd and cron takes minutes: ./test.sh --long")
	}
	proxies := proxyOrSkip(t)
	h := sessionHost{t, hosts.UpWith(t, hosts.Options{Suite: suite}, 1)}
	image := t.TempDir()
	build := exec.Command("go", "build", "-o", h.net.Path(1, "/usr/local/bin/"), ".", "./shims/vmgo-shim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Mkdir(image+"/opt", 0o755); err != nil {
		t.Fatal(err)
	}
	install := exec.Command(h.net.Path(1, "/usr/local/bin/vmgo"), "install", "--root", image, sessionRelease, otherRelease)
	install.Env = append(networkEnv(), "HOME="+t.TempDir(), "PATH=/usr/bin:/bin", "GOPROXY="+proxies)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("cp", "-a", image+"/opt/go", h.net.Path(1, "/opt/")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	h.root(`useradd -m -s /bin/bash dev
cp -r /root/.ssh /home/dev/
for v in ` + sessionRelease + ` ` + otherRelease + `; do mkdir -p /srv/$v; echo $v >/srv/$v/.go-version; done
chown -R dev: /home/dev /srv
echo 'dev ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/dev
loginctl enable-linger dev 2>/dev/null || true`)
	h.put("/home/dev/.go-version", "1.19.3\n") // is not installed: the hook would say so
	return h
}

func (h sessionHost) root(script string) string {
	h.t.Helper()
	return h.net.SSH(h.t, 1, script)
}

func (h sessionHost) put(path, text string) {
	h.t.Helper()
	if err := os.WriteFile(h.net.Path(1, path), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// ssh runs ssh as the user, with words after its name, and input.
func (h sessionHost) ssh(input string, words ...string) string {
	h.t.Helper()
	i := 0
	for i < len(words) && strings.HasPrefix(words[i], "-") {
		i++
	}
	args := append(append(append([]string{}, words[:i]...), "dev@"+hosts.Address(1)), words[i:]...)
	cmd := h.net.Command(filepath.Join(h.net.Bin(), "ssh"), args...)
	cmd.Stdin = strings.NewReader(input)
	out, _ := cmd.CombinedOutput() // what go says decides
	return string(out)
}

// interactive types lines into a login shell on a terminal.
func (h sessionHost) interactive(lines ...string) string {
	h.t.Helper()
	return h.ssh(strings.Join(lines, "\n")+"\nexit\n", "-tt")
}

// crontab returns what a job of the user prints, at the next full minute; first
// is the line before it.
func (h sessionHost) crontab(first string) string {
	h.t.Helper()
	h.root("pgrep -x cron >/dev/null || systemctl start cron")
	job := "* * * * * cd /srv/" + sessionRelease + " && go version >/home/dev/cron.new 2>&1; mv /home/dev/cron.new /home/dev/cron.out"
	h.ssh(first+"\n"+job+"\n", "crontab", "-")
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if data, err := os.ReadFile(h.net.Path(1, "/home/dev/cron.out")); err == nil {
			return string(data)
		}
		if time.Now().After(end) {
			h.t.Fatal("cron runs no job")
		}
	}
}

// unit runs go version as a transient systemd unit of root.
func (h sessionHost) unit(properties string) string {
	h.t.Helper()
	return h.root("systemd-run --quiet --wait --pipe -p User=dev -p WorkingDirectory=/srv/" + sessionRelease + " " + properties +
		" sh -c 'go version' 2>&1 || true")
}

// TestSessions_real runs go in each kind of session that a Debian host has, with
// the shims for all users and then with those of one user, as the table in
// docs/hook.md says.
func TestSessions_real(t *testing.T) {
	h := newSessionHost(t, "bookworm")
	const inProject = "cd /srv/" + sessionRelease + " && "
	sessions := []struct {
		name  string
		mine  bool                     // finds ~/.local/bin without more
		run   func(line string) string // line is what docs/hook.md has a user add for ~/.local/bin
		added string
	}{
		{"ssh host command", false, func(string) string { return h.ssh("", inProject+"go version") }, ""},
		{"login shell", true, func(string) string { return h.ssh("", "bash -lc '"+inProject+"go version'") }, ""},
		{"su -", true, func(string) string { return h.root("su - dev -c '" + inProject + "go version' 2>&1 || true") }, ""},
		{"sudo", false, func(string) string { return h.ssh("", inProject+"sudo go version") }, "no"},
		{"systemd unit", false, h.unit, "-p Environment=PATH=/home/dev/.local/bin:/usr/bin:/bin"},
	}
	want := "go version go" + sessionRelease + " linux"
	h.root("vmgo shims")
	for _, s := range sessions {
		if out := s.run(""); !strings.Contains(out, want) {
			t.Errorf("%s, shims for all: %s", s.name, out)
		}
	}
	if out := h.crontab("PATH=/usr/local/bin:/usr/bin:/bin"); !strings.Contains(out, want) {
		t.Errorf("crontab -e, shims for all: %s", out)
	}

	h.root("vmgo shims --remove")
	h.ssh("", "vmgo shims")
	for _, s := range sessions {
		if out := s.run(""); strings.Contains(out, want) != s.mine {
			t.Errorf("%s, a user's shims: %s", s.name, out)
		}
		if s.added != "" && s.added != "no" {
			if out := s.run(s.added); !strings.Contains(out, want) {
				t.Errorf("%s with %s: %s", s.name, s.added, out)
			}
		}
	}
	h.root(`sed -i '1i export PATH=~/.local/bin:$PATH' /home/dev/.bashrc`)
	if out := h.ssh("", inProject+"go version"); !strings.Contains(out, want) {
		t.Errorf("ssh host command with the line in .bashrc: %s", out)
	}
}

// TestSessions_hook has a user whose bash loads the hook: a session without a
// prompt is as quiet as without it, and one with a prompt has the release, also
// in a pane of tmux that was started in another project.
func TestSessions_hook(t *testing.T) {
	h := newSessionHost(t, "bookworm")
	h.root(`sed -i '1i eval "$(vmgo hook bash)"' /home/dev/.bashrc`) // above the test for an interactive shell
	if out := h.ssh("", "true"); out != "" {
		t.Errorf("ssh host true prints %q", out)
	}
	sftp := h.net.Command(filepath.Join(h.net.Bin(), "sftp"), "-q", "-b", "-", "dev@"+hosts.Address(1))
	sftp.Stdin = strings.NewReader("get .go-version " + t.TempDir() + "/got\n")
	if out, err := sftp.CombinedOutput(); err != nil || string(out) != "sftp> get .go-version "+strings.Fields(string(out))[3]+"\n" {
		t.Errorf("sftp: %v: %q", err, out)
	}

	out := h.interactive("cd /srv/"+sessionRelease, "go version; echo at $GOROOT.", "cd /", "echo at $GOROOT.")
	for _, want := range []string{"go version go" + sessionRelease + " linux", "at /opt/go/" + sessionRelease + ".", "at .\r\n", "go 1.19.3 is not installed"} {
		if !strings.Contains(out, want) {
			t.Errorf("a login shell lacks %q: %s", want, out)
		}
	}
	h.interactive("cd /srv/"+otherRelease, "tmux new-session -d -s vm -c /srv/"+sessionRelease)
	h.ssh("", "tmux send-keys -t vm 'go version >pane; tmux wait-for -S ran' Enter && timeout 120 tmux wait-for ran")
	if out := h.root("cat /srv/" + sessionRelease + "/pane"); !strings.Contains(out, "go"+sessionRelease+" ") {
		t.Errorf("a pane of tmux in another project than its server runs %s", out)
	}
	out = h.root(`printf 'cd /srv/` + sessionRelease + `\ngo version\nexit\n' | script -qec 'su - dev' /dev/null`)
	if !strings.Contains(out, "go version go"+sessionRelease+" ") {
		t.Errorf("su -: %s", out)
	}
}
