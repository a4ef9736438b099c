package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/rollout"
	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// loadURL makes this binary send requests on new connections until its stdin ends.
const loadURL = "VMGO_TEST_LOAD"

func TestMain(m *testing.M) {
	if url := os.Getenv(loadURL); url != "" {
		load(url)
		return
	}
	os.Exit(m.Run())
}

// counts are the answers. Broken are connections that ended without one.
type counts struct{ Sent, OK, Refused, Broken int }

func load(url string) {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	results := make(chan counts)
	const clients = 4
	for range clients {
		go func() {
			var c counts
			for {
				select {
				case <-ended:
					results <- c
					return
				default:
				}
				c.Sent++
				response, err := client.Get(url)
				if errors.Is(err, syscall.ECONNREFUSED) {
					c.Refused++
				} else if err != nil {
					c.Broken++
					fmt.Fprintln(os.Stderr, err)
				}
				if err != nil {
					continue
				}
				if response.StatusCode == http.StatusOK {
					c.OK++
				}
				response.Body.Close()
			}
		}()
	}
	var all counts
	for range clients {
		c := <-results
		all = counts{all.Sent + c.Sent, all.OK + c.OK, all.Refused + c.Refused, all.Broken + c.Broken}
	}
	_ = json.NewEncoder(os.Stdout).Encode(all)
}

// server is the program that is deployed. It says its version, and serves as
// docs/deploy.md tells.
const server = `package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/app/drain"
)

const version, fault = "VERSION", "FAULT"

func main() {
	if fault == "crash" {
		fmt.Println("boom of", version)
		os.Exit(3)
	}
	if _, err := os.Stat("/etc/app-crash-" + version); err == nil {
		fmt.Println("late boom of", version)
		os.Exit(4)
	}
	listeners, err := drain.Sockets(os.Getenv("LISTEN_FDS"))
	if err != nil {
		panic(err)
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" && fault == "sick" {
			w.WriteHeader(503)
		}
		fmt.Fprintln(w, version, os.Getenv("GOMEMLIMIT"))
	})}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	fmt.Println("serving as", version)
	if err := drain.Serve(ctx, server, 20*time.Second, listeners...); err != nil {
		fmt.Println(err)
	}
}
`

const configuration = `name = "app"
build = "."
files = ["static/**"]
hosts = ["vm1", "vm2"]
listen = ["8080"]
[health]
url = "http://127.0.0.1:8080/health"
deadline = "10s"
window = "1s"
[limits]
memory = "64M"
[signing]
key = "KEY"
[logs]
schedule = "daily"
upload = ["cp", "{file}", "/root/{name}"]
read_back = ["cat", "/root/{name}"]
`

// bench is a project, the programs, and hosts to deploy to.
type bench struct {
	t       *testing.T
	net     *hosts.Net
	project string
	bin     string
	home    string
	cache   string // GOCACHE: the standard library is compiled once
}

func newBench(t *testing.T, n int) *bench {
	t.Helper()
	net := hosts.Up(t, n)
	b := localBench(t)
	b.net = net
	return b
}

// localBench is a bench without hosts.
func localBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, project: t.TempDir(), bin: t.TempDir(), home: t.TempDir()}
	b.build("../..", filepath.Join(b.bin, "vmgo-deploy"), "./cmd/vmgo-deploy")
	goroot, cache, _ := strings.Cut(strings.TrimSpace(b.command("", "go", "env", "GOROOT", "GOCACHE")), "\n")
	b.cache = cache
	b.write(filepath.Join(b.bin, "vmgo"), fmt.Sprintf(`#!/bin/sh
case $1 in
current) echo '{"version":"1.0","goroot":"%s","installed":true}' ;;
list) echo '[]' ;;
esac
`, goroot))
	b.command("", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "dev@test", "-f", filepath.Join(b.home, "key"))
	b.write(filepath.Join(b.project, "go.mod"), "module example.com/app\n\ngo 1.24\n")
	b.write(filepath.Join(b.project, "static/css/a.css"), "body {}\n")
	b.write(filepath.Join(b.project, "vmgo-deploy.toml"), strings.ReplaceAll(configuration, "KEY", filepath.Join(b.home, "key")))
	source, err := os.ReadFile("../../internal/deploy/drain/drain.go")
	if err != nil {
		t.Fatal(err)
	}
	b.write(filepath.Join(b.project, "drain/drain.go"), string(source))
	b.version("v1", "")
	return b
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) command(dir, name string, args ...string) string {
	b.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (b *bench) build(dir, to, pkg string) {
	b.t.Helper()
	b.command(dir, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", to, pkg)
}

// version changes one line of the program.
func (b *bench) version(version, fault string) {
	b.t.Helper()
	b.write(filepath.Join(b.project, "main.go"), strings.NewReplacer("VERSION", version, "FAULT", fault).Replace(server))
}

func (b *bench) deployCommand(args ...string) *exec.Cmd {
	cmd := b.net.Command(filepath.Join(b.bin, "vmgo-deploy"), args...)
	cmd.Dir = b.project
	cmd.Env = append(cmd.Env, "HOME="+b.home, "XDG_CACHE_HOME="+b.home+"/cache", "GOCACHE="+b.cache, "USER=dev")
	return cmd
}

// deploy runs vmgo deploy and returns what it printed and its exit status.
func (b *bench) deploy(args ...string) (stdout, stderr string, status int) {
	b.t.Helper()
	var out, errs strings.Builder
	cmd := b.deployCommand(args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		b.t.Fatal(err)
	}
	b.t.Logf("vmgo deploy %s: status %d\n%s%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), out.String(), errs.String())
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// apply deploys and returns what became of each host.
func (b *bench) apply(status int, args ...string) []rollout.HostResult {
	b.t.Helper()
	out, _, got := b.deploy(append([]string{"apply", "--json"}, args...)...)
	if got != status {
		b.t.Fatalf("exit status %d, want %d", got, status)
	}
	var answer struct{ Hosts []rollout.HostResult }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		b.t.Fatalf("%v in %s", err, out)
	}
	return answer.Hosts
}

// says returns what the service answers on a host.
func (b *bench) says(host int) string {
	b.t.Helper()
	return strings.TrimSpace(b.net.SSH(b.t, host, "curl -s -m 20 http://127.0.0.1:8080/"))
}

func (b *bench) underLoad(f func()) counts {
	b.t.Helper()
	cmd := b.net.Command(os.Args[0])
	cmd.Env = append(cmd.Env, loadURL+"=http://"+hosts.Address(1)+":8080/")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	f()
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Log(errs.String())
	var c counts
	if err := json.Unmarshal([]byte(out.String()), &c); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// snapshot lists what deploys write on a host.
func (b *bench) snapshot(host int) string {
	b.t.Helper()
	return b.net.SSH(b.t, host, "find /opt /etc /usr/local /dev/shm /var/lib/app -printf '%p %m %s %l\\n' 2>/dev/null | sort; systemctl list-units --all --no-legend 'app*'")
}

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
	if _, _, status := b.deploy("trust"); status != 0 {
		t.Fatal("no trust")
	}
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
