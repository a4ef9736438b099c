package fetch_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
)

// broken serves the first half of data, then breaks the connection.
func broken(w http.ResponseWriter, data []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data[:len(data)/2])
	_ = http.NewResponseController(w).Flush() // what is not sent yet would be lost
	panic(http.ErrAbortHandler)
}

// part answers with the bytes from r's range on, size of them at most.
func part(w http.ResponseWriter, r *http.Request, data []byte, size int) {
	var from int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err != nil {
		broken(w, data)
	}
	to := min(from+size, len(data))
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(data[from:to])
}

// Only a strong ETag is a promise that the file is the same.
func TestDownload_ifRange(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("data"), 1000)
	for etag, want := range map[string]string{`"strong"`: `["\"strong\""]`, `W/"weak"`: `[]`, "": `[]`} {
		var requests atomic.Int32
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if etag != "" {
				w.Header().Set("ETag", etag)
			}
			if requests.Add(1) == 1 {
				broken(w, data)
			}
			if got := fmt.Sprintf("%q", r.Header["If-Range"]); got != want {
				t.Errorf("ETag %s: If-Range %s", etag, got)
			}
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
		})
		f := tempFile(t)
		if n, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 1 << 20}, f); err != nil || n != int64(len(data)) || requests.Load() != 2 {
			t.Errorf("ETag %s: %d bytes in %d requests, %v", etag, n, requests.Load(), err)
		}
	}
}

// What comes after a broken connection is glued to what is there only if it
// can be the same file.
func TestDownload_afterBreak(t *testing.T) {
	t.Parallel()
	older, newer := bytes.Repeat([]byte("old!"), 1000), bytes.Repeat([]byte("new!"), 1000)
	longer := append(bytes.Clone(newer), "more"...)
	whole := func(w http.ResponseWriter, data []byte) {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data)
	}
	for _, tt := range []struct {
		name     string
		etags    [2]string // of the first answer and of the later ones
		later    func(w http.ResponseWriter, r *http.Request)
		want     []byte
		requests int32
	}{
		{"another ETag on a part", [2]string{`"a"`, `"b"`}, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				whole(w, newer)
				return
			}
			part(w, r, newer, 1<<20)
		}, newer, 3},
		{"another ETag on the whole", [2]string{`"a"`, `"b"`}, func(w http.ResponseWriter, _ *http.Request) { whole(w, newer) }, newer, 3},
		{"a part from elsewhere", [2]string{}, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				whole(w, newer)
				return
			}
			r.Header.Set("Range", "bytes=0-")
			part(w, r, newer, 1000)
		}, newer, 3},
		{"a part of a longer file", [2]string{}, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				whole(w, longer)
				return
			}
			part(w, r, longer, 1<<20)
		}, longer, 3},
		{"no ETag on a part", [2]string{`"a"`, ""}, func(w http.ResponseWriter, r *http.Request) { part(w, r, older, 1<<20) }, older, 2},
		{"an ETag on a part only", [2]string{"", `"b"`}, func(w http.ResponseWriter, r *http.Request) { part(w, r, older, 1<<20) }, older, 2},
		{"the whole in another size", [2]string{}, func(w http.ResponseWriter, _ *http.Request) { whole(w, longer) }, longer, 3},
		{"the whole again", [2]string{}, func(w http.ResponseWriter, _ *http.Request) { whole(w, older) }, older, 2},
		{"the whole again without a size", [2]string{}, func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(older)
		}, older, 2},
		{"a part without the size of the whole", [2]string{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/*", len(older)/2, len(older)-1))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(older[len(older)/2:])
		}, older, 2},
		{"part by part", [2]string{}, func(w http.ResponseWriter, r *http.Request) { part(w, r, older, 700) }, older, 4},
	} {
		var requests atomic.Int32
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			first := requests.Add(1) == 1
			etag := tt.etags[1]
			if first {
				etag = tt.etags[0]
			}
			if etag != "" {
				w.Header().Set("ETag", etag)
			}
			if first {
				broken(w, older)
			}
			tt.later(w, r)
		})
		f := tempFile(t)
		n, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 1 << 20}, f)
		if err != nil || n != int64(len(tt.want)) || !bytes.Equal(content(t, f), tt.want) || requests.Load() != tt.requests {
			t.Errorf("%s: %d bytes in %d requests, %v", tt.name, n, requests.Load(), err)
		}
	}
}

// Without a length, an answer that ends before the point reached is not the file.
func TestDownload_wholeAgainButShorter(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("data"), 1000)
	for _, known := range []bool{true, false} { // whether the first answer has a length
		for _, again := range []int{1000, 3000} { // what the second one has of the file
			var requests atomic.Int32
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				n := requests.Add(1)
				if n == 1 && known {
					broken(w, data)
				}
				_ = http.NewResponseController(w).Flush()
				switch n {
				case 1:
					_, _ = w.Write(data[:2000])
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				case 2:
					_, _ = w.Write(data[:again])
				default:
					_, _ = w.Write(data)
				}
			})
			want, asked := int64(len(data)), int32(3)
			if !known && again == 3000 { // nothing says that it is not all
				want, asked = 3000, 2
			}
			n, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 1 << 20}, tempFile(t))
			if err != nil || n != want || requests.Load() != asked {
				t.Errorf("known %v, then %d: %d bytes in %d requests, %v", known, again, n, requests.Load(), err)
			}
		}
	}
}

func TestDownload_empty(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "0") })
	if n, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 1}, tempFile(t)); n != 0 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	_, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 9, Size: 6}, tempFile(t))
	wantCode(t, err, diag.Network, "0 bytes where 6 are expected")
}

// stuck is a file that cannot go back to its beginning.
type stuck struct {
	*os.File
	seek, truncate error
}

func (f stuck) Seek(int64, int) (int64, error) { return 0, f.seek }
func (f stuck) Truncate(int64) error           { return f.truncate }

// What cannot be written from its beginning is not asked for.
func TestDownload_whereAFileCannotBegin(t *testing.T) {
	t.Parallel()
	asked := false
	url := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	for _, dst := range []stuck{{File: tempFile(t), seek: syscall.ESPIPE}, {File: tempFile(t), truncate: syscall.ESPIPE}} {
		if n, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 1}, dst); n != 0 || err != syscall.ESPIPE || asked {
			t.Errorf("%d bytes, %v; asked: %v", n, err, asked)
		}
	}
}

// A first answer may have no length; the part that follows tells it.
func TestDownload_lengthComesLater(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("data"), 1000)
	var requests atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) > 1 {
			part(w, r, data, 1<<20)
			return
		}
		_, _ = w.Write(data[:2000])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	f := tempFile(t)
	if n, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 1 << 20, Size: 4000}, f); err != nil || n != 4000 || requests.Load() != 2 {
		t.Errorf("%d bytes in %d requests, %v", n, requests.Load(), err)
	}
}

// Answers that belong to no request of ours are refused, and not asked for again.
func TestDownload_answersOfAnotherKind(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("data"), 1000)
	for name, c := range map[string]struct {
		answer   func(w http.ResponseWriter, n int32)
		requests int32
		want     string
	}{
		"a part of what was asked for whole": {func(w http.ResponseWriter, _ int32) {
			w.Header().Set("Content-Range", "bytes 0-3999/4000")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(data)
		}, 1, "206"},
		"no such range of what was asked for whole": {func(w http.ResponseWriter, _ int32) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}, 1, "416"},
		"a part that does not say which": {func(w http.ResponseWriter, n int32) {
			if n == 1 {
				broken(w, data)
			}
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(data)
		}, 2, "a partial answer with the range"},
	} {
		var requests atomic.Int32
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { c.answer(w, requests.Add(1)) })
		_, err := newClient(nil).Download(t.Context(), fetch.Request{URL: url, Limit: 1 << 20}, tempFile(t))
		wantCode(t, err, diag.Network, c.want)
		if requests.Load() != c.requests {
			t.Errorf("%s: %d requests", name, requests.Load())
		}
	}
}

func TestGet_schemes(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"ftp", "gopher", ""} {
		_, err := newClient(nil).Get(t.Context(), scheme+"://example.invalid/x", 100)
		wantCode(t, err, diag.Network, map[bool]string{true: "not a URL", false: "only https, http and file"}[scheme == ""])
	}
	missing := newClient(func(config *fetch.Config) { config.Env = map[string]string{"SSL_CERT_FILE": "/no/such/file.pem"} })
	_, err := missing.Get(t.Context(), "https://example.invalid/x", 100)
	wantCode(t, err, diag.Network, "/no/such/file.pem")
}

// A login page is one in parts as well.
func TestRanges_loginPage(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{"<!DOCTYPE html><html></html>": "a login page", "PK\x03\x04": ""} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader([]byte(page)))
		})
		r, err := newClient(nil).Ranges(t.Context(), url)
		if want != "" {
			wantCode(t, err, diag.Network, want)
		} else if err != nil || r.Size() != int64(len(page)) {
			t.Error(err)
		}
	}
}
