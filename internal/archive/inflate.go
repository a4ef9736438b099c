package archive

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"

	"github.com/vmgo/vmgo/internal/diag"
)

// inflater inflates whole members. Its tables are used again and again.
type inflater struct {
	r   io.ReadCloser
	src bytes.Reader
}

var (
	errInflate  = errors.New("the packed data are damaged")
	errTooLong  = errors.New("there is more in it than the directory promises")
	errLeftOver = errors.New("bytes follow the packed data")
)

// all inflates packed into dst, whose length is the size that it must have.
func (f *inflater) all(dst, packed []byte) ([]byte, error) {
	f.src.Reset(packed)
	if f.r == nil {
		f.r = flate.NewReader(&f.src)
	} else if err := f.r.(flate.Resetter).Reset(&f.src, nil); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(f.r, dst); err != nil {
		return nil, errInflate
	}
	var one [1]byte
	switch n, err := io.ReadFull(f.r, one[:]); {
	case n > 0:
		return nil, errTooLong
	case err != io.EOF:
		return nil, errInflate
	case f.src.Len() > 0:
		return nil, errLeftOver
	}
	return dst, nil
}

func inMember(err error, m *Member) error {
	if errors.Is(err, errInflate) || errors.Is(err, errTooLong) || errors.Is(err, errLeftOver) {
		return diag.Wrap(diag.ArchiveUnsafe, err, "the archive's file "+shorten(m.Path)+" cannot be unpacked")
	}
	return err
}
