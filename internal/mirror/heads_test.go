package mirror_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/mirror"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestSync_heads lets a client that has seen a tree head of the database elsewhere
// use a mirror: only once the mirror was given that head, and from then on.
func TestSync_heads(t *testing.T) {
	t.Parallel()
	s := newState(t)
	client, name := t.TempDir(), strings.Split(s.server.GOSUMDB(), "+")[0]
	lookup := func(proxy string) error {
		t.Helper()
		proxies, err := fetch.ParseProxies(proxy)
		if err != nil {
			t.Fatal(err)
		}
		log, err := trust.NewLog(trust.LogConfig{
			GOSUMDB: s.server.GOSUMDB(), Proxies: proxies, StateDir: client, Now: time.Now,
			Getter: fetch.New(fetch.Config{Transport: vmtest.Transport(), Env: map[string]string{}, Attempts: 1}),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = log.Lookup(t.Context(), wanted("1.22.5").Releases[0].Version, wanted("1.22.5").Releases[0].Platform)
		return err
	}
	grow := func(path string) {
		t.Helper()
		if err := s.server.Grow(path); err != nil {
			t.Fatal(err)
		}
	}
	grow("example.com/one")
	if err := lookup(s.server.URL); err != nil {
		t.Fatal(err)
	}
	grow("example.com/two")
	r := wanted("1.22.5", "1.22.6")
	if err := s.open(atRequest{}).Sync(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	served := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(s.dir, mirror.Public))))
	defer served.Close()
	err := lookup(served.URL)
	if diag.CodeOf(err) != diag.Network || !strings.Contains(err.Error(), "does not reach back to the tree head") || !strings.HasPrefix(diag.HintsOf(err)[0], "vmgo mirror sync --head ") {
		t.Fatalf("without the client's head: %v", err)
	}
	head, err := os.ReadFile(filepath.Join(client, "sumdb", name, "latest"))
	if err != nil {
		t.Fatal(err)
	}
	r.Heads = [][]byte{[]byte("no head")}
	if err := s.open(atRequest{}).Sync(t.Context(), r); diag.CodeOf(err) != diag.Usage {
		t.Errorf("a file without a signature is a head: %v", err)
	}
	r.Heads = [][]byte{head}
	for range 2 { // the second time without being told
		if err := s.open(atRequest{}).Sync(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := lookup(served.URL); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(client, "sumdb", name, "latest"), head, 0o644); err != nil {
			t.Fatal(err)
		}
		r.Heads = nil
	}
}
