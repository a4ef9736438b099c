package bundle

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// partial is a download that a later process can resume: the bytes so far, and beside them
// the URL and the strong ETag that they are of. The lock of the cache keeps other
// processes away.
type partial struct {
	file *os.File
	mark string // the file with URL and ETag
}

// Download fetches a file, which appears as a whole. What arrived of it before an
// interrupt is there for the next time, if the server has a strong ETag for it.
func (c *Creator) Download(ctx context.Context, request fetch.Request, to string) error {
	err := c.downloadPartly(ctx, request, to)
	if fsx.IsFull(err) {
		err = diag.Wrap(diag.DiskFull, err, "no room for downloads in "+c.Cache, "df -h "+diag.Word(c.Cache))
	}
	return err
}

func (c *Creator) downloadPartly(ctx context.Context, request fetch.Request, to string) (err error) {
	if err := fsx.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := fsx.OpenOwn(to+".partial", 0o644)
	if err != nil {
		return err
	}
	p := partial{file: f, mark: to + ".partial.etag"}
	if err = p.fill(ctx, c.Client, request); fetch.Changed(err) {
		err = p.fill(ctx, c.Client, request)
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return errors.Join(err, p.settle(err))
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return err
	}
	return p.forget()
}

// fill downloads what the partial file lacks, or all where the server has another file.
func (p partial) fill(ctx context.Context, client *fetch.Client, request fetch.Request) error {
	have, err := p.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	text, _ := smallfile.Read(p.mark, smallfile.Usual) // without it, from the beginning
	url, etag, _ := strings.Cut(string(text), "\n")
	if url != request.URL {
		etag = ""
	}
	body, err := client.Reopen(ctx, request, have, etag)
	if err != nil {
		return err
	}
	defer body.Close()
	if body.Offset() == 0 {
		if err := p.begin(request, body.ETag()); err != nil {
			return err
		}
	}
	_, err = body.CopyTo(p.file)
	return err
}

// begin empties the file and remembers what it will have. Small files are not worth it.
func (p partial) begin(request fetch.Request, etag string) error {
	if err := p.forget(); err != nil {
		return err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := p.file.Truncate(0); err != nil || etag == "" || request.Limit <= maxSmall {
		return err
	}
	return fsx.WriteFile(p.mark, []byte(request.URL+"\n"+etag), 0o600)
}

// settle keeps the file after an error if it can be resumed.
func (p partial) settle(err error) error {
	if _, unmarked := os.Lstat(p.mark); unmarked == nil && !fsx.IsFull(err) {
		return nil
	}
	return errors.Join(os.Remove(p.file.Name()), p.forget())
}

func (p partial) forget() error {
	if err := os.Remove(p.mark); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
