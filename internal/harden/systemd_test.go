package harden

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/passwd"
)

// liveTest makes this binary run the part of TestSystemd that is inside.
const liveTest = "VMGO_TEST_LIVE"

// TestSystemd boots a Debian's own systemd as the first process of a few
// namespaces and lets harden work on that machine: units are reloaded, started
// and stopped for real.
func TestSystemd(t *testing.T) {
	root := debianTree(t, "bookworm")
	exe, err := os.Executable()
	must(t, err)
	command(t, "cp", exe, root+"/harden.test")
	must(t, os.MkdirAll(root+"/home/dev", 0o755))
	must(t, os.Chown(root+"/home/dev", 1000, 1000))
	must(t, os.MkdirAll(root+"/var/lib/app", 0o755))
	must(t, os.Chown(root+"/var/lib/app", 33, 33))
	const addr = "127.0.0.1:8080" // of a network of its own
	write(t, root+"/etc/systemd/system/app.service", "[Unit]\nDescription=an app\n[Service]\nExecStart=/harden.test\n"+
		"Environment="+serveAt+"="+addr+"\nUser=www-data\n")
	write(t, root+"/etc/systemd/system/harden-test.service", `[Unit]
Description=the test inside
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
Environment=`+liveTest+`=`+addr+`
ExecStart=/harden.test -test.run ^TestLiveInside$ -test.v -test.timeout 8m
StandardOutput=file:/harden-test.log
StandardError=inherit
`)
	must(t, os.Symlink("/etc/systemd/system/harden-test.service", root+"/etc/systemd/system/multi-user.target.wants/harden-test.service"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	boot := exec.CommandContext(ctx, "testdata/boot.sh", root)
	out, bootErr := boot.CombinedOutput()
	log, err := os.ReadFile(root + "/harden-test.log")
	if err != nil {
		t.Skipf("systemd cannot be booted in namespaces here: %v (%v)\n%s", bootErr, err, out)
	}
	t.Logf("inside:\n%s", log)
	if !strings.Contains(string(log), "\nPASS\n") {
		t.Error("the test inside failed")
	}
}

// cacheItem is gocache-tmpfs without its demands on the machine's memory.
func cacheItem() Item {
	return Item{ID: "cache", What: "a cache in memory", Desired: func(m *Machine) (Desired, error) {
		user := passwd.Account{Name: "dev", Home: "/home/dev", UID: 1000, GID: 1000}
		where := "/home/dev/.cache/go-build"
		unit := escapePath(where) + ".mount"
		mode := Value{Present: true, Mode: 0o700, UID: 1000, GID: 1000}
		return Desired{Wants: []Want{
			{Kind: Dir, Target: filepath.Dir(where), Value: mode},
			{Kind: Dir, Target: where, Value: mode},
			m.file("/etc/systemd/system/"+unit, gocacheUnit(user, where, 8<<20)),
			link("/etc/systemd/system/local-fs.target.wants/"+unit, "/etc/systemd/system/"+unit),
			running(unit),
		}}, nil
	}}
}

func TestLiveInside(t *testing.T) {
	addr := os.Getenv(liveTest)
	if addr == "" {
		t.Skip("this part runs inside of the machine that TestSystemd boots")
	}
	m, err := Running(host.OS())
	must(t, err)
	if !m.Systemd() {
		t.Fatal("systemd is not in charge")
	}
	service, err := NewService(Service{Name: "app", Memory: 512 << 20, CPUs: 1.5, Sandbox: true, Write: []string{"/var/lib/app"}})
	must(t, err)
	e := &Engine{Machine: m, Items: slices.Concat(Catalogue(), service.Items(), []Item{cacheItem()})}
	sel := Selection{Only: []string{"service-limits", "core-dumps", "login-path", "service:app", "sandbox:app", "cache"}, Profile: Dev}
	before := liveSnapshot(t)
	limits := show(t, "--property=DefaultLimitNOFILE,DefaultLimitCORE")
	command(t, "systemctl", "start", "app")
	open := ask(t, addr)
	if !strings.Contains(open, "GOMEMLIMIT=9223372036854775807") {
		t.Fatalf("without limits the app says %s", open)
	}

	res, err := e.Apply(t.Context(), sel, nil, nil)
	must(t, err)
	if len(res.Warnings) > 0 {
		t.Errorf("warnings %q", res.Warnings)
	}
	if reason := strangerReason(t, m, "service:app"); !strings.Contains(reason, "was started before and has no GOMEMLIMIT=460MiB: systemctl restart app") {
		t.Errorf("before the restart of the app its status says %q", reason)
	}
	command(t, "systemctl", "restart", "app")
	want := fmt.Sprintf("GOMEMLIMIT=%d GOMAXPROCS=2 /tmp=true /etc=false /var/lib/app=true /home/dev=false interfaces=true", 460<<20)
	if got := ask(t, addr); got != want {
		t.Errorf("limited and sandboxed the app says %s, want %s", got, want)
	}
	if reason := strangerReason(t, m, "service:app"); !strings.HasSuffix(reason, " runs with GOMEMLIMIT=460MiB and GOMAXPROCS=2") {
		t.Errorf("after the restart of the app its status says %q", reason)
	}
	if got := show(t, "--property=DefaultLimitNOFILE,DefaultLimitCORE"); !strings.Contains(got, "DefaultLimitNOFILE=1048576") || !strings.Contains(got, "DefaultLimitCORE=0") {
		t.Errorf("the manager says %s", got)
	}
	if got := show(t, "app", "--property=MemoryMax,MemoryHigh,CPUQuotaPerSecUSec"); !strings.Contains(got, "MemoryMax=536870912") || !strings.Contains(got, "CPUQuotaPerSecUSec=1.5") {
		t.Errorf("the service has %s", got)
	}
	if !mounted(t, "/home/dev/.cache/go-build") {
		t.Error("the cache is not mounted")
	}
	must(t, os.WriteFile("/home/dev/.cache/go-build/object", []byte("x"), 0o644))
	liveStatus(t, e, sel)
	liveOverride(t, e, m)

	res, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	if len(res.Warnings) > 0 {
		t.Errorf("warnings %q", res.Warnings)
	}
	command(t, "systemctl", "restart", "app")
	if got := ask(t, addr); got != open {
		t.Errorf("after undo the app says %s, before it said %s", got, open)
	}
	if got := show(t, "--property=DefaultLimitNOFILE,DefaultLimitCORE"); got != limits {
		t.Errorf("after undo the manager says %s, before it said %s", got, limits)
	}
	if mounted(t, "/home/dev/.cache/go-build") {
		t.Error("the cache is still mounted")
	}
	if got := differences(before, liveSnapshot(t)); len(got) > 0 {
		t.Errorf("undo left %q", got)
	}
}

// liveStatus looks at a second apply, at what a container must refuse, and at
// drift of something that runs.
func liveStatus(t *testing.T, e *Engine, sel Selection) {
	t.Helper()
	res, err := e.Apply(t.Context(), sel, nil, nil)
	must(t, err)
	if len(res.Plan.Changes) > 0 {
		t.Errorf("the second apply would change %+v", res.Plan.Changes)
	}
	for _, item := range res.Plan.Items {
		t.Logf("%-14s %-14s %s %q", item.ID, item.State, item.Reason, item.Notes)
		switch {
		case slices.Contains(sel.Only, item.ID) && item.State != Applied:
			t.Errorf("%s is %s (%s)", item.ID, item.State, item.Reason)
		case item.ID == "inotify" && item.State != NotApplicable && !strings.Contains(item.Reason, "read-only"):
			t.Errorf("%s is %s (%s) though /proc/sys is read-only", item.ID, item.State, item.Reason)
		case item.ID == "time-sync" && item.State != NotApplicable:
			t.Errorf("%s is %s in a container", item.ID, item.State)
		}
	}
	command(t, "umount", "/home/dev/.cache/go-build")
	items, err := e.Status(sel)
	must(t, err)
	for _, item := range items {
		if item.ID == "cache" && item.State != Drifted {
			t.Errorf("the cache was unmounted and is %s", item.State)
		}
	}
	_, err = e.Apply(t.Context(), Selection{Only: []string{"cache"}}, nil, nil)
	must(t, err)
	if !mounted(t, "/home/dev/.cache/go-build") {
		t.Error("the cache is not mounted again")
	}
}

// strangerReason returns what an engine that only knows the catalogue says of a service.
func strangerReason(t *testing.T, m *Machine, id string) string {
	t.Helper()
	_, reason := stateOf(t, &Engine{Machine: m, Items: Catalogue()}, Selection{Only: []string{id}})
	return reason
}

// liveOverride writes a drop-in that systemd reads after ours.
func liveOverride(t *testing.T, e *Engine, m *Machine) {
	t.Helper()
	const local = "/etc/systemd/system/app.service.d/90-local.conf"
	write(t, local, "[Service]\nEnvironment=GOMEMLIMIT=2GiB\nMemoryMax=1G\n")
	command(t, "systemctl", "daemon-reload")
	for name, engine := range map[string]*Engine{"with its item": e, "by the ledger": {Machine: m, Items: Catalogue()}} {
		state, reason := stateOf(t, engine, Selection{Only: []string{"service:app"}})
		for _, want := range []string{"MemoryMax is 1073741824, not 536870912: " + local + ":3 wins", local + ":2 also sets GOMEMLIMIT"} {
			if state != Overridden || !strings.Contains(reason, want) {
				t.Errorf("%s: the app is %s (%s), want %q", name, state, reason, want)
			}
		}
	}
	must(t, os.Remove(local))
	command(t, "systemctl", "daemon-reload")
}

func liveSnapshot(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range []string{"/etc", "/home", "/usr/local", "/var/lib/vmgo"} {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		for path, text := range snapshot(t, dir) {
			all[dir+path] = text
		}
	}
	return all
}

func show(t *testing.T, args ...string) string {
	t.Helper()
	return command(t, "systemctl", append([]string{"show"}, args...)...)
}

func mounted(t *testing.T, dir string) bool {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	return strings.Contains(string(data), " "+dir+" ")
}

// ask gets the app's answer; it may still be starting.
func ask(t *testing.T, addr string) string {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for {
		res, err := http.Get("http://" + addr + "/")
		if err == nil {
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			must(t, err)
			return string(body)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the app does not answer: %v\n%s", err, command(t, "sh", "-c", "systemctl status app; journalctl -u app --no-pager | tail -20"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}
