package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
)

// A stalled server is a fault of the network, which is tried again, also where
// net/http reports it as canceled, as it does with HTTP/2.
func TestGet_stallOverHTTP2(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/2.0" {
			t.Error(r.Proto)
		}
		_, _ = io.WriteString(w, "begin")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	client := newClient(func(config *fetch.Config) {
		config.Transport = s.Client().Transport
		config.Timeouts.Stall = time.Millisecond // the answer never goes on, however long it takes
	})
	_, err := client.Get(t.Context(), s.URL+"/file", 1000)
	wantCode(t, err, diag.Network, "the server stopped sending")
}

// drip is a body that gives some bytes at a time, with a pause before them.
type drip struct {
	ctx   context.Context
	left  int
	bytes int
	pause time.Duration
	deaf  bool // goes on when nobody waits for it any more
	ready int  // bytes that need no pause
}

func (d *drip) Read(p []byte) (int, error) {
	if d.ready == 0 {
		if d.left == 0 {
			return 0, io.EOF
		}
		select {
		case <-time.After(d.pause):
		case <-d.ctx.Done():
			return 0, context.Cause(d.ctx)
		}
		d.left, d.ready = d.left-1, d.bytes
	}
	n := min(len(p), d.ready)
	d.ready -= n
	return n, nil
}

func (d *drip) RoundTrip(r *http.Request) (*http.Response, error) {
	body := *d
	body.ctx = r.Context()
	if d.deaf {
		body.ctx = context.Background()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(&body), ContentLength: -1}, nil
}

// A kilobyte within the stall timeout is enough to be waited for, and less is not.
func TestGet_trickle(t *testing.T) {
	t.Parallel()
	for n, ok := range map[int]bool{1024: true, 1023: false} {
		synctest.Test(t, func(t *testing.T) {
			client := newClient(func(config *fetch.Config) { config.Transport = &drip{left: 10, bytes: n, pause: 29 * time.Second} })
			data, err := client.Get(t.Context(), "http://host.invalid/x", 1<<20)
			if (err == nil) != ok || ok && len(data) != 10*n {
				t.Errorf("%d bytes at a time: %d, %v", n, len(data), err)
			}
		})
	}
}

// What came whole is good, if only just after it was given up.
func TestGet_justTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(func(config *fetch.Config) {
			config.Transport = &drip{left: 2, bytes: 1024, pause: 31 * time.Second, deaf: true}
		})
		if data, err := client.Get(t.Context(), "http://host.invalid/x", 1<<20); err != nil || len(data) != 2048 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	})
}

// The time that a reader takes before it begins is not a stall either.
func TestRanges_slowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, data, client := timelessServer(t, 3<<20)
		r, err := client.Ranges(t.Context(), s.URL+"/file")
		if err != nil {
			t.Fatal(err)
		}
		section, err := r.Section(t.Context(), 1000, 5000)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		got, err := io.ReadAll(section)
		if err := errors.Join(err, section.Close()); err != nil || !bytes.Equal(got, data[1000:6000]) {
			t.Error(len(got), err)
		}
		if got := fmt.Sprint(s.Requests()); got != "[/file bytes=-2097152 /file bytes=1000-5999]" {
			t.Errorf("requests %s", got)
		}
	})
}
