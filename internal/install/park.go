package install

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
)

// parking has the archives that Prepare opened, by URL. A nil parking keeps none.
type parking struct {
	dir string

	mu     sync.Mutex
	parked map[string]parked
}

// parked is one archive. Its end, 2 MB, is in a file without a name until the
// install resumes it: a batch may be of any number of releases.
type parked struct {
	reader *fetch.RangeReader
	tail   *os.File
	size   int
}

// park keeps the reader of a file for the install. Where that is not possible,
// the install opens the file again.
func (p *parking) park(url string, r *fetch.RangeReader) {
	if p == nil {
		return
	}
	file, err := scratchFile(p.dir)
	if err != nil {
		return
	}
	size, err := file.Write(r.Tail())
	if err != nil {
		_ = file.Close()
		return
	}
	r.SetTail(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parked == nil {
		p.parked = map[string]parked{}
	}
	p.parked[url] = parked{r, file, size}
}

// scratchFile returns a new file in dir that has no name, so that nothing of it is
// left, whatever ends the install.
func scratchFile(dir string) (*os.File, error) {
	if err := fsx.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(dir, fsx.TempPrefix)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// take returns the reader of a file with its tail, for another context, and nil
// where none is kept. It returns each once.
func (p *parking) take(ctx context.Context, url string) *fetch.RangeReader {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	one, ok := p.parked[url]
	delete(p.parked, url)
	p.mu.Unlock()
	if !ok {
		return nil
	}
	tail := make([]byte, one.size)
	_, err := one.tail.ReadAt(tail, 0)
	if errors.Join(err, one.tail.Close()) != nil {
		return nil
	}
	r := one.reader.With(ctx)
	r.SetTail(tail)
	return r
}

// close lets go of what nobody took.
func (p *parking) close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.parked {
		_ = one.tail.Close() // it was only read
	}
	p.parked = nil
}
