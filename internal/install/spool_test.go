package install

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
)

// tracked counts readers that are open.
type tracked struct {
	io.Reader
	open *atomic.Int32
}

func (r tracked) Close() error {
	r.open.Add(-1)
	return nil
}

// Spans are asked for ahead, as many as lookahead says, and arrive in order.
func TestSpool_asksAhead(t *testing.T) {
	t.Parallel()
	remote := bytes.Repeat([]byte("0123456789"), 100)
	var spans []span
	var want []byte
	for i := range int64(10) {
		spans = append(spans, span{start: i * 100, end: i*100 + 50})
		want = append(want, remote[i*100:i*100+50]...)
	}
	broken := errors.New("the server is gone")
	for _, c := range []struct {
		name string
		have int64
		fail int64 // the span that cannot be had
		err  error
	}{{"all", 0, -1, nil}, {"resumed", 120, -1, nil}, {"broken", 0, 6, broken}} {
		s, err := openSpool(t.TempDir(), "x.partial", spans, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.file.WriteAt(want[:c.have], 0); err != nil {
			t.Fatal(err)
		}
		s.have = c.have
		var open, asked atomic.Int32
		enough := make(chan struct{})
		s.fill(t.Context(), func(ctx context.Context, off, n int64) (io.ReadCloser, error) {
			if asked.Add(1) == lookahead {
				close(enough)
			}
			<-enough
			if off/100 == c.fail {
				return nil, broken
			}
			open.Add(1)
			return tracked{bytes.NewReader(remote[off : off+n]), &open}, nil
		}, func(int64) {})
		if err := s.await(s.total); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.name, err)
		}
		got, err := os.ReadFile(s.file.Name())
		if err != nil || !bytes.HasPrefix(want, got) || c.err == nil && len(got) != len(want) || c.err != nil && int64(len(got)) != c.fail*50 {
			t.Errorf("%s: %d bytes, %q, %v", c.name, len(got), got, err)
		}
		if n := open.Load(); n != 0 {
			t.Errorf("%s: %d readers are left open", c.name, n)
		}
		if err := s.close(false); err != nil {
			t.Error(err)
		}
	}
}

// A prune leaves alone what a running install has locked, the private spool of
// a second one too.
func TestSpool_isHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		s, err := openSpool(dir, "x.partial", nil, true)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close(true)
		if held, err := fsx.RemoveUnheld(dir, filepath.Base(s.file.Name())); !held || err != nil {
			t.Errorf("%s: held %v, %v", s.file.Name(), held, err)
		}
		if !fsx.Held(s.file.Name()) || !hasItsName(s.file) {
			t.Errorf("%s is gone", s.file.Name())
		}
	}
}
