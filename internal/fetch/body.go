package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// errRefused marks answers that another attempt would only repeat.
var errRefused = errors.New("an answer that cannot be used")

// Request asks for one large file.
type Request struct {
	URL string
	// Limit is the largest accepted size, in bytes. It must be set.
	Limit int64
	// Size is the size that the file must have; 0 if unknown.
	Size int64
	// Progress, if set, is called with the number of bytes so far and the total;
	// total is -1 if unknown. A download that has to
	// begin again reports a smaller number than before.
	Progress func(done, total int64)
}

// Body is a file that is being downloaded. Its Read continues where a broken connection
// stopped, so its user sees one uninterrupted stream or, when the retries are
// used up, an error. Whether resumed parts belong together is decided by the hash
// of the whole.
type Body struct {
	c         *Client
	ctx       context.Context
	req       Request
	target    *url.URL
	source    io.ReadCloser
	offset    int64 // position of the next byte, from the beginning of the file
	stop      int64 // position after the last byte wanted; -1: the end of the file
	total     int64 // size of the file; -1 until known
	validator string
	attempt   int
	mark      int64 // offset at which attempt was last 0
	failed    error // fault of source that is still to be dealt with
	section   bool  // a part is wanted, so an answer with the whole will not do
}

// progressThatCounts is what a connection must have delivered for its successor
// not to count as a retry of it. Without a minimum, a server that sends one byte
// per connection would be asked for ever.
const progressThatCounts = 64 << 10

// Open begins a download and returns when its first bytes have arrived. By then
// the answer is known not to be HTML, and to have the size of req.
func (c *Client) Open(ctx context.Context, req Request) (*Body, error) {
	target, err := url.Parse(req.URL)
	if err != nil {
		return nil, explain("download", req.URL, errors.New("not a URL"))
	}
	b := &Body{c: c, ctx: ctx, req: req, target: target, stop: -1, total: -1}
	if err := b.begin(); err != nil {
		return nil, explain("download", req.URL, err)
	}
	return b, nil
}

// Reopen is [Client.Open] of a file of which the first have bytes of an answer with that
// strong ETag are there already. Where the server has another file, and where it
// cannot tell, the download begins anew: [Body.Offset] is 0 then.
func (c *Client) Reopen(ctx context.Context, req Request, have int64, etag string) (*Body, error) {
	target, err := url.Parse(req.URL)
	if err != nil || target.Scheme == "file" || have == 0 || etag == "" {
		return c.Open(ctx, req)
	}
	b := &Body{c: c, ctx: ctx, req: req, target: target, stop: -1, total: -1, offset: have, mark: have, validator: etag}
	if err = b.begin(); Changed(err) {
		return c.Open(ctx, req)
	}
	if err != nil {
		return nil, explain("download", req.URL, err)
	}
	return b, nil
}

func (b *Body) begin() error {
	if b.target.Scheme == "file" {
		f, size, err := openFile(b.target)
		if err != nil {
			return err
		}
		b.source, b.total = f, size
		return b.checkSize()
	}
	return b.c.retry(b.ctx, b.connect)
}

// connect makes one attempt to get the bytes from b.offset on.
func (b *Body) connect() error {
	header := http.Header{"Accept-Encoding": {"identity"}}
	partial := b.section || b.offset > 0
	if partial {
		span := "bytes=" + strconv.FormatInt(b.offset, 10) + "-"
		if b.stop >= 0 {
			span += strconv.FormatInt(b.stop-1, 10)
		}
		header.Set("Range", span)
		if b.validator != "" {
			header.Set("If-Range", b.validator)
		}
	}
	accept := []int{http.StatusOK}
	if partial {
		accept = append(accept, http.StatusPartialContent)
	}
	a, err := b.c.open(b.ctx, b.target, header, accept...)
	if err != nil {
		var status *StatusError
		if partial && errors.As(err, &status) && status.Status == http.StatusRequestedRangeNotSatisfiable {
			return errChanged
		}
		return err
	}
	if err := b.adopt(a); err != nil {
		a.Close()
		return err
	}
	return nil
}

// adopt makes an answer the source of b after checking that it continues what
// b has.
func (b *Body) adopt(a *answer) error {
	if b.validator != "" && a.validator() != "" && a.validator() != b.validator {
		return errChanged
	}
	if a.StatusCode == http.StatusPartialContent {
		first, _, total, err := a.contentRange()
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		if first != b.offset || b.total >= 0 && total >= 0 && total != b.total {
			return errChanged
		}
		if b.total < 0 {
			b.total = total
		}
		if err := b.checkSize(); err != nil {
			return err
		}
		b.source = a
		return nil
	}
	if b.section {
		return ErrNoRanges
	}
	if b.total >= 0 && a.ContentLength >= 0 && a.ContentLength != b.total {
		return errChanged
	}
	if b.total < 0 {
		b.total = a.ContentLength
	}
	b.validator = a.validator()
	if err := b.checkSize(); err != nil {
		return err
	}
	if b.offset > 0 { // no ranges here: read again what is there already
		if _, err := io.CopyN(io.Discard, a, b.offset); err != nil {
			return unexpected(err)
		}
		b.source = a
		return nil
	}
	return b.sniff(a)
}

// sniff reads the beginning of a file and refuses what is not a file, such as a login page.
func (b *Body) sniff(a *answer) error {
	head := make([]byte, 512)
	n, err := io.ReadFull(a, head)
	switch {
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return err
	case err == io.ErrUnexpectedEOF && b.total >= 512, err == io.EOF && b.total > 0:
		return io.ErrUnexpectedEOF
	case looksLikeHTML(head[:n]):
		return errLoginPage
	}
	b.source = &sniffed{Reader: io.MultiReader(bytes.NewReader(head[:n]), a), Closer: a}
	return nil
}

type sniffed struct {
	io.Reader
	io.Closer
}

func (b *Body) checkSize() error {
	switch {
	case b.total > b.req.Limit:
		return &tooLargeError{b.req.Limit}
	case b.total >= 0 && b.req.Size > 0 && b.total != b.req.Size:
		return fmt.Errorf("%w: %d bytes where %d are expected", errRefused, b.total, b.req.Size)
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Offset is the position of the next byte.
func (b *Body) Offset() int64 { return b.offset }

// ETag is the strong ETag of the answer, empty where it has none.
func (b *Body) ETag() string { return b.validator }

// Size is the size of the file, -1 where the server doesn't say.
func (b *Body) Size() int64 { return b.total }

// Read returns the next bytes of the file.
func (b *Body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.stop >= 0 { // a server may send more than the part that was asked for
		if b.offset == b.stop {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), b.stop-b.offset)]
	}
	for {
		if b.failed != nil {
			if err := b.resume(); err != nil {
				return 0, explain("download", b.req.URL, err)
			}
		}
		n, err := b.source.Read(p)
		b.offset += int64(n)
		if b.offset > b.req.Limit {
			return 0, explain("download", b.req.URL, &tooLargeError{b.req.Limit})
		}
		switch {
		case err == io.EOF && !b.short():
			if n > 0 {
				b.report()
				return n, nil
			}
			return 0, io.EOF
		case err != nil:
			b.failed = unexpected(err)
		}
		if n > 0 {
			b.report()
			return n, nil
		}
	}
}

// short reports whether bytes are missing at the end of an answer.
func (b *Body) short() bool {
	switch {
	case b.stop >= 0:
		return b.offset < b.stop
	case b.total >= 0:
		return b.offset < b.total
	}
	return false
}

func (b *Body) report() {
	if b.req.Progress != nil {
		b.req.Progress(b.offset, b.total)
	}
}

// resume replaces a broken connection.
func (b *Body) resume() error {
	b.source.Close()
	if b.target.Scheme == "file" {
		return b.failed
	}
	if b.offset-b.mark >= progressThatCounts {
		b.attempt, b.mark = 0, b.offset
	}
	for err := b.failed; err != nil; err = b.connect() {
		b.attempt++
		if err := b.c.pause(b.ctx, b.attempt, err); err != nil {
			b.failed = err
			return err
		}
	}
	b.failed = nil
	return nil
}

// Close ends the download.
func (b *Body) Close() error { return b.source.Close() }

// File is what [Client.Download] writes to; *os.File is one.
type File interface {
	io.Writer
	io.Seeker
	Truncate(size int64) error
}

// Download writes a whole file to dst, from dst's beginning, and returns its
// size. If the file changes on the server meanwhile, it begins again, once.
func (c *Client) Download(ctx context.Context, req Request, dst File) (int64, error) {
	n, err := c.download(ctx, req, dst)
	if Changed(err) {
		n, err = c.download(ctx, req, dst)
	}
	return n, err
}

func (c *Client) download(ctx context.Context, req Request, dst File) (int64, error) {
	if _, err := dst.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	if err := dst.Truncate(0); err != nil {
		return 0, err
	}
	body, err := c.Open(ctx, req)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	return body.CopyTo(dst)
}

// CopyTo writes the rest of the file to w, and returns how many bytes that were.
func (b *Body) CopyTo(w io.Writer) (int64, error) {
	// A buffer larger than io.Copy's, and no ReaderFrom: *os.File's would
	// fall back to 32 KiB.
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{b}, make([]byte, 256<<10))
}
