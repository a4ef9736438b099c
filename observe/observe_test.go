package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// client asks a server on a unix socket.
func client(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
}

func get(t *testing.T, c *http.Client, path string) (int, []byte) {
	t.Helper()
	res, err := c.Get("http://socket" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, data
}

func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "obs") // a socket's path has 108 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestListen_servesPrivately(t *testing.T) {
	socket := filepath.Join(socketDir(t), "s")
	s, err := Listen(socket, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has %v, %v", info.Mode(), err)
	}
	if _, err := Listen(socket, Options{}); err == nil {
		t.Error("a socket on which somebody listens was replaced")
	}
	c := client(socket)
	var who Identity
	if _, data := get(t, c, "/debug/vmgo/"); json.Unmarshal(data, &who) != nil || who.PID != os.Getpid() || !who.Flight {
		t.Errorf("identity %s", data)
	}
	for path, magic := range map[string]string{
		"/debug/pprof/heap": "\x1f\x8b", "/debug/pprof/goroutine?debug=1": "goroutine profile:", "/debug/pprof/profile?seconds=0.1": "\x1f\x8b",
		"/debug/pprof/trace?seconds=0.1": "go 1.", "/debug/vmgo/flight": "go 1.", "/debug/pprof/": "/debug/pprof/", "/debug/pprof/cmdline": os.Args[0],
	} {
		if status, data := get(t, c, path); status != http.StatusOK || !bytes.HasPrefix(data, []byte(magic)) {
			t.Errorf("%s: %d %.60q", path, status, data)
		}
	}
	for path, want := range map[string]int{"/debug/pprof/nothing": 404, "/": 404, "/debug/pprof/profile?seconds=x": 400, "/debug/pprof/trace?seconds=-1": 400, "/debug/vmgo/contention": 405} {
		if status, _ := get(t, c, path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s, err = Listen(socket, Options{FlightAge: -1}); err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	if status, _ := get(t, client(socket), "/debug/vmgo/flight"); status != http.StatusNotFound {
		t.Errorf("a flight recorder that is off: %d", status)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestCPU_inUse(t *testing.T) {
	s := httptest.NewServer((&Server{}).routes())
	defer s.Close()
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	res, err := http.Get(s.URL + "/debug/pprof/profile?seconds=1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if data, _ := io.ReadAll(res.Body); res.StatusCode != 500 || !strings.Contains(string(data), "already in use") {
		t.Errorf("%d %s", res.StatusCode, data)
	}
}

// A service that serves http.DefaultServeMux must not publish its profiles by this.
func TestDefaultServeMux_isLeftAlone(t *testing.T) {
	if _, pattern := http.DefaultServeMux.Handler(httptest.NewRequest("GET", "/debug/pprof/heap", nil)); pattern != "" {
		t.Errorf("DefaultServeMux has %q", pattern)
	}
}

// TestStart_systemd has this binary be started as systemd starts a service.
func TestStart_systemd(t *testing.T) {
	if os.Getenv("LISTEN_FDNAMES") != "" {
		s, err := Start(Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = s.Close()
		return
	}
	if _, err := Start(Options{}); err != ErrNoSocket {
		t.Errorf("without systemd: %v", err)
	}
	socket := filepath.Join(socketDir(t), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	file, err := l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	// LISTEN_PID must be the service's own: a shell knows it.
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run='^TestStart_systemd$'`, os.Args[0])
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES=http:"+SocketName)
	cmd.ExtraFiles = []*os.File{other, file}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, data := get(t, client(socket), "/debug/vmgo/")
	var who Identity
	if json.Unmarshal(data, &who) != nil || who.PID != cmd.Process.Pid {
		t.Errorf("identity %s", data)
	}
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestContention_ends(t *testing.T) {
	var c contention
	c.begin(time.Hour)
	c.begin(time.Hour)
	c.end()
	if c.timer != nil || c.own {
		t.Error("it goes on")
	}
	c.end()
}
