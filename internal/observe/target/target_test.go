package target

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// server answers like net/http/pprof, for the command line given.
func server(cmdline string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/debug/pprof/":
			fmt.Fprint(w, "heap goroutine")
		case "/debug/pprof/cmdline":
			fmt.Fprint(w, cmdline)
		default:
			http.NotFound(w, r)
		}
	})
}

func own() string { return strings.Join(os.Args, "\x00") }

// TestFind_asksWhoAnswers has this process listen on several sockets, of which one
// serves its own profiles, one another's and one something else.
func TestFind_asksWhoAnswers(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "obs")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, handler := range map[string]http.Handler{
		"a-other": server("another\x00program"), "b-web": http.NotFoundHandler(), "c own": server(own()),
	} {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(handler)
		s.Listener.Close()
		s.Listener = l
		s.Start()
		defer s.Close()
	}
	h := host.OS()
	got, err := Find(t.Context(), h, strconv.Itoa(os.Getpid()), "")
	if err != nil || got.Endpoint == nil || got.Endpoint.Address != filepath.Join(dir, "c own") || got.Endpoint.Flight {
		t.Fatalf("%+v %v", got, err)
	}
	if tried := strings.Join(got.Tried, "\n"); !strings.Contains(tried, "a-other: serves the profiles of another process") || !strings.Contains(tried, "b-web: HTTP status 404") {
		t.Errorf("tried:\n%s", tried)
	}
	_, err = Find(t.Context(), h, strconv.Itoa(os.Getpid()), filepath.Join(dir, "a-other"))
	if diag.CodeOf(err) != diag.Network {
		t.Errorf("another's endpoint that was named: %v", err)
	}
}

func TestFind_byURL(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(server(own()))
	defer s.Close()
	got, err := Find(t.Context(), host.OS(), s.URL, "")
	if err != nil || got.PID != os.Getpid() || got.Endpoint == nil || got.Endpoint.URL("heap") != s.URL+"/debug/pprof/heap" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestUnixListeners(t *testing.T) {
	t.Parallel()
	lines := []string{
		"Num       RefCount Protocol Flags    Type St Inode Path",
		"0000000000000000: 00000002 00000000 00010000 0001 01 11 /run/app observe.sock",
		"0000000000000000: 00000003 00000000 00000000 0001 03 12 /run/connected",
		"0000000000000000: 00000002 00000000 00010000 0001 01 13 /run/of-another",
		"0000000000000000: 00000002 00000000 00010000 0001 01 14 @abstract",
		"0000000000000000: 00000002 00000000 00010000 0001 01 15",
	}
	if got := unixListeners(lines, []string{"11", "12", "14", "15"}); len(got) != 1 || got[0] != "/run/app observe.sock" {
		t.Errorf("%q", got)
	}
}
