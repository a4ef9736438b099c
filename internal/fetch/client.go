// Package fetch is vmgo's only access to the network: every byte that vmgo downloads
// comes through a [Client].
//
// Its promises: no request hangs for ever (connecting, the TLS handshake, the
// answer's header and every stretch of silence or near silence have their
// limits, while a slow but living download has all the time it needs); transient faults are tried
// again, with growing pauses, and a broken download continues where it stopped;
// every answer has a size limit; https is never left for http; a page of HTML
// is never taken for data; and credentials never appear in a message.
// Nothing here verifies content: package trust does that.
//
// file:// URLs are handled here, in file.go, and nowhere else.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

// Config describes how a [Client] reaches the network. The zero value of every
// field but Transport means the default.
type Config struct {
	// Transport carries the requests. An *http.Transport is cloned and given
	// the proxies, certificates and timeouts of this Config; any other
	// RoundTripper is used as it is.
	Transport http.RoundTripper
	// Env is the environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY (and in lower
	// case), SSL_CERT_FILE, SSL_CERT_DIR, NETRC, HOME, GOAUTH.
	Env map[string]string
	// Offline forbids everything but file:// URLs.
	Offline bool
	// UserAgent names the program to servers.
	UserAgent string
	// Timeouts limit the silences.
	Timeouts Timeouts
	// Attempts is how often a request is made before a transient fault is
	// final. A download that made progress in between starts counting anew.
	Attempts int
	// Now is the clock, for Retry-After dates.
	Now func() time.Time
	// Sleep waits between attempts, until ctx ends at the latest.
	Sleep func(ctx context.Context, d time.Duration) error
	// Jitter returns a number in [0,1) that spreads the pauses.
	Jitter func() float64
}

// Timeouts are the longest silences that a client waits through.
type Timeouts struct {
	Connect time.Duration // TCP connection
	TLS     time.Duration // TLS handshake
	Header  time.Duration // from the request to the header of the answer
	Stall   time.Duration // with less than a kilobyte, in the middle of an answer
}

// Client is the program's HTTP client. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	config  Config
	netrc   func() []netrcLine
	certErr error
}

const (
	maxRedirects  = 10
	maxRetryAfter = 30 * time.Second
	firstPause    = 400 * time.Millisecond
	longestPause  = 8 * time.Second
	// connectAttempts is fewer than the usual Attempts: where packets vanish,
	// each costs the whole timeout.
	connectAttempts = 2
)

// New makes a Client.
func New(config Config) *Client {
	defaults(&config)
	c := &Client{config: config}
	transport := config.Transport
	if base, ok := transport.(*http.Transport); ok {
		transport, c.certErr = prepare(base, config)
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	c.netrc = sync.OnceValue(func() []netrcLine { return readNetrc(config.Env) })
	return c
}

func defaults(config *Config) {
	setDefault(&config.UserAgent, "vmgo")
	setDefault(&config.Attempts, 4)
	setDefault(&config.Timeouts.Connect, 15*time.Second)
	setDefault(&config.Timeouts.TLS, 15*time.Second)
	setDefault(&config.Timeouts.Header, 60*time.Second)
	setDefault(&config.Timeouts.Stall, 30*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Jitter == nil {
		config.Jitter = rand.Float64
	}
	if config.Sleep == nil {
		config.Sleep = sleep
	}
	if config.Transport == nil {
		config.Transport = http.DefaultTransport
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepare returns a copy of base that obeys config. A set of certificates that
// cannot be read is reported by the first https request, since a file:// or
// http source does not need it.
func prepare(base *http.Transport, config Config) (*http.Transport, error) {
	t := base.Clone()
	t.Proxy = proxyFunc(config.Env)
	t.TLSHandshakeTimeout = config.Timeouts.TLS
	t.ResponseHeaderTimeout = config.Timeouts.Header
	dial := t.DialContext
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		limited, cancel := context.WithTimeout(ctx, config.Timeouts.Connect)
		defer cancel()
		conn, err := dial(limited, network, addr)
		if err != nil && ctx.Err() == nil && limited.Err() != nil {
			err = fmt.Errorf("%w with %s within %v", errConnect, addr, config.Timeouts.Connect)
		}
		return conn, err
	}
	// A connection that HTTP/2 keeps although its other end is gone would
	// swallow every retry: ping it.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: config.Timeouts.Stall / 2, PingTimeout: config.Timeouts.Connect}
	pool, err := certPool(config.Env)
	if err != nil {
		return t, err
	}
	if pool != nil {
		tls := newTLSConfig(t.TLSClientConfig)
		tls.RootCAs = pool
		t.TLSClientConfig = tls
	}
	return t, nil
}

var (
	errDowngrade = errors.New("redirected from https to http, which is refused")
	errRedirects = errors.New("more than 10 redirects")
	errScheme    = errors.New("only https, http and file URLs are supported")
)

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errRedirects
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errDowngrade
	}
	return nil
}

// open is one attempt: it sends a GET with the given extra header and returns
// an answer with a status in accept, its body guarded against stalls.
func (c *Client) open(ctx context.Context, target *url.URL, header http.Header, accept ...int) (*answer, error) {
	if target.Scheme != "https" && target.Scheme != "http" {
		return nil, errScheme
	}
	if c.config.Offline {
		return nil, errOffline
	}
	if c.certErr != nil && target.Scheme == "https" {
		return nil, c.certErr
	}
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		cancel(nil)
		return nil, errors.New("not a valid URL")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", c.config.UserAgent)
	c.authorize(req)
	resp, err := c.http.Do(req)
	if err != nil {
		cancel(nil)
		return nil, bare(err)
	}
	a := newAnswer(ctx, cancel, resp, c.config.Timeouts.Stall)
	for _, status := range accept {
		if resp.StatusCode == status {
			return a, nil
		}
	}
	defer a.Close()
	return nil, statusError(a, c.config.Now())
}

// retry runs try until it succeeds, fails for good, or has failed too often.
func (c *Client) retry(ctx context.Context, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil {
			return nil
		}
		if err := c.pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// pause waits before the next attempt; it returns the error to stop with if
// there is none.
func (c *Client) pause(ctx context.Context, attempt int, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !transient(err) || attempt >= c.config.Attempts || errors.Is(err, errConnect) && attempt >= connectAttempts {
		return err
	}
	wait := min(firstPause<<(attempt-1), longestPause)
	wait = time.Duration(float64(wait) * (0.5 + c.config.Jitter()/2))
	var status *StatusError
	if errors.As(err, &status) && status.RetryAfter > 0 {
		if status.RetryAfter > maxRetryAfter {
			return err
		}
		wait = max(wait, status.RetryAfter)
	}
	return c.config.Sleep(ctx, wait)
}

// Get returns the answer to a GET of rawURL, which may have limit bytes at most.
// Errors are *diag.Error; see [NotHere] and [Gone].
func (c *Client) Get(ctx context.Context, rawURL string, limit int64) ([]byte, error) {
	target, err := url.Parse(rawURL)
	if err != nil {
		return nil, explain("get", rawURL, errors.New("not a URL"))
	}
	if target.Scheme == "file" {
		data, err := readFile(target, limit)
		return data, explain("read", rawURL, err)
	}
	var data []byte
	err = c.retry(ctx, func() error {
		a, err := c.open(ctx, target, nil, http.StatusOK)
		if err != nil {
			return err
		}
		defer a.Close()
		data, err = readAll(a, limit)
		if err == nil && looksLikeHTML(data) {
			err = errLoginPage
		}
		return err
	})
	if err != nil {
		return nil, explain("get", rawURL, err)
	}
	return data, nil
}

// explain returns the user-facing error of a failed request.
func explain(verb, rawURL string, err error) error {
	if err == nil {
		return nil
	}
	var known *diag.Error
	if errors.As(err, &known) {
		return err
	}
	what := "cannot " + verb + " " + Redact(rawURL)
	switch {
	case errors.Is(err, context.Canceled):
		return diag.Wrap(diag.Interrupted, canceled{err}, what)
	case errors.Is(err, errOffline):
		return diag.Wrap(diag.Offline, err, what, "unset VMGO_OFFLINE")
	}
	return diag.Wrap(diag.Network, err, what, hintFor(err, rawURL)...)
}

// canceled is a context.Canceled in words for people.
type canceled struct{ err error }

// Error returns "interrupted".
func (c canceled) Error() string { return "interrupted" }

// Unwrap returns the error of the context.
func (c canceled) Unwrap() error { return c.err }

// Redact returns a URL as it may be shown: without its credentials, also where
// they keep it from being a URL, such as a password with a slash.
func Redact(rawURL string) string {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return rawURL
	}
	end := strings.IndexAny(rest, "/?#")
	if _, err := url.Parse(rawURL); err != nil || end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		rest = "***" + rest[at:]
	}
	return scheme + "://" + rest
}
