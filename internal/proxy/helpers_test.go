package proxy_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/proxy"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// bench is a proxy before an upstream, and what the proxy logged.
type bench struct {
	t        *testing.T
	upstream *vmtest.Server
	server   *proxy.Server
	url      string
	dir      string
	log      *lockedBuffer
	web      *httptest.Server
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newBench starts a proxy. change may alter its configuration.
func newBench(t *testing.T, change func(*proxy.Config)) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), upstream: vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusNotFound})}
	b.start(change)
	return b
}

// start starts the proxy, also after stop, on the same directory.
func (b *bench) start(change func(*proxy.Config)) {
	b.t.Helper()
	b.log = &lockedBuffer{}
	upstreams, err := fetch.ParseProxies(b.upstream.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	config := proxy.Config{
		Dir: b.dir, Upstreams: upstreams, ListAge: 0, Now: time.Now, Logger: slog.New(slog.NewJSONHandler(b.log, nil)),
		Client: newClient("vmgo-proxy/test"), ID: "vmgo-proxy/test", Environment: os.Environ(),
	}
	if change != nil {
		change(&config)
	}
	if config.Log == nil {
		config.Log = b.newLog(config)
	}
	b.server, err = proxy.New(b.t.Context(), config)
	if err != nil {
		b.t.Fatal(err)
	}
	b.web = httptest.NewServer(b.server.Handler())
	b.url = b.web.URL
	b.t.Cleanup(b.stop)
}

func (b *bench) newLog(config proxy.Config) *trust.Log {
	b.t.Helper()
	log, err := trust.NewLog(trust.LogConfig{
		GOSUMDB: b.upstream.GOSUMDB(), Proxies: config.Upstreams, Getter: config.Client, StateDir: filepath.Join(config.Dir, ".state"),
		CacheDir: config.Dir, Now: time.Now,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return log
}

func (b *bench) stop() {
	if b.web == nil {
		return
	}
	b.web.Close()
	if err := b.server.Close(); err != nil {
		b.t.Error(err)
	}
	b.web = nil
}

// newClient makes a client that gives up at once: what fails here, fails again.
func newClient(agent string) *fetch.Client {
	return fetch.New(fetch.Config{
		Transport: vmtest.Transport(), Env: map[string]string{}, UserAgent: agent, Attempts: 1,
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
}

// get returns the status and body of an answer.
func (b *bench) get(path string) (int, string) {
	b.t.Helper()
	resp, err := http.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s: %v", path, err)
	}
	return resp.StatusCode, string(body)
}

func (b *bench) want(path string, status int, part string) string {
	b.t.Helper()
	got, body := b.get(path)
	if got != status || !strings.Contains(body, part) {
		b.t.Errorf("%s: %d %q, want %d with %q", path, got, body, status, part)
	}
	return body
}

// machine is a client: a real go command with caches of its own.
type machine struct {
	t   *testing.T
	dir string // of the main module
	env []string
}

// newMachine makes a client of the proxy at url, with settings of its own on top.
func (b *bench) newMachine(settings ...string) *machine {
	b.t.Helper()
	home := vmtest.GoHome(b.t)
	m := &machine{t: b.t, dir: filepath.Join(home, "main")}
	if err := os.Mkdir(m.dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	m.write("go.mod", "module main\n\ngo 1.21\n")
	m.env = append([]string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GOPATH=" + home + "/go", "GOCACHE=" + home + "/cache", "GOENV=off", "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw -mod=mod",
		"GOPROXY=" + b.url, "GOSUMDB=" + b.upstream.GOSUMDB(),
	}, settings...)
	return m
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) run(args ...string) (string, error) {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "go", args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must runs a go command that has to succeed.
func (m *machine) must(args ...string) string {
	m.t.Helper()
	out, err := m.run(args...)
	if err != nil {
		m.t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}
