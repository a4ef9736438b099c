package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// ErrNotModified means that the caller's copy is the server's current one.
var ErrNotModified = errors.New("not modified")

var errImpatient = errors.New("no answer within its time limit")

// Validator is what a server sends to identify a document, to ask later
// whether it changed.
type Validator struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// Patience is how long a caller waits for a server that it can do without,
// retries included; 0 means as long as for any other. A connection is what a
// network that swallows packets never gives, so that limit may be close; the
// answer has to be waited for on a slow machine or network too.
type Patience struct {
	Connection time.Duration // until there is one
	Answer     time.Duration // until an answer begins
}

// start calls cancel when p is exhausted. Its results report that there is a
// connection, and an answer.
func (p Patience) start(cancel func()) (connected, answered func() bool) {
	after := func(d time.Duration) func() bool {
		if d == 0 {
			return func() bool { return true }
		}
		return time.AfterFunc(d, cancel).Stop
	}
	return after(p.Connection), after(p.Answer)
}

// GetNewer is [Client.Get] for a document of which the caller may have a copy:
// where have still fits, the error is [ErrNotModified]. A server that exhausts
// the patience counts as unreachable; once an answer has begun, the usual limits
// hold.
func (c *Client) GetNewer(ctx context.Context, rawURL string, limit int64, have Validator, patience Patience) ([]byte, Validator, error) {
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
	connected, answered := patience.start(func() { cancel(errImpatient) })
	defer func() { connected(); answered() }()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected() }})
	var data []byte
	var now Validator
	err = c.retry(ctx, func() error {
		a, err := c.open(ctx, target, have.header(), http.StatusOK, http.StatusNotModified)
		if err != nil {
			return err
		}
		defer a.Close()
		answered()
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

// errUnchanged is final, so that retry returns it at once.
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
