package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// ErrNotModified says that what the caller has is what the server has.
var ErrNotModified = errors.New("not modified")

var errImpatient = errors.New("no answer within the time that was given to it")

// Validator is what a server says to recognize a document by, for asking
// later whether it changed.
type Validator struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// GetNewer is [Client.Get] for a document of which the caller may have a copy:
// where have still fits, the error is [ErrNotModified]. If the server has not
// begun to answer after patience, retries included, it counts as unreachable;
// once it has begun, the usual limits hold.
func (c *Client) GetNewer(ctx context.Context, rawURL string, limit int64, have Validator, patience time.Duration) ([]byte, Validator, error) {
	target, err := url.Parse(rawURL)
	if err != nil {
		return nil, Validator{}, explain("get", rawURL, errors.New("not a URL"))
	}
	if target.Scheme == "file" {
		data, err := readFile(target, limit)
		return data, Validator{}, explain("read", rawURL, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(patience, func() { cancel(errImpatient) })
	defer timer.Stop()
	var data []byte
	var now Validator
	err = c.retry(ctx, func() error {
		a, err := c.open(ctx, target, have.header(), http.StatusOK, http.StatusNotModified)
		if err != nil {
			return err
		}
		defer a.Close()
		timer.Stop()
		if a.StatusCode == http.StatusNotModified {
			return errUnchanged
		}
		now = Validator{a.Header.Get("ETag"), a.Header.Get("Last-Modified")}
		data, err = readAll(a, limit)
		if err == nil && looksLikeHTML(data) {
			err = errLoginPage
		}
		return err
	})
	switch {
	case err == nil:
		return data, now, nil
	case errors.Is(err, errUnchanged):
		return nil, have, ErrNotModified
	case errors.Is(context.Cause(ctx), errImpatient):
		err = errImpatient
	}
	return nil, Validator{}, explain("get", rawURL, err)
}

// errUnchanged is final, so that retry hands it back at once.
var errUnchanged = &StatusError{Status: http.StatusNotModified}

func (v Validator) header() http.Header {
	h := http.Header{}
	if v.ETag != "" {
		h.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		h.Set("If-Modified-Since", v.LastModified)
	}
	return h
}
