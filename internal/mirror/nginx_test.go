package mirror_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/mirror"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// nginx serves a directory as nginx does by itself, and returns the URL.
func nginx(t *testing.T, root string) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; exec.Command(program, "-v").Run() != nil {
			t.Skip("there is no nginx")
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "nginx") // a path without the test's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, vmtest.NginxConfig(dir, listener.Addr().String(), root, "worker_processes 1; "+userOf()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-p", dir, "-e", "stderr", "-c", config)
	// nginx takes over a socket that it is handed, so that nobody waits for it.
	cmd.ExtraFiles, cmd.Env, cmd.Stderr = []*os.File{socket}, append(os.Environ(), "NGINX=3;"), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // which ends its workers
	if err := errors.Join(cmd.Start(), socket.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	return "http://" + listener.Addr().String()
}

// userOf has the workers of nginx read what this user reads.
func userOf() string {
	if os.Getuid() == 0 {
		return "user root;"
	}
	return ""
}

// TestNginx_servesAMirror has vmgo's sources and the real go command use a mirror that
// nginx serves without a line of configuration for it.
func TestNginx_servesAMirror(t *testing.T) {
	t.Parallel()
	s := newState(t)
	m := s.open(atRequest{})
	s.server.Index(true)
	keyring, err := s.server.Keyring()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := trust.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Add("test", keyring); err != nil {
		t.Fatal(err)
	}
	client := fetch.New(fetch.Config{Transport: vmtest.Transport(), Env: map[string]string{}, Attempts: 1})
	m.Keyring, m.Archives = keys, release.NewGoDev(client, release.GoDevConfig{Bases: []string{s.server.URL + "/dl"}})
	if err := m.Sync(t.Context(), wanted("1.22.5", "1.22.6")); err != nil {
		t.Fatal(err)
	}
	url := nginx(t, filepath.Join(s.dir, mirror.Public))

	proxies, err := fetch.ParseProxies(url)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []release.Source{
		release.NewGoProxy(client, proxies), release.NewGoDev(client, release.GoDevConfig{Bases: []string{url + "/dl"}}),
	} {
		for _, r := range wanted("1.22.5", "1.22.6").Releases {
			a, err := source.Locate(t.Context(), r.Version, r.Platform)
			if err != nil {
				t.Errorf("%s: %v", source.Name(), err)
				continue
			}
			if ranges, err := client.Ranges(t.Context(), a.URLs[0]); err != nil {
				t.Errorf("%s: %v", a.URLs[0], err)
			} else {
				_ = ranges.Close()
			}
		}
	}
	log, err := trust.NewLog(trust.LogConfig{GOSUMDB: s.server.GOSUMDB(), Proxies: proxies, Getter: client, StateDir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	last := wanted("1.22.6").Releases[0]
	if _, err := log.Lookup(t.Context(), last.Version, last.Platform); err != nil {
		t.Error(err)
	}
	s.server.Fault("*", vmtest.Fault{Name: "status", N: http.StatusServiceUnavailable}) // go has nothing but nginx
	goCommand(t, url, s.server.GOSUMDB(), gover.ToolchainModule+"@latest", gover.ModuleVersion(last.Version, last.Platform))
}

// goCommand asks for a module by a query, downloads it and has go compare it with the
// checksum database.
func goCommand(t *testing.T, proxy, sumdb, query, want string) {
	t.Helper()
	home := vmtest.GoHome(t)
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", query)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "GOPATH="+filepath.Join(home, "go"), "GOMODCACHE=", "GOENV=off", "GOPROXY="+proxy, "GOSUMDB="+sumdb,
		"GONOSUMDB=", "GOPRIVATE=", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("go mod download %s: %v: %s", query, err, out)
	}
}
