package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
)

// tailSize is fetched by the first request of a RangeReader. It holds the whole
// central directory of any toolchain zip (1.2 to 1.6 MB), so one round trip
// tells both the size and the members.
const tailSize = 2 << 20

// RangeReader reads a remote file at any position, as an io.ReaderAt over HTTP
// ranges. It is safe for concurrent use. The server's file must not change
// meanwhile; if that is noticed, reading fails.
type RangeReader struct {
	c      *Client
	ctx    context.Context
	req    Request
	target *url.URL
	size   int64
	etag   string
	tail   []byte // the last bytes of the file
	file   *os.File
}

// Ranges opens the file at rawURL for reading at any position. It fails with
// [ErrNoRanges] in the chain if the server sends only whole files; use
// [Client.Open] then. The context serves ReadAt too.
func (c *Client) Ranges(ctx context.Context, rawURL string) (*RangeReader, error) {
	target, err := url.Parse(rawURL)
	if err != nil {
		return nil, explain("read", rawURL, errors.New("not a URL"))
	}
	r := &RangeReader{c: c, ctx: ctx, target: target, req: Request{URL: rawURL}}
	if target.Scheme == "file" {
		r.file, r.size, err = openFile(target)
	} else {
		err = c.retry(ctx, func() error { return r.first(tailSize) })
	}
	if err != nil {
		return nil, explain("read", rawURL, err)
	}
	return r, nil
}

// first requests the end of the file, where a zip has its directory.
func (r *RangeReader) first(n int64) error {
	header := http.Header{"Accept-Encoding": {"identity"}, "Range": {"bytes=-" + strconv.FormatInt(n, 10)}}
	a, err := r.c.open(r.ctx, r.target, header, http.StatusPartialContent, http.StatusOK)
	if err != nil {
		var status *StatusError
		if errors.As(err, &status) && status.Status == http.StatusRequestedRangeNotSatisfiable {
			return ErrNoRanges // an empty file, or no suffix ranges
		}
		return err
	}
	defer a.Close()
	if a.StatusCode == http.StatusOK {
		head := make([]byte, 64)
		got, _ := io.ReadFull(a, head)
		if looksLikeHTML(head[:got]) {
			return errLoginPage
		}
		return ErrNoRanges
	}
	from, last, total, err := a.contentRange()
	if err != nil || total < 0 || last != total-1 || from != max(0, total-n) {
		return ErrNoRanges
	}
	r.tail, err = readAll(a, total-from)
	if err == nil && int64(len(r.tail)) < total-from {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && from == 0 && looksLikeHTML(r.tail) {
		err = errLoginPage
	}
	r.size, r.etag = total, a.validator()
	return err
}

// Size is the size of the file.
func (r *RangeReader) Size() int64 { return r.size }

// Tail returns the end of the file, which came with the first answer: nothing for a
// file of this machine. It must not be changed.
func (r *RangeReader) Tail() []byte { return r.tail }

// SetTail replaces the tail: by nothing, to do without its memory for a while,
// and then by what [RangeReader.Tail] returned.
func (r *RangeReader) SetTail(tail []byte) { r.tail = tail }

// With returns a reader of the same file whose ReadAt uses another context. Close
// only one of the two.
func (r *RangeReader) With(ctx context.Context) *RangeReader {
	other := *r
	other.ctx = ctx
	return &other
}

// ReadAt reads len(p) bytes from position off on, with retries.
func (r *RangeReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at %d", off)
	}
	if off >= r.size {
		return 0, io.EOF
	}
	want := min(int64(len(p)), r.size-off)
	section, err := r.Section(r.ctx, off, want)
	if err != nil {
		return 0, err
	}
	defer section.Close()
	n, err := io.ReadFull(section, p[:want])
	if err == nil && want < int64(len(p)) {
		err = io.EOF
	}
	return n, err
}

// Section streams n bytes from position off on, in one request that is resumed
// like that of a [Body].
func (r *RangeReader) Section(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	if off < 0 || n < 0 || off > r.size-n {
		return nil, fmt.Errorf("section %d+%d of %d bytes", off, n, r.size)
	}
	if r.file != nil {
		return io.NopCloser(io.NewSectionReader(r.file, off, n)), nil
	}
	if n == 0 {
		return http.NoBody, nil
	}
	tailStart := r.size - int64(len(r.tail))
	if off >= tailStart {
		return io.NopCloser(bytes.NewReader(r.tail[off-tailStart:][:n])), nil
	}
	req := Request{URL: r.req.URL, Limit: r.size}
	b := &Body{c: r.c, ctx: ctx, req: req, target: r.target, offset: off, mark: off, stop: off + n,
		total: r.size, validator: r.etag, section: true}
	if err := r.c.retry(ctx, b.connect); err != nil {
		return nil, explain("read", r.req.URL, err)
	}
	return b, nil
}

// Close releases what the reader holds. Sections that are still open are not
// affected unless they are of a file:// URL.
func (r *RangeReader) Close() error {
	if r.file != nil {
		return r.file.Close()
	}
	return nil
}
