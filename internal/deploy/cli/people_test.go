package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hooked is what is added to the configuration: hooks that leave a trace, and a
// section whose deploys take long.
const hooked = `[hooks]
backup = [["sh", "-c", "echo backup >>/root/hooks"]]
migrate = [["sh", "-c", "echo up >>/root/hooks"]]
migrate_undo = [["sh", "-c", "echo down >>/root/hooks"]]
[env.slow.health]
window = "20s"
`

// TestDeploy_people deploys as a plain user with sudo, with hooks, beside somebody
// else, and stops in the middle.
func TestDeploy_people(t *testing.T) {
	long(t, "deploys that are interrupted at each step")
	b := newBench(t, 1)
	b.net.SSH(t, 1, `useradd -m dev && mkdir /home/dev/.ssh && cp /root/.ssh/authorized_keys /home/dev/.ssh && chown -R dev: /home/dev/.ssh &&
		echo 'dev ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/dev`)
	file := filepath.Join(b.project, "vmgo-deploy.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b.write(file, string(text)+hooked)
	const plain = "dev@vm1"
	b.trust(plain)
	if out, _, status := b.deploy("plan", plain); status != 0 || !strings.Contains(out, "backup: sh -c") || b.hooks() != "" {
		t.Errorf("the plan says %s; the hooks left %q", out, b.hooks())
	}
	b.apply(0, plain)
	if got := b.hooks(); got != "backup up" {
		t.Errorf("the hooks left %q", got)
	}
	b.version("v2", "crash")
	if r := b.apply(1, plain)[0]; r.Result.Result != "rolled-back" || b.hooks() != "backup up backup up down" {
		t.Errorf("%+v; the hooks left %q", r, b.hooks())
	}
	b.beside(plain)
	b.interrupted(plain)
}

func (b *bench) hooks() string {
	b.t.Helper()
	return strings.Join(strings.Fields(b.net.SSH(b.t, 1, "cat /root/hooks 2>/dev/null || true")), " ")
}

// beside has a second deployer come while a deploy is going on, whom Ctrl-C ends here.
func (b *bench) beside(target string) {
	t := b.t
	b.version("v3", "")
	cmd := b.deployCommand("apply", "--env", "slow", target)
	said := b.atStep(cmd, "watch it", func(first *os.Process) {
		if _, stderr, status := b.deploy("apply", target); status != 6 || !strings.Contains(stderr, "vmgo deploy by dev@") {
			t.Errorf("the second deployer is told, with status %d: %s", status, stderr)
		}
		if err := first.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	})
	if cmd.ProcessState.ExitCode() != 130 || !strings.Contains(said, "each host has the old release or the new one") {
		t.Errorf("after Ctrl-C: %v, %s", cmd.ProcessState, said)
	}
	b.oldOrNew("v1", "v3")
}

// interrupted ends this side at each step, by Ctrl-C and by SIGKILL.
func (b *bench) interrupted(target string) {
	before := "v3"
	for i, step := range []string{"building", "signed by", "note in", "rename", "restart app.service", "wait until", "record"} {
		for _, signal := range []os.Signal{os.Interrupt, os.Kill} {
			next := fmt.Sprintf("w%d-%d", i, signal)
			b.version(next, "")
			b.atStep(b.deployCommand("apply", target), step, func(p *os.Process) { _ = p.Signal(signal) }) // it may have ended
			before = b.oldOrNew(before, next)
		}
	}
	b.version("last", "")
	b.apply(0, target)
	b.oldOrNew("last", "last")
}

// oldOrNew waits until no deploy goes on, and returns which version answers.
func (b *bench) oldOrNew(old, next string) string {
	t := b.t
	t.Helper()
	b.net.SSH(t, 1, "while pgrep -f 'hos[t] (apply|switch|recover) app' >/dev/null; do sleep 0.1; done")
	s, says := b.status(), b.says(1)
	version, _, _ := strings.Cut(says, " ")
	if s.Pending != nil || s.Active != "active" || s.Healthy != "yes" || version != old && version != next {
		t.Errorf("%+v, says %q, want %s or %s", s, says, old, next)
	}
	return version
}
