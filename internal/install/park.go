package install

import (
	"context"
	"errors"
	"os"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
)

// parked is an archive that Prepare opened. Its end, 2 MB, is in a file without
// a name until the install takes it up: a batch may be of any number of releases.
type parked struct {
	reader *fetch.RangeReader
	tail   *os.File
	size   int
}

// park keeps the reader of a file for the install. Where that is not possible,
// the install opens the file again.
func (in *Installer) park(url string, r *fetch.RangeReader) {
	if fsx.MkdirAll(in.CacheDir, 0o700) != nil {
		return
	}
	file, err := os.CreateTemp(in.CacheDir, "tail-")
	if err != nil {
		return
	}
	size, err := file.Write(r.Tail())
	if errors.Join(err, os.Remove(file.Name())) != nil {
		_ = file.Close()
		return
	}
	r.SetTail(nil)
	in.planned.Store(url, &parked{r, file, size})
}

// resume returns the reader with its tail, for another context.
func (p *parked) resume(ctx context.Context) (*fetch.RangeReader, error) {
	tail := make([]byte, p.size)
	_, err := p.tail.ReadAt(tail, 0)
	if err := errors.Join(err, p.tail.Close()); err != nil {
		return nil, err
	}
	r := p.reader.With(ctx)
	r.SetTail(tail)
	return r, nil
}
