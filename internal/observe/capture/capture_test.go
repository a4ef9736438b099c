package capture

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/target"
)

func capturing(t *testing.T, handler http.Handler, seconds int) *Capture {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "profiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	h := host.OS()
	h.Env = map[string]string{"PATH": "/nonexistent"}
	return &Capture{Host: h, Seconds: seconds, Dir: dir, Target: target.Target{Endpoint: &target.Endpoint{Network: "tcp", Base: s.URL + "/debug/pprof/"}}}
}

// TestRun_triesAgainWhileInUse has somebody else take a CPU profile first.
func TestRun_triesAgainWhileInUse(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	c := capturing(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/profile") && asked.Add(1) < 3 {
			http.Error(w, "Could not enable CPU profiling: cpu profiling already in use", http.StatusInternalServerError)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/trace") {
			http.Error(w, "no tracing here", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, r.URL.Path)
	}), 60)
	ctx, cancel := context.WithCancel(t.Context())
	c.Run(ctx, func(string, time.Duration) {
		if c.size("profiles/cpu.pb.gz") > 0 {
			cancel() // nothing is left to wait for
		}
	})
	if data, _ := os.ReadFile(filepath.Join(c.Dir, "profiles/cpu.pb.gz")); string(data) != "/debug/pprof/profile" || asked.Load() != 3 {
		t.Errorf("asked %d times, got %q", asked.Load(), data)
	}
	notes := strings.Join(c.Notes, "\n")
	if !strings.Contains(notes, "trace: HTTP status 403: no tracing here") || !strings.Contains(notes, "journal: neither the unit nor the process is known") {
		t.Errorf("notes:\n%s", notes)
	}
	if !c.Cut {
		t.Error("the interrupt is not noticed")
	}
	for _, name := range []string{"heap.before", "heap", "goroutine", "block", "mutex", "allocs.before"} {
		if c.size("profiles/"+name+".pb.gz") == 0 {
			t.Errorf("%s is missing after the interrupt", name)
		}
	}
}
