package cli

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/deploy/rollout"
)

func TestDeploy(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	if runtime.GOARCH != strings.TrimSpace(rollout.Arch(b.net.SSH(t, 1, "uname -m"))) {
		t.Skip("this test binary is not of the machine's architecture")
	}
	before := b.snapshot(1)
	if out, _, status := b.deploy("plan", "vm1"); status != 1 || !strings.Contains(out, "trusts no signing key") {
		t.Errorf("a plan for a host without trust: %d", status)
	}
	if _, stderr, status := b.deploy("apply", "vm1"); status != 5 || !strings.Contains(stderr, "vmgo deploy trust vm1") {
		t.Errorf("apply without trust: %d", status)
	}
	if after := b.snapshot(1); after != before {
		t.Errorf("a plan changed the host:\n%s\nwas\n%s", after, before)
	}
	b.trust()
	b.first()
	b.second()
	b.faulty()
	b.verbs()
	if os.Getenv("VMGO_LONG") != "" {
		b.version("v4", "")
		b.guide()
	}
}

// first deploys onto hosts that have nothing.
func (b *bench) first() {
	t := b.t
	out, _, status := b.deploy("plan", "--json")
	if status != 0 || !strings.Contains(out, "GOMEMLIMIT=57MiB") || !strings.Contains(out, "rename /opt/app/current") {
		t.Errorf("the plan says %s", out)
	}
	for _, r := range b.apply(0) {
		if r.Result.Result != "deployed" || r.From != "" || r.To == "" {
			t.Errorf("%+v", r)
		}
	}
	for host := 1; host <= 2; host++ {
		if got := b.says(host); got != "v1 57MiB" {
			t.Errorf("host %d says %q", host, got)
		}
	}
	if r := b.apply(0)[0]; r.Result.Result != "unchanged" {
		t.Errorf("again: %+v", r)
	}
}

// second deploys a change of one line while requests come in.
func (b *bench) second() {
	t := b.t
	b.version("v2", "")
	var results []rollout.HostResult
	c := b.underLoad(func() { results = b.apply(0) })
	if c.OK == 0 || c.OK != c.Sent {
		t.Errorf("while it was deployed: %+v", c)
	}
	info, err := os.Stat(b.net.Path(1, "/opt/app/current/bin/app"))
	if err != nil {
		t.Fatal(err)
	}
	share := 100 * float64(results[0].Bytes) / float64(info.Size())
	t.Logf("%+v; %d bytes sent for a change of one line, %.1f %% of the program; %.1f s", c, results[0].Bytes, share, results[0].Seconds)
	if share >= 15 {
		t.Errorf("%.1f %% of the program were sent", share)
	}
	if got := b.says(2); got != "v2 57MiB" {
		t.Errorf("host 2 says %q", got)
	}
}

// faulty deploys what crashes, and what is never healthy.
func (b *bench) faulty() {
	t := b.t
	for _, fault := range []string{"crash", "sick"} {
		b.version("v3", fault)
		results := b.apply(1)
		first := results[0]
		if first.Result.Result != "rolled-back" || results[1].Result.Result != "not-reached" {
			t.Errorf("%s: %+v", fault, results)
		}
		text := strings.Join(first.Journal, "\n")
		if fault == "crash" && (!strings.Contains(text, "boom of v3") || !strings.Contains(first.Reason, "crashed")) {
			t.Errorf("the report has the journal %q", text)
		}
		if fault == "crash" {
			t.Logf("%.1f s from the first crash to the release before", b.took("boom of v3", "serving as v2"))
		}
		if strings.Contains(text, "v2") || fault == "sick" && !strings.Contains(first.Reason, "503") {
			t.Errorf("%s: reason %q, journal %q", fault, first.Reason, text)
		}
		for host := 1; host <= 2; host++ {
			if got := b.says(host); got != "v2 57MiB" {
				t.Errorf("%s: host %d says %q", fault, host, got)
			}
		}
		t.Logf("%s: back %.1f s after the deploy began", fault, first.Seconds)
	}
}

func (b *bench) verbs() {
	t := b.t
	for _, c := range []struct{ command, want string }{
		{"status", `vm1: \S+, active, healthy: yes`}, {"history vm1", "rolled-back"}, {"logs vm1", ": boom of v3"}, {"logs vm1", "deployed: "}, {"exec vm1 -- pwd -P", "vm1 | /opt/app/releases/"},
	} {
		want := strings.ReplaceAll(c.want, `\S+`, "")
		out, _, status := b.deploy(strings.Fields(c.command)...)
		parts := strings.SplitN(want, ": ,", 2)
		for _, part := range parts {
			if status != 0 || !strings.Contains(out, part) {
				t.Errorf("%s: %d, no %q", c.command, status, part)
			}
		}
	}
	b.kept()
	b.archives()
	if _, _, status := b.deploy("rollback", "vm1"); status != 0 || b.says(1) != "v1 57MiB" {
		t.Errorf("after a rollback host 1 says %q", b.says(1))
	}
	if out := b.net.SSH(t, 1, "journalctl -t vmgo-deploy -o export"); !strings.Contains(out, "VMGO_DEPLOY_WHO=dev@") || !strings.Contains(out, "VMGO_DEPLOY_ACT=rolled-back") {
		t.Errorf("the journal has %s", out)
	}
	if _, _, status := b.deploy("remove", "vm2"); status != 0 {
		t.Error("remove failed")
	}
	if out := b.net.SSH(t, 2, "ls -d /opt/app /etc/systemd/system/app* /etc/systemd/system/*/app* 2>/dev/null; systemctl is-active app.service app.socket; true"); out != "inactive\ninactive\n" {
		t.Errorf("after remove: %s", out)
	}
}
