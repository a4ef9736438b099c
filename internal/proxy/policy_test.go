package proxy_test

import (
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/proxy"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestPolicy_minimumAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	b := newBench(t, func(c *proxy.Config) { c.MinAge, c.Now = 7*24*time.Hour, func() time.Time { return now } })
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Time: now.AddDate(0, -1, 0)})
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.1.0-rc.1", Time: now.AddDate(0, 0, -8)})
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.1.0", Time: now.AddDate(0, 0, -6)})
	m := b.newMachine()
	m.must("get", "example.com/lib@latest")
	if out := m.must("list", "-m", "-versions", "example.com/lib"); strings.TrimSpace(out) != "example.com/lib v1.0.0 v1.1.0-rc.1" {
		t.Errorf("versions: %q", out)
	}
	if out := m.must("list", "-m", "example.com/lib"); strings.TrimSpace(out) != "example.com/lib v1.0.0" {
		t.Errorf("latest: %q", out)
	}
	m.must("get", "example.com/lib@v1.1.0") // the exact version is served
	b.upstream.AddModule(vmtest.Module{Path: "example.com/new", Version: "v0.1.0", Time: now})
	b.want("/example.com/new/@latest", http.StatusNotFound, "younger")
}

func TestPolicy_blockAndAllow(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *proxy.Config) { c.Block, c.Allow = "example.com/lib@v1.1.0,example.com/bad", "example.com/*" })
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: version})
	}
	b.upstream.AddModule(vmtest.Module{Path: "example.com/bad/inner", Version: "v1.0.0"})
	m := b.newMachine()
	m.must("get", "example.com/lib@latest")
	if out := m.must("list", "-m", "example.com/lib"); strings.TrimSpace(out) != "example.com/lib v1.0.0" {
		t.Errorf("latest: %q", out)
	}
	if out, err := m.run("get", "example.com/lib@v1.1.0"); err == nil || !strings.Contains(out, "blocked by this proxy") {
		t.Errorf("%v: %s", err, out)
	}
	b.upstream.Forget()
	b.want("/example.com/bad/inner/@v/v1.0.0.mod", http.StatusForbidden, "blocked")
	b.want("/elsewhere.com/lib/@v/list", http.StatusForbidden, "not among the modules")
	if asked := b.upstream.Requests(); len(asked) > 0 {
		t.Errorf("upstream was asked: %q", asked)
	}
}

func TestPolicy_privateModulesComeFromTheirRepository(t *testing.T) {
	t.Parallel()
	repositories := t.TempDir()
	git := filepath.Join(repositories, "config")
	makeRepository(t, filepath.Join(repositories, "lib.git"))
	err := os.WriteFile(git, []byte("[url \"file://"+repositories+"/\"]\n\tinsteadOf = https://private.invalid/team/\n[safe]\n\tdirectory = *\n"), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *proxy.Config) {
		c.Private = "private.invalid"
		c.Environment = append(c.Environment, "GIT_CONFIG_GLOBAL="+git, "GOCACHE="+t.TempDir())
	})
	m := b.newMachine("GONOSUMDB=private.invalid", "GONOPROXY=none")
	m.must("get", "private.invalid/team/lib.git@latest")
	if out := m.must("list", "-m", "private.invalid/team/lib.git"); !strings.Contains(out, "v1.0.0") {
		t.Errorf("got %s", out)
	}
	// A client that did not get the settings asks the database by way of the proxy.
	if out, err := b.newMachine().run("get", "private.invalid/team/lib.git@v1.0.0"); err == nil || !strings.Contains(out, "set GONOSUMDB") {
		t.Errorf("%v: %s", err, out)
	}
	for _, request := range b.upstream.Requests() {
		if strings.Contains(request, "private.invalid/team") {
			t.Errorf("the name leaked: %s", request)
		}
	}
}

func makeRepository(t *testing.T, dir string) {
	t.Helper()
	script := `git init -q "$1" && cd "$1" && printf 'module private.invalid/team/lib.git\n\ngo 1.21\n' >go.mod &&
printf 'package lib\n' >lib.go && git add . && git commit -qm one && git tag v1.0.0`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, "sh", dir)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b.invalid", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b.invalid")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestPolicy_upstreamsInTurn(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	broken, empty := vmtest.NewServer(t, vmtest.Options{}), vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusNotFound})
	broken.Fault("*", vmtest.Fault{Name: "status", N: http.StatusInternalServerError})
	good := goenv.Proxy{URL: b.upstream.URL}
	for _, c := range []struct {
		name   string
		first  goenv.Proxy
		status int
	}{
		{"comma, missing", goenv.Proxy{URL: empty.URL}, http.StatusOK},
		{"comma, broken", goenv.Proxy{URL: broken.URL}, http.StatusBadGateway},
		{"pipe, broken", goenv.Proxy{URL: broken.URL, AnyError: true}, http.StatusOK},
	} {
		b.stop()
		b.dir = t.TempDir()
		b.start(func(config *proxy.Config) {
			config.Log = b.newLog(*config) // of the good upstream
			config.Upstreams = []goenv.Proxy{c.first, good}
		})
		if status, body := b.get("/example.com/lib/@v/v1.0.0.zip"); status != c.status {
			t.Errorf("%s: %d %.100s", c.name, status, body)
		}
	}
}

func TestPolicy_leastRecentlyUsedGoAndPinsStay(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *proxy.Config) { c.MaxSize, c.Pin = 700<<10, "example.com/pinned" })
	get := func(name string) { b.want("/example.com/"+name+"/@v/v1.0.0.zip", http.StatusOK, "PK") }
	for _, name := range []string{"pinned", "old", "used", "new"} {
		b.upstream.AddModule(vmtest.Module{Path: "example.com/" + name, Version: "v1.0.0", Size: 200 << 10})
	}
	for _, name := range []string{"pinned", "old", "used", "old", "used", "new"} {
		get(name)
	}
	b.stop()
	left, _ := filepath.Glob(filepath.Join(b.dir, "example.com/*/@v/*.zip"))
	var names []string
	for _, path := range left {
		names = append(names, strings.Split(strings.TrimPrefix(path, b.dir+"/example.com/"), "/")[0])
	}
	if got := strings.Join(names, " "); got != "new pinned used" {
		t.Errorf("left: %s", got)
	}
}

func TestPolicy_offlineServesAnyTree(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0"})
	b.newMachine().must("get", "example.com/lib@v1.0.0")
	if err := filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error { // as others would have made it
		if err == nil && strings.HasSuffix(path, ".sha256") {
			err = os.Remove(path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.stop()
	b.upstream.Forget()
	b.start(func(c *proxy.Config) { c.Offline = true })
	m := b.newMachine()
	m.must("get", "example.com/lib@latest") // the list is made of what is there
	b.want("/example.com/other/@v/list", http.StatusNotFound, "offline")
	b.want("/sumdb/../../../etc/passwd", http.StatusNotFound, "")
	if asked := b.upstream.Requests(); len(asked) > 0 {
		t.Errorf("upstream was asked: %q", asked)
	}
}

func TestPolicy_networksAndToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *proxy.Config) { c.Token = "secret" })
	b.want("/example.com/lib/@v/list", http.StatusUnauthorized, "token")
	b.want("/metrics", http.StatusUnauthorized, "token")
	b.want("/healthz", http.StatusOK, "ok")
	b.want("/readyz", http.StatusOK, "ok")
	for _, password := range []string{"secret", "Secret", ""} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/sumdb/"+vmtest.LogName+"/supported", nil)
		req.SetBasicAuth("anybody", password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if ok := resp.StatusCode == http.StatusOK; ok != (password == "secret") {
			t.Errorf("password %q: %d", password, resp.StatusCode)
		}
	}
	b.stop()
	b.start(func(c *proxy.Config) { c.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	b.want("/example.com/lib/@v/list", http.StatusForbidden, "does not serve 127.0.0.1")
	b.want("/healthz", http.StatusOK, "ok")
}
