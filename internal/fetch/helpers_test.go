package fetch_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// sleeper stands in for waiting and remembers for how long.
type sleeper struct {
	mu     sync.Mutex
	pauses []time.Duration
}

func (s *sleeper) sleep(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pauses = append(s.pauses, d)
	return ctx.Err()
}

// newClient makes a client that reaches this machine only and never waits.
func newClient(change func(*fetch.Config)) *fetch.Client {
	config := fetch.Config{
		Transport: vmtest.Transport(),
		Sleep:     (&sleeper{}).sleep,
		Jitter:    func() float64 { return 1 },
	}
	if change != nil {
		change(&config)
	}
	return fetch.New(config)
}

// serve starts a server with the given handler.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// fileServer has one file of n bytes at /file.
func fileServer(t *testing.T, n int) (*vmtest.Server, []byte) {
	t.Helper()
	return serveFile(t, vmtest.Options{TLS: true}, n)
}

// timelessServer is a fileServer for a synctest bubble, with a client that
// reaches it. The client's limits are those of real life: they cost no time,
// and only true silence crosses them.
func timelessServer(t *testing.T, n int, changes ...func(*fetch.Config)) (*vmtest.Server, []byte, *fetch.Client) {
	t.Helper()
	network := &vmtest.Network{}
	s, data := serveFile(t, vmtest.Options{Network: network}, n)
	return s, data, newClient(func(config *fetch.Config) {
		config.Transport = network.Transport()
		for _, change := range changes {
			change(config)
		}
	})
}

// blackHole is a network in which packets vanish. It counts the attempts to
// connect.
func blackHole(dials *int) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if dials != nil {
			*dials++
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
}

func serveFile(t *testing.T, options vmtest.Options, n int) (*vmtest.Server, []byte) {
	t.Helper()
	s := vmtest.NewServer(t, options)
	data := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
	for i := 0; i+8 < n; i += 4096 { // no two pages alike
		copy(data[i:], time.Duration(i).String())
	}
	s.Serve("/file", data)
	return s, data
}

func wantCode(t *testing.T, err error, code diag.Code, text string) {
	t.Helper()
	if diag.CodeOf(err) != code || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("error is %q [%s], want %q [%s]", err, diag.CodeOf(err), text, code)
	}
}

func fault(t *testing.T, s *vmtest.Server, pattern, text string) {
	t.Helper()
	f, err := vmtest.ParseFault(text)
	if err != nil {
		t.Fatal(err)
	}
	s.Fault(pattern, f)
}

func tempFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "download"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func content(t *testing.T, f *os.File) []byte {
	t.Helper()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
