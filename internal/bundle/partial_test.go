package bundle_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestDownload_resumes breaks a download for good. The next process asks for the rest by
// If-Range, and gets the whole where the server has another file by then or no ETag.
func TestDownload_resumes(t *testing.T) {
	t.Parallel()
	older, newer := bytes.Repeat([]byte("old!"), 1<<18), bytes.Repeat([]byte("new!"), 1<<18)
	for _, tt := range []struct {
		name  string
		etags [2]string // of the first run and of the second
		later []byte    // what the server has in the second run
		asked string    // Range and If-Range of the second run
		sent  int       // bytes in the second run
	}{
		{"the same file", [2]string{`"a"`, `"a"`}, older, `bytes=524288- "a"`, len(older) / 2},
		{"another file", [2]string{`"a"`, `"b"`}, newer, `bytes=524288- "a"`, 2 * len(newer)}, // asked twice
		{"no ETag", [2]string{}, newer, ` `, len(newer)},
		{"a weak ETag", [2]string{`W/"a"`, `W/"a"`}, newer, ` `, len(newer)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var run atomic.Int32
			var serving sync.Mutex // one request after the other, whatever connection it comes by
			sent, asked := 0, ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				serving.Lock()
				defer serving.Unlock()
				if etag := tt.etags[run.Load()]; etag != "" {
					w.Header().Set("ETag", etag)
				}
				if run.Load() == 0 {
					w.Header().Set("Content-Length", fmt.Sprint(len(older)))
					_, _ = w.Write(older[:len(older)/2])
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
				if asked == "" {
					asked = r.Header.Get("Range") + " " + r.Header.Get("If-Range")
				}
				counted := &counting{ResponseWriter: w}
				http.ServeContent(counted, r, "", time.Time{}, bytes.NewReader(tt.later))
				sent += counted.n
			}))
			defer server.Close()
			c := bundle.Creator{Cache: t.TempDir(), Client: fetch.New(fetch.Config{Transport: vmtest.Transport(), Env: map[string]string{}, Attempts: 1})}
			request := fetch.Request{URL: server.URL + "/a.zip", Limit: 100 << 20}
			to := filepath.Join(c.Cache, "proxy", "a.zip")
			if err := c.Download(t.Context(), request, to); err == nil {
				t.Fatal("half a file")
			}
			if _, err := os.Lstat(to); err == nil {
				t.Fatal("half a file has its name")
			}
			run.Store(1)
			if err := c.Download(t.Context(), request, to); err != nil {
				t.Fatal(err)
			}
			server.Close() // waits for the handlers
			if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, tt.later) {
				t.Errorf("%d bytes of %d, or others: %v", len(got), len(tt.later), err)
			}
			if asked != tt.asked || sent > tt.sent || tt.sent == len(older)/2 && sent != tt.sent {
				t.Errorf("asked for %q, %d bytes were sent; want %q, %d", asked, sent, tt.asked, tt.sent)
			}
			if names, _ := filepath.Glob(to + ".*"); len(names) > 0 {
				t.Errorf("left: %q", names)
			}
		})
	}
}

// counting counts the bytes of an answer.
type counting struct {
	http.ResponseWriter
	n int
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n += n
	return n, err
}

// A file that becomes another one in the middle of a download is downloaded anew.
func TestDownload_changes(t *testing.T) {
	t.Parallel()
	older, newer := bytes.Repeat([]byte("old!"), 1<<18), bytes.Repeat([]byte("new!"), 1<<18)
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			w.Header().Set("ETag", `"a"`)
			w.Header().Set("Content-Length", fmt.Sprint(len(older)))
			_, _ = w.Write(older[:len(older)/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("ETag", `"b"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(newer))
	}))
	defer server.Close()
	c := bundle.Creator{Cache: t.TempDir(), Client: fetch.New(fetch.Config{Transport: vmtest.Transport(), Env: map[string]string{}})}
	to := filepath.Join(c.Cache, "a.zip")
	if err := c.Download(t.Context(), fetch.Request{URL: server.URL + "/a.zip", Limit: 100 << 20}, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, newer) || requests.Load() < 3 {
		t.Errorf("%d bytes in %d requests: %v", len(got), requests.Load(), err)
	}
}
