package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/observe"
	"github.com/vmgo/vmgo/internal/observe/findings"
	"github.com/vmgo/vmgo/internal/observe/journal"
	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

const unit = `[Unit]
Description=a service to observe
[Service]
ExecStart=/usr/local/bin/observe-sample -rate 100 -fault lock
User=www-data
Environment=API_TOKEN=opensesame42
SyslogIdentifier=sample
`

// TestSystemd has a real systemd run the sample service with the socket that harden
// made, and records it there and by ssh.
func TestSystemd(t *testing.T) {
	t.Parallel()
	net := hosts.Up(t, 1)
	program := programs(t, net)
	if err := os.WriteFile(net.Path(1, "/etc/systemd/system/observe-sample.service"), []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	net.SSH(t, 1, "systemctl daemon-reload && systemctl start observe-sample")
	net.SSH(t, 1, "vmgo harden service observe-sample --observe --apply && systemctl restart observe-sample")
	if got := net.SSH(t, 1, "stat -c '%a %U' /run/vmgo-observe/observe-sample.sock; ss -Hlt sport != 22 2>/dev/null | wc -l"); got != "600 www-data\n0\n" {
		t.Errorf("the socket, and how many listen on TCP: %q", got)
	}
	net.SSH(t, 1, "vmgo observe observe-sample --seconds 3 --out /root/capture --quiet")
	inspect(t, net.Path(1, "/root/capture"))
	// The service's own user needs no root.
	net.SSH(t, 1, "cd /tmp && runuser -u www-data -- vmgo observe observe-sample --seconds 1 --quiet --out /tmp/own.html && test -s /tmp/own.html")
	if got := net.SSH(t, 1, "runuser -u nobody -- curl -s --unix-socket /run/vmgo-observe/observe-sample.sock http://x/debug/pprof/ || echo refused"); got != "refused\n" {
		t.Errorf("another user reads %q", got)
	}
	byssh(t, net, program)
	interrupted(t, net, program)
	net.SSH(t, 1, "systemctl stop observe-sample-observe.socket && vmgo harden undo --only observe:observe-sample && systemctl restart observe-sample && ! test -e /run/vmgo-observe/observe-sample.sock")
}

// programs builds vmgo, vmgo-observe and the sample, and puts them onto the host.
func programs(t *testing.T, net *hosts.Net) (program string) {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-o", dir, "../../..", "../../../cmd/vmgo-observe")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, from := range []string{dir + "/vmgo", dir + "/vmgo-observe", sample(t)} {
		to := net.Path(1, "/usr/local/bin/"+filepath.Base(from))
		if out, err := exec.Command("install", "-m", "755", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return dir + "/vmgo-observe"
}

func decoded(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inspect looks at what was recorded of the service.
func inspect(t *testing.T, dir string) {
	t.Helper()
	private(t, dir)
	var found []findings.Finding
	decoded(t, dir+"/findings.json", &found)
	if i := slices.IndexFunc(found, func(f findings.Finding) bool { return f.ID == "locks" }); i < 0 || i > 1 {
		t.Errorf("the lock is not among the first two: %+v", found)
	}
	var lines []journal.Line
	decoded(t, dir+"/journal.json", &lines)
	if !slices.ContainsFunc(lines, func(l journal.Line) bool {
		return l.Message == "order served" && len(l.TraceID) == 32 && l.Fields["ORDER"] != "" && l.Took() > 0 && strings.Contains(l.Place, "main.go:")
	}) {
		t.Errorf("the journal lacks the service's lines: %d lines", len(lines))
	}
	var about observe.Metadata
	decoded(t, dir+"/metadata.json", &about)
	if e := about.Target.Endpoint; e == nil || e.Address != "/run/vmgo-observe/observe-sample.sock" || !e.Flight || about.Target.Unit != "observe-sample.service" || about.Events == 0 {
		t.Errorf("%+v", about.Target)
	}
	page, err := os.ReadFile(dir + "/report.html")
	if err != nil || bytes.Contains(page, []byte("opensesame42")) {
		t.Errorf("the page tells a secret, or there is none: %v", err)
	}
}

// byssh records from another machine: this one.
func byssh(t *testing.T, net *hosts.Net, program string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "by ssh")
	cmd := net.Command(program, "observe-sample", "--host", "vm1", "--seconds", "2", "--out", out)
	if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), "it is removed when the capture ends") {
		t.Fatalf("%v\n%s", err, text)
	}
	inspect(t, out)
	if got := net.SSH(t, 1, "ls -d /tmp/vmgo-observe.* /var/tmp/vmgo-observe.* 2>/dev/null || true"); got != "" {
		t.Errorf("on the host stays %q", got)
	}
	missing := net.Command(program, "nothing-of-this-name", "--host", "vm1", "--out", out+"2")
	if text, err := missing.CombinedOutput(); err == nil || !strings.Contains(string(text), "systemd knows no unit nothing-of-this-name.service [failure]") {
		t.Errorf("%v\n%s", err, text)
	}
}

// interrupted sends a Ctrl-C to a long capture by ssh: what there is arrives.
func interrupted(t *testing.T, net *hosts.Net, program string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "interrupted")
	cmd := net.Command(program, "observe-sample", "--host", "vm1", "--seconds", "600", "--out", out)
	talk, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	buf := make([]byte, 4096)
	for signalled := false; ; {
		n, err := talk.Read(buf)
		said.Write(buf[:n])
		if !signalled && strings.Contains(said.String(), "recording for 600s") {
			signalled = true
			// A capture of less than a second has nothing: let one pass on the host.
			net.SSH(t, 1, "sleep 1.2")
			_ = cmd.Process.Signal(os.Interrupt)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("exit status %d\n%s", status, said.String())
	}
	var about observe.Metadata
	decoded(t, out+"/metadata.json", &about)
	if !about.Interrupted || about.Seconds > 300 {
		t.Errorf("%+v", about)
	}
	if got := net.SSH(t, 1, "ls -d /tmp/vmgo-observe.* 2>/dev/null || true"); got != "" {
		t.Errorf("on the host stays %q", got)
	}
}
