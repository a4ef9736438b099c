package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/fleet"
	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// bench is a network of hosts, some with vmgo, and this machine's vmgo-fleet.
type bench struct {
	*testing.T
	net *hosts.Net
	bin string
}

func newBench(t *testing.T, net *hosts.Net, others ...string) *bench {
	t.Helper()
	b := &bench{t, net, t.TempDir()}
	build := exec.Command("go", append([]string{"build", "-ldflags=-s -w", "-o", b.bin, ".", "./shims/vmgo-shim", "./cmd/vmgo-fleet"}, others...)...)
	build.Dir = "../../.."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return b
}

// install copies vmgo to host i, and a release of Go from a tree of a module proxy.
func (b *bench) install(i int) {
	b.Helper()
	for _, name := range []string{"vmgo", "vmgo-shim"} {
		b.copy(filepath.Join(b.bin, name), b.net.Path(i, "/usr/local/bin/"+name), 0o755)
	}
	settings := "GOPROXY=file:///srv/proxy\nGOSUMDB=" + b.proxy(i) + "\n"
	if err := os.MkdirAll(b.net.Path(i, "/root/.config/go"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(b.net.Path(i, "/root/.config/go/env"), []byte(settings), 0o644); err != nil {
		b.Fatal(err)
	}
	b.net.SSH(b, i, "vmgo install 1.22.5 1.22.6 && vmgo default --system 1.22.6")
}

// proxy puts the tree of a module proxy with two releases into /srv/proxy of host i,
// and returns the GOSUMDB that vouches for them.
func (b *bench) proxy(i int) string {
	b.Helper()
	server := vmtest.NewServer(b, vmtest.Options{Toolchains: []vmtest.Toolchain{{Version: "1.22.5"}, {Version: "1.22.6"}}})
	if err := server.WriteTree(b.net.Path(i, "/srv/proxy")); err != nil {
		b.Fatal(err)
	}
	return server.GOSUMDB()
}

func (b *bench) copy(from, to string, mode os.FileMode) {
	b.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, mode)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// fleet runs vmgo-fleet in the network of the hosts.
func (b *bench) fleet(words ...string) (stdout string, status int) {
	b.Helper()
	cmd := b.net.Command(filepath.Join(b.bin, "vmgo-fleet"), words...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	b.Logf("vmgo fleet %s: %v\n%s%s", strings.Join(words, " "), err, &out, &said)
	return out.String(), cmd.ProcessState.ExitCode()
}

// TestStatus_hosts looks at three hosts and one that is not there: one is well, one
// has a release and a setting that somebody changed, one has no vmgo.
func TestStatus_hosts(t *testing.T) {
	b := newBench(t, hosts.Up(t, 3))
	b.install(1)
	b.install(2)
	b.net.SSH(t, 2, "vmgo harden apply --only login-path && echo '# mine' >>/etc/profile.d/vmgo.sh && chmod u+w /opt/go/1.22.5/go.env && echo '# mine' >>/opt/go/1.22.5/go.env # that of 1.22.6 too")
	inventory := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(inventory, []byte("[lab]\nvm[1:3]\ngone ansible_host=10.99.8.77 ansible_ssh_common_args='-o ConnectTimeout=3'\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// Logins leave traces of their own in logs and in /run.
	const changed = "find / -xdev -newer /root/before -not -path '/root/before' -not -path '/var/log/*' -not -path '/proc/*' -type f"
	b.net.SSH(t, 1, "touch /root/before && sync")
	out, status := b.fleet("status", "-i", inventory, "lab", "--json")
	var report fleet.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || status != 5 || len(report.Hosts) != 4 {
		t.Fatalf("status %d, %v", status, err)
	}
	for i, want := range []string{fleet.Unreachable, fleet.OK, fleet.Problems, fleet.NoVmgo} {
		if got := report.Hosts[i]; got.State != want && !(i == 1 && doctorFailed(got)) {
			t.Errorf("%s is %s (%s), want %s", got.Host, got.State, got.Error, want)
		}
	}
	well, changedHost := report.Hosts[1], report.Hosts[2]
	if got := well.Toolchains(); got != "1.22.6 (default), 1.22.5" || well.OS != "Debian GNU/Linux 12 (bookworm)" || well.Check(fleet.Verify).Status != fleet.Pass {
		t.Errorf("vm1 has %s, %s, %+v", got, well.OS, well.Checks)
	}
	if v := changedHost.Check(fleet.Verify); v.Summary != "2 of 2 failed" || len(v.Findings) != 2 || v.Findings[1].ID != "1.22.5" || !strings.Contains(v.Findings[0].Summary, "go.env") {
		t.Errorf("vm2's verify: %+v", v)
	}
	if h := changedHost.Check(fleet.Harden); h.Summary != "1 drifted" || h.Findings[0].ID != "login-path" {
		t.Errorf("vm2's harden: %+v", h)
	}
	if got := b.net.SSH(t, 1, changed); got != "" {
		t.Errorf("files that are new on vm1:\n%s", got)
	}
	if out, status = b.fleet("status", "vm1", "vm3", "--only", "verify,harden"); status != 0 || !strings.Contains(out, "2 hosts: 1 ok, 1 without vmgo") {
		t.Errorf("status %d:\n%s", status, out)
	}
	if out, status = b.fleet("status", "10.99.8.77", "--timeout", "1s"); status != 4 || !strings.Contains(out, "10.99.8.77 has not answered within 1s") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// doctorFailed reports whether only doctor minds something: the machine is the test's.
func doctorFailed(h fleet.Host) bool {
	for _, c := range h.Checks {
		if c.Status == fleet.Fail && c.ID != fleet.Doctor {
			return false
		}
	}
	return h.State == fleet.Problems && h.Error == ""
}
