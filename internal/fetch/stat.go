package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// Stat returns whether the file at rawURL exists, and its size;
// 0 if unknown. It asks for the first byte rather than for
// the header alone (HEAD): servers that redirect to signed URLs of a storage
// service answer HEAD otherwise than the GET that is to follow.
func (c *Client) Stat(ctx context.Context, rawURL string) (int64, error) {
	target, err := url.Parse(rawURL)
	if err != nil {
		return 0, explain("look for", rawURL, errors.New("not a URL"))
	}
	if target.Scheme == "file" {
		f, size, err := openFile(target)
		if err != nil {
			return 0, explain("look for", rawURL, err)
		}
		return size, f.Close()
	}
	var size int64
	header := http.Header{"Accept-Encoding": {"identity"}, "Range": {"bytes=0-0"}}
	err = c.retry(ctx, func() error {
		a, err := c.open(ctx, target, header, http.StatusPartialContent, http.StatusOK)
		if err != nil {
			return err
		}
		defer a.Close()
		size = max(0, a.ContentLength)
		if a.StatusCode == http.StatusPartialContent {
			_, _, total, err := a.contentRange()
			if err != nil {
				return err
			}
			size = max(0, total)
		}
		head := make([]byte, 64)
		n, err := io.ReadFull(a, head)
		switch {
		case looksLikeHTML(head[:n]):
			return errLoginPage
		case err == io.EOF || err == io.ErrUnexpectedEOF && size <= int64(n) || a.StatusCode == http.StatusPartialContent:
			return nil
		}
		return err
	})
	return size, explain("look for", rawURL, err)
}
