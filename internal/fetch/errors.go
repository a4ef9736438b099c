package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

var (
	errStalled   = errors.New("the server stopped sending, or nearly so, in the middle of the answer")
	errConnect   = errors.New("no connection")
	errLoginPage = errors.New("a login page answered: HTML where data was expected")
	errOffline   = errors.New("vmgo works offline (VMGO_OFFLINE)")
	errChanged   = errors.New("the file changed on the server during the download")
)

// ErrNoRanges means that a server sends a file only as a whole.
var ErrNoRanges = errors.New("the server does not serve parts of files")

// StatusError is an answer with a status that is not success. A file:// URL
// that names no file counts as 404.
type StatusError struct {
	Status     int
	Detail     string        // first line of a plain-text answer, cut short
	RetryAfter time.Duration // how long the server asks to wait; 0: it doesn't say
}

// Error returns the status as text.
func (e *StatusError) Error() string {
	text := strconv.Itoa(e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text += " " + name
	}
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	if e.RetryAfter > maxRetryAfter {
		text += ", try again in " + e.RetryAfter.Round(time.Second).String()
	}
	return text
}

type tooLargeError struct{ limit int64 }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("the answer has more than the allowed %d bytes", e.limit)
}

// NotHere reports whether err means that the server works, but does not have what
// was requested: 403 (the answer of some module proxies for a version that
// they don't offer), 404 or 410.
func NotHere(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && (status.Status == http.StatusForbidden || gone(status.Status))
}

// Changed reports whether err means that the file on the server became another one in
// the middle of a download, which may begin again.
func Changed(err error) bool { return errors.Is(err, errChanged) }

// Gone reports whether err means 404 or 410: the narrower rule that the go
// command has for module proxies and the checksum database.
func Gone(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && gone(status.Status)
}

func gone(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

// statusError returns the error of an answer, with the text that the server sent.
func statusError(a *answer, now time.Time) error {
	e := &StatusError{Status: a.StatusCode, RetryAfter: retryAfter(a.Header.Get("Retry-After"), now)}
	head, _ := io.ReadAll(io.LimitReader(a, 512))
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
		e.Detail = string(line[:min(len(line), 160)])
	}
	return e
}

func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 1<<30)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// bare removes net/http's wrapper: it repeats the URL, credentials of a
// redirect included.
func bare(err error) error {
	var wrapper *url.Error
	if errors.As(err, &wrapper) {
		return wrapper.Err
	}
	return err
}

// transient reports whether the same request may well succeed a moment later.
// Transport errors are taken to be transient unless known better.
func transient(err error) bool {
	var (
		status   *StatusError
		tooLarge *tooLargeError
		dns      *net.DNSError
	)
	switch {
	case errors.As(err, &status):
		switch status.Status {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
			http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	case errors.As(err, &tooLarge), errors.Is(err, context.Canceled), errors.Is(err, syscall.ECONNREFUSED),
		certificateError(err), errors.As(err, new(tls.RecordHeaderError)):
		return false
	}
	for _, final := range []error{errLoginPage, errOffline, errChanged, errDowngrade, errRedirects, errScheme, errRefused, ErrNoRanges} {
		if errors.Is(err, final) {
			return false
		}
	}
	return true
}

func certificateError(err error) bool {
	var invalid *tls.CertificateVerificationError
	return errors.As(err, &invalid) || errors.Is(err, errCertificates)
}

// hintFor returns the hints for err.
func hintFor(err error, rawURL string) []string {
	var (
		dns    *net.DNSError
		status *StatusError
	)
	switch {
	case certificateError(err):
		return []string{"export SSL_CERT_FILE=/path/to/certificates.pem   # those of your network's proxy"}
	case errors.Is(err, errLoginPage):
		return []string{"curl -L " + diag.Word(Redact(rawURL)) + "   # shows the page; log in to the network, or give credentials in ~/.netrc"}
	case errors.As(err, &status) && (status.Status == http.StatusUnauthorized || status.Status == http.StatusProxyAuthRequired):
		return []string{"curl -n -I " + diag.Word(Redact(rawURL)) + "   # with credentials from ~/.netrc; those in GOPROXY or HTTPS_PROXY are used too"}
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENETUNREACH),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, errConnect):
		return []string{"curl -I " + diag.Word(Redact(rawURL)) + "   # and check GOPROXY and HTTPS_PROXY"}
	}
	return nil
}
