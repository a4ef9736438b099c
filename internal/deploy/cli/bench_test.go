package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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
	b.build("../../..", filepath.Join(b.bin, "vmgo-deploy"), "./cmd/vmgo-deploy")
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
	source, err := os.ReadFile("../drain/drain.go")
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

// trust has hosts accept the packages of this project.
func (b *bench) trust(hosts ...string) {
	b.t.Helper()
	if _, _, status := b.deploy(append([]string{"trust"}, hosts...)...); status != 0 {
		b.t.Fatal("no trust")
	}
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
