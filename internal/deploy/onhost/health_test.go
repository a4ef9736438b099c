package onhost

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/host"
)

// TestProbe asks servers and commands that are well, and ones that are not.
func TestProbe(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := listener.Addr().String()
	t.Cleanup(func() { listener.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := gone.Addr().String()
	gone.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sick" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(web.Close)
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "opt/app/current"), 0o755); err != nil {
		t.Fatal(err)
	}
	a := &App{Host: host.OS(), Root: root, Name: "app"}
	for _, c := range []struct {
		health config.Health
		want   string
	}{
		{config.Health{URL: web.URL}, ""},
		{config.Health{URL: web.URL + "/sick"}, "503"},
		{config.Health{URL: "http://" + closed}, "refused"},
		{config.Health{TCP: open}, ""},
		{config.Health{TCP: closed}, "refused"},
		{config.Health{GRPC: serveGRPC(t, "\x08\x01")}, ""},
		{config.Health{GRPC: serveGRPC(t, "\x08\x02")}, "not SERVING"},
		{config.Health{GRPC: closed}, "refused"},
	} {
		got := a.probe(t.Context(), c.health)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", describe(c.health), got, c.want)
		}
	}
	if got := a.probeCommand(t.Context(), root, []string{"sh", "-c", "test -d opt"}); got != "" {
		t.Errorf("a command that succeeds: %q", got)
	}
	if got := a.probeCommand(t.Context(), root, []string{"sh", "-c", "echo no disk >&2; exit 3"}); !strings.Contains(got, "exit status 3: no disk") {
		t.Errorf("a command that fails: %q", got)
	}
}

// serveGRPC serves grpc.health.v1 over HTTP/2 without TLS, with that message as answer.
func serveGRPC(t *testing.T, message string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		frame := append([]byte{0, 0, 0, 0, byte(len(message))}, message...)
		if _, err := w.Write(frame); err != nil {
			t.Error(err)
		}
		w.Header().Set("Grpc-Status", "0")
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
