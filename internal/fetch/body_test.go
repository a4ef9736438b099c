package fetch_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
)

// A broken download goes on where it stopped: the parts that were there are
// not asked for again.
func TestDownload_resumes(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for _, c := range []struct {
		faults   []string // the last one counts first
		requests []string
	}{
		{[]string{"truncate=200000*1"}, []string{"/file", "/file bytes=200000-"}},
		{[]string{"stall=200000*1"}, []string{"/file", "/file bytes=200000-"}},
		{[]string{"status=503*2", "truncate=0*1"}, []string{"/file", "/file", "/file", "/file"}},
		{[]string{"status=503*1", "truncate=512*1"}, []string{"/file", "/file bytes=512-", "/file bytes=512-"}},
		{[]string{"noranges", "truncate=200000*1"}, []string{"/file", "/file bytes=200000-"}},
		{[]string{"truncate=300000"}, []string{"/file", "/file bytes=300000-", "/file bytes=600000-", "/file bytes=900000-"}},
		{[]string{"truncate=200000"}, []string{"/file", "/file bytes=200000-", "/file bytes=400000-", "/file bytes=600000-", "/file bytes=800000-", "/file bytes=1000000-"}},
		{[]string{"slow=100"}, []string{"/file"}}, // takes longer than any silence may
	} {
		synctest.Test(t, func(t *testing.T) {
			s, data, client := timelessServer(t, size)
			for _, text := range c.faults {
				fault(t, s, "/file", text)
			}
			var last, total, calls int64
			f := tempFile(t)
			n, err := client.Download(t.Context(), fetch.Request{
				URL: s.URL + "/file", Limit: size, Size: size,
				Progress: func(done, of int64) {
					if done < last {
						t.Errorf("%v: progress went from %d to %d", c.faults, last, done)
					}
					last, total, calls = done, of, calls+1
				},
			}, f)
			if err != nil || n != size || last != size || total != size || calls < size/(256<<10) {
				t.Errorf("%v: %d bytes, progress %d of %d in %d calls: %v", c.faults, n, last, total, calls, err)
			}
			if !bytes.Equal(content(t, f), data) {
				t.Errorf("%v: other bytes", c.faults)
			}
			if got := strings.Join(s.Requests(), ", "); got != strings.Join(c.requests, ", ") {
				t.Errorf("%v: requests %s", c.faults, got)
			}
		})
	}
}

func TestDownload_fails(t *testing.T) {
	t.Parallel()
	const size = 100_000
	for _, c := range []struct {
		fault       string
		limit, want int64
		requests    int
		text        string
	}{
		{"html", size, 0, 1, "a login page answered"},
		{"status=403", size, 0, 1, "403 Forbidden"},
		{"status=500", size, 0, 4, "500"},
		{"truncate=1000", size, 0, 4, "EOF"}, // no connection brings enough to begin counting anew
		{"stall=0", size, 0, 4, "stopped sending"},
		{"stall=1000", size, 0, 4, "stopped sending"},
		{"drip=1", size, 0, 4, "stopped sending, or nearly so"},
		{"huge", size, 0, 1, "more than the allowed 100000 bytes"},
		{"slow=90000", size - 1, 0, 1, "more than the allowed 99999 bytes"},
		{"slow=90000", size, size + 1, 1, "100000 bytes where 100001 are expected"},
		{"wrongsize=5", size + 5, 0, 4, "changed on the server"},
		{"loop", size, 0, 10, "more than 10 redirects"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _, client := timelessServer(t, size)
			fault(t, s, "/file", c.fault)
			_, err := client.Download(t.Context(), fetch.Request{URL: s.URL + "/file", Limit: c.limit, Size: c.want}, tempFile(t))
			wantCode(t, err, diag.Network, c.text)
			if got := s.Count("/file"); got != c.requests {
				t.Errorf("%s: %d requests: %q", c.fault, got, s.Requests())
			}
		})
	}
}

// An answer without a length is bounded as it comes.
func TestDownload_endless(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	_, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 50_000}, tempFile(t))
	wantCode(t, err, diag.Network, "more than the allowed 50000 bytes")
}

func TestOpen_streams(t *testing.T) {
	t.Parallel()
	s, data := fileServer(t, 300_000)
	fault(t, s, "/file", "truncate=100000*2")
	body, err := newClient(nil).Open(t.Context(), fetch.Request{URL: s.URL + "/file", Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if body.Size() != 300_000 {
		t.Error(body.Size())
	}
	got, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(got, data) {
		t.Error(len(got), err)
	}
	if n, err := body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Error("after the end:", n, err)
	}
	if n, err := body.Read(nil); n != 0 || err != nil {
		t.Error("nothing asked for:", n, err)
	}
}

// The time that a reader spends elsewhere is not a stall of the server.
func TestOpen_slowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, data, client := timelessServer(t, 1<<20)
		body, err := client.Open(t.Context(), fetch.Request{URL: s.URL + "/file", Limit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		head := make([]byte, 1000)
		if _, err := io.ReadFull(body, head); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		rest, err := io.ReadAll(body)
		if err != nil || !bytes.Equal(append(head, rest...), data) {
			t.Error(len(rest), err)
		}
		if got := s.Requests(); len(got) != 1 {
			t.Errorf("requests %q", got)
		}
	})
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClient(nil)
	f := tempFile(t)
	if n, err := c.Download(t.Context(), fetch.Request{URL: "file://" + path, Limit: 5}, f); err != nil || n != 5 || string(content(t, f)) != "hello" {
		t.Error(n, err)
	}
	if n, err := c.Stat(t.Context(), "file://localhost"+path); err != nil || n != 5 {
		t.Error(n, err)
	}
	for url, text := range map[string]string{"file://" + path: "5 bytes where 6 are expected", "file://" + dir + "/none": "404 Not Found", "http://[::1": "not a URL", "file:///proc/self/mem": "0 bytes where 6"} {
		_, err := c.Download(t.Context(), fetch.Request{URL: url, Limit: 10, Size: 6}, tempFile(t))
		wantCode(t, err, diag.Network, text)
	}
	_, err := c.Download(t.Context(), fetch.Request{URL: "file:///proc/self/mem", Limit: 10}, tempFile(t)) // there is nothing at address 0
	wantCode(t, err, diag.Network, "input/output error")
	_, err = c.Get(t.Context(), "file://"+path, 4)
	wantCode(t, err, diag.Network, "more than the allowed 4 bytes")
	for _, missing := range []string{dir + "/none", path + "/below"} {
		if _, err := c.Stat(t.Context(), "file://"+missing); !fetch.Gone(err) {
			t.Errorf("%s: %v", missing, err)
		}
	}
	for _, bad := range []string{"file://" + dir, "file://" + dir + "/fifo", "file://host" + path, "file:relative"} {
		if _, err := c.Get(t.Context(), bad, 10); err == nil || fetch.NotHere(err) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
