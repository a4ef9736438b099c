package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/onhost"
)

// eventually waits until the service of host 1 answers so. The limit only ends what
// has failed.
func (b *bench) eventually(want string) {
	b.t.Helper()
	got := ""
	for limit := time.Now().Add(3 * time.Minute); time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		got = b.net.SSH(b.t, 1, "curl -s -m 20 -o /dev/stdout -w ' %{http_code} %header{retry-after}' http://127.0.0.1:8080/ || true")
		if strings.Contains(got, want) {
			return
		}
	}
	b.t.Fatalf("the service says %q, want %q\n%s", got, want, b.net.SSH(b.t, 1, "systemctl list-units --all --no-pager 'app*'; journalctl --no-pager -n 60"))
}

// status waits until no switch is going on: what goes back still watches the release
// that answers already.
func (b *bench) status() onhost.Status {
	b.t.Helper()
	s := b.statusNow()
	for limit := time.Now().Add(3 * time.Minute); s.Pending != nil && time.Now().Before(limit); s = b.statusNow() {
	}
	return s
}

func (b *bench) statusNow() onhost.Status {
	b.t.Helper()
	out, _, _ := b.deploy("status", "--json", "vm1")
	var answer struct {
		Hosts []struct{ Answer onhost.Status }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Hosts) != 1 {
		b.t.Fatalf("%v in %s", err, out)
	}
	return answer.Hosts[0].Answer
}

// took returns the seconds between two lines of the service on host 1: the first that
// contains from, and the first one after it that contains to.
func (b *bench) took(from, to string) float64 {
	b.t.Helper()
	var begin float64
	journal := b.net.SSH(b.t, 1, "journalctl --no-pager -o short-unix -u app.service")
	for line := range strings.Lines(journal) {
		stamp, text, _ := strings.Cut(line, " ")
		at, err := strconv.ParseFloat(stamp, 64)
		if err != nil {
			continue // a line of journalctl's own
		}
		if begin != 0 && strings.Contains(text, to) {
			return at - begin
		}
		if begin == 0 && strings.Contains(text, from) {
			begin = at
		}
	}
	b.t.Fatalf("the journal has no %q after %q:\n%s", to, from, journal)
	return 0
}

// TestSelfHealing lets a release crash over and over after its deploy, then the
// one before it too, while nobody of us is there.
func TestSelfHealing(t *testing.T) {
	long(t, "a service that crashes until systemd gives up")
	b := newBench(t, 1)
	b.trust("vm1")
	b.apply(0, "vm1")
	b.version("v2", "")
	bad := b.apply(0, "vm1")[0].To
	b.net.SSH(t, 1, "touch /etc/app-crash-v2 && systemctl kill --kill-whom=main -s KILL app.service")
	b.eventually("v1 57MiB")
	if s := b.status(); s.RolledBack != bad || s.Page || s.Pending != nil {
		t.Errorf("after the first crash loop: %+v", s)
	}
	t.Logf("%.1f s from the first crash to the release before", b.took("late boom of v2", "serving as v1"))
	b.net.SSH(t, 1, "touch /etc/app-crash-v1 && systemctl kill --kill-whom=main -s KILL app.service")
	b.eventually("Maintenance")
	if s := b.status(); !s.Page || s.Pending != nil {
		t.Errorf("after the second crash loop: %+v", s)
	}
	b.version("v3", "")
	b.apply(0, "vm1")
	b.eventually("v3 57MiB")
	if s := b.status(); s.Page || s.RolledBack != "" {
		t.Errorf("after the next deploy: %+v", s)
	}
	b.killed("v4", "v3")
}

// killed ends the host's side by SIGKILL after each step of a deploy.
func (b *bench) killed(next, before string) {
	t := b.t
	b.version(next, "")
	for _, step := range []string{"note in", "rename", "restart app.service", "wait until", "watch it"} {
		said := b.atStep(b.deployCommand("apply", "vm1"), step, func(*os.Process) {
			b.net.SSH(t, 1, "systemctl kill --kill-whom=main -s KILL 'vmgo-deploy-app-*.service' 2>/dev/null || true")
		})
		s := b.status()
		says := b.says(1)
		if s.Pending != nil || s.Active != "active" || s.Healthy != "yes" || !strings.HasPrefix(says, before) && !strings.HasPrefix(says, next) {
			t.Errorf("killed: %+v, says %q\n%s", s, says, said)
		}
		if strings.HasPrefix(says, next) {
			b.version(next+"x", "") // the kill came too late
			before, next = next, next+"x"
		}
	}
}

// atStep runs a deploy, calls f when it says a step, and returns what it said until
// it ended, in whatever way.
func (b *bench) atStep(cmd *exec.Cmd, step string, f func(*os.Process)) string {
	b.t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	var said strings.Builder
	buf := make([]byte, 4096)
	for n := 0; err == nil; n, err = stderr.Read(buf) {
		said.Write(buf[:n])
		if step != "" && strings.Contains(said.String(), step) {
			step = "" // once
			f(cmd.Process)
		}
	}
	_ = cmd.Wait() // the caller looks at its state
	return said.String()
}
