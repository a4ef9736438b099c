package fetch_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// A zip is read through ranges: one request for its directory, more only for
// members that lie before the part that this request brought.
func TestRanges_zip(t *testing.T) {
	t.Parallel()
	tc := vmtest.Toolchain{Version: "1.22.5", Pad: 5 << 20}
	s := vmtest.NewServer(t, vmtest.Options{Toolchains: []vmtest.Toolchain{tc}})
	url := s.URL + "/golang.org/toolchain/@v/" + tc.Module() + ".zip"
	r, err := newClient(nil).Ranges(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	zr, err := zip.NewReader(r, r.Size())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests for the directory: %q", n, s.Requests())
	}
	tree := tc.GOROOT()
	for name, file := range map[string]string{"src/_go.mod": "src/go.mod", "bin/go": "bin/go", "src/pad.bin": "src/pad.bin"} {
		f, err := zr.Open(tc.Prefix() + name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, tree[file].Data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestRanges_sections(t *testing.T) {
	t.Parallel()
	s, data := fileServer(t, 6<<20)
	r, err := newClient(nil).Ranges(t.Context(), s.URL+"/file")
	if err != nil {
		t.Fatal(err)
	}
	fault(t, s, "/file", "truncate=100000*3")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			off := int64(i) << 20
			section, err := r.Section(t.Context(), off, 1<<20)
			if err != nil {
				t.Error(err)
				return
			}
			defer section.Close()
			got, err := io.ReadAll(section)
			if err != nil || !bytes.Equal(got, data[off:off+1<<20]) {
				t.Errorf("section %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	wg.Wait()
	for _, c := range []struct{ off, n, want int64 }{{0, 100, 100}, {6<<20 - 50, 100, 50}, {5, 0, 0}} {
		p := make([]byte, c.n)
		n, err := r.ReadAt(p, c.off)
		if int64(n) != c.want || !bytes.Equal(p[:n], data[c.off:c.off+c.want]) || (err == io.EOF) != (c.want < c.n) {
			t.Errorf("ReadAt(%d, %d): %d, %v", c.n, c.off, n, err)
		}
	}
	if _, err := r.ReadAt(make([]byte, 1), 6<<20); err != io.EOF {
		t.Error(err)
	}
	for _, bad := range [][2]int64{{-1, 5}, {5, -1}, {6 << 20, 1}, {1, 6 << 20}} {
		if _, err := r.Section(t.Context(), bad[0], bad[1]); err == nil {
			t.Errorf("section %v", bad)
		}
	}
}

func TestRanges_fails(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"noranges": "does not serve parts", "html": "a login page answered", "status=404": "404", "status=500": "500",
	} {
		s, _ := fileServer(t, 100)
		fault(t, s, "/file", text)
		_, err := newClient(nil).Ranges(t.Context(), s.URL+"/file")
		wantCode(t, err, diag.Network, want)
		if errors.Is(err, fetch.ErrNoRanges) != (text == "noranges") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A server that stops serving ranges, or serves another file, is noticed.
func TestRanges_changesMeanwhile(t *testing.T) {
	t.Parallel()
	s, _ := fileServer(t, 4<<20)
	r, err := newClient(nil).Ranges(t.Context(), s.URL+"/file")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve("/file", make([]byte, 5<<20))
	_, err = r.ReadAt(make([]byte, 10), 0)
	wantCode(t, err, diag.Network, "changed on the server")
	fault(t, s, "/file", "noranges")
	if _, err := r.ReadAt(make([]byte, 10), 0); !errors.Is(err, fetch.ErrNoRanges) {
		t.Error(err)
	}
}

// More than was asked for is not handed on.
func TestRanges_generousServer(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("x"), 3<<20)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "bytes=10-19" {
			r.Header.Set("Range", "bytes=10-")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
	r, err := newClient(nil).Ranges(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	section, err := r.Section(t.Context(), 10, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer section.Close()
	if got, err := io.ReadAll(section); err != nil || len(got) != 10 {
		t.Error(len(got), err)
	}
}

func TestRanges_file(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := newClient(nil).Ranges(t.Context(), "file://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := make([]byte, 4)
	if _, err := r.ReadAt(p, 3); err != nil || string(p) != "3456" || r.Size() != 10 {
		t.Error(string(p), r.Size(), err)
	}
}

func TestStat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"": 100, "noranges": 100, "status=503*1": 100, "html": -1, "status=403": -1} {
		s, _ := fileServer(t, 100)
		if text != "" {
			fault(t, s, "/file", text)
		}
		size, err := newClient(nil).Stat(t.Context(), s.URL+"/file")
		if want < 0 {
			wantCode(t, err, diag.Network, "")
		} else if err != nil || size != want {
			t.Errorf("%s: %d, %v", text, size, err)
		}
	}
}

// A part that ends early is gone on with where it stopped.
func TestRanges_shortPart(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("data"), 1<<20) // longer than what comes first
	var short atomic.Bool
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var from, to int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil || !short.CompareAndSwap(true, false) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(data)))
		w.WriteHeader(http.StatusPartialContent)
		_ = http.NewResponseController(w).Flush() // so it has no length
		_, _ = w.Write(data[from : (from+to)/2])
	})
	r, err := newClient(nil).Ranges(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	short.Store(true)
	section, err := r.Section(t.Context(), 0, r.Size())
	if err != nil {
		t.Fatal(err)
	}
	defer section.Close()
	got, err := io.ReadAll(section)
	if err != nil || !bytes.Equal(got, data) || short.Load() {
		t.Errorf("%d bytes, %v; a part was short: %v", len(got), err, !short.Load())
	}
}
