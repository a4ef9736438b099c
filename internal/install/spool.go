package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

// span is a part of the remote file, and where the spool has it.
type span struct {
	start, end int64 // in the remote file
	at         int64 // in the spool
}

// spool is the file of the cache into which a download goes while an
// extraction reads it already. It holds the spans one after the other, so that
// its length says how far it is, also to the process that resumes it.
type spool struct {
	file  *os.File
	spans []span
	total int64

	mu      sync.Mutex
	changed *sync.Cond
	have    int64
	err     error // why no more will come
}

// openSpool opens the spool of that name in dir for the spans. One that is in
// use by another process is left alone, and a private one taken.
func openSpool(dir, name string, spans []span, fresh bool) (*spool, error) {
	s := &spool{}
	s.changed = sync.NewCond(&s.mu)
	for _, sp := range spans {
		sp.at = s.total
		s.total += sp.end - sp.start
		s.spans = append(s.spans, sp)
	}
	file, err := openAlone(dir, name)
	if err != nil {
		return nil, spoolFault(dir, err)
	}
	s.file = file
	if info, err := file.Stat(); err == nil && !fresh && info.Size() <= s.total {
		s.have = info.Size()
	}
	if err := file.Truncate(s.have); err != nil {
		return nil, errors.Join(spoolFault(dir, err), file.Close())
	}
	return s, nil
}

// openAlone makes the directory too, again and again: a prune beside us may take
// it away at any moment.
func openAlone(dir, name string) (file *os.File, err error) {
	for range 100 {
		if err := fsx.MkdirAll(dir, 0o700); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if file, err = openIn(dir, name); !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	return file, err
}

func openIn(dir, name string) (*os.File, error) {
	file, err := fsx.OpenOwn(filepath.Join(dir, name), 0o600)
	if err != nil && !fsx.IsSpecial(err) {
		return nil, err
	}
	if err == nil {
		// The flock(2) is what other installs and a prune leave the file alone for.
		if got, err := fsx.TryFlock(file); err == nil && got && hasItsName(file) {
			return file, nil
		}
		file.Close()
	}
	if file, err = os.CreateTemp(dir, name+".*"); err != nil {
		return nil, err
	}
	if got, err := fsx.TryFlock(file); err == nil && !(got && hasItsName(file)) {
		return nil, errors.Join(os.ErrNotExist, file.Close()) // a prune was faster
	}
	return file, nil
}

func hasItsName(file *os.File) bool {
	a, errA := file.Stat()
	b, errB := os.Stat(file.Name())
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// spoolFault gives an error of the cache its code.
func spoolFault(dir string, err error) error {
	if fsx.IsFull(err) {
		return diag.Wrap(diag.DiskFull, err, "no room for downloads in "+dir, "df -h "+diag.Word(dir))
	}
	if errors.Is(err, os.ErrPermission) || fsx.IsReadOnly(err) {
		return diag.Wrap(diag.Failure, err, "downloads cannot be kept in "+dir, `export XDG_CACHE_HOME="$(mktemp -d)"   # or a directory of your own`)
	}
	return fmt.Errorf("the cache of downloads: %w", err)
}

// fill takes the bytes that are missing from open, which gives a part of the
// remote file, until all are there or ctx ends. It is to be called once.
func (s *spool) fill(ctx context.Context, open section, report func(have int64)) {
	err := s.copyAll(ctx, open, report)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = io.EOF
	}
	s.err = err
	s.changed.Broadcast()
}

// section returns a part of the remote file.
type section func(ctx context.Context, off, n int64) (io.ReadCloser, error)

// lookahead is how many spans are asked for at a time. Their contents are read
// one after the other; what is saved is the way there and back for each.
const lookahead = 4

func (s *spool) copyAll(ctx context.Context, open section, report func(have int64)) error {
	ctx, cancel := context.WithCancel(ctx)
	asked := s.ask(ctx, open)
	defer func() {
		cancel()
		for answer := range asked {
			if got := <-answer; got.err == nil {
				got.r.Close()
			}
		}
	}()
	buf := make([]byte, 256<<10)
	for answer := range asked {
		got := <-answer
		if got.err != nil {
			return got.err
		}
		err := s.copy(ctx, got.r, got.upTo, buf, report)
		if err = errors.Join(err, got.r.Close()); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// opened is a span whose contents begin to arrive, or cannot.
type opened struct {
	r    io.ReadCloser
	upTo int64 // where it ends in the spool
	err  error
}

// ask asks for what is missing, a few spans ahead of who reads the answers.
func (s *spool) ask(ctx context.Context, open section) <-chan chan opened {
	have := s.have
	asked := make(chan chan opened, lookahead-1)
	go func() {
		defer close(asked)
		for _, sp := range s.spans {
			done := max(have-sp.at, 0)
			if done >= sp.end-sp.start {
				continue
			}
			answer := make(chan opened, 1)
			select {
			case asked <- answer:
			case <-ctx.Done():
				return
			}
			go func() {
				r, err := open(ctx, sp.start+done, sp.end-sp.start-done)
				answer <- opened{r, sp.at + sp.end - sp.start, err}
			}()
		}
	}()
	return asked
}

// copy appends from r until the spool has upTo bytes.
func (s *spool) copy(ctx context.Context, r io.Reader, upTo int64, buf []byte, report func(have int64)) error {
	for s.have < upTo {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := r.Read(buf[:min(int64(len(buf)), upTo-s.have)])
		if n > 0 {
			if _, err := s.file.WriteAt(buf[:n], s.have); err != nil {
				return spoolFault(filepath.Dir(s.file.Name()), err)
			}
			s.mu.Lock()
			s.have += int64(n)
			s.changed.Broadcast()
			s.mu.Unlock()
			report(s.have)
		}
		if err == io.EOF && s.have < upTo {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

// ReadAt waits for bytes that are on their way. ok is false for those that no
// span covers.
func (s *spool) readAt(p []byte, off int64) (ok bool, err error) {
	i := sort.Search(len(s.spans), func(i int) bool { return s.spans[i].end > off })
	if i == len(s.spans) || off < s.spans[i].start || off+int64(len(p)) > s.spans[i].end {
		return false, nil
	}
	at := s.spans[i].at + off - s.spans[i].start
	if err := s.await(at + int64(len(p))); err != nil {
		return true, err
	}
	_, err = s.file.ReadAt(p, at)
	return true, err
}

// await blocks until the spool has n bytes or nothing more will come.
func (s *spool) await(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.have < n && s.err == nil {
		s.changed.Wait()
	}
	if s.have >= n {
		return nil
	}
	if s.err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return s.err
}

// close lets go of the spool, and keeps what it has for a later process if
// asked to and there is something.
func (s *spool) close(keep bool) error {
	var err error
	if !keep || s.have == 0 {
		// It is elsewhere already if it was rejected.
		if err = os.Remove(s.file.Name()); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	return errors.Join(err, s.file.Close())
}
