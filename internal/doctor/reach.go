package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
)

// onceWith is sync.OnceValue for a function that takes a context: the first caller's
// counts.
func onceWith[T any](f func(context.Context) T) func(context.Context) T {
	var once sync.Once
	var value T
	return func(ctx context.Context) T {
		once.Do(func() { value = f(ctx) })
		return value
	}
}

// networkCauses returns the checks that look at what ends a request this way.
func networkCauses(err error) []string {
	var dns *net.DNSError
	var op *net.OpError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return []string{"network.proxies"}
	case errors.As(err, &authority):
		return []string{"distribution.ca"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return []string{"machine.clock-skew"}
	case errors.As(err, &dns):
		return []string{"network.dns"}
	}
	return nil
}

// causesOf returns the causes of errors in their order; none where one of them has no
// cause that is known, or is none.
func causesOf(errs []error) []string {
	var all []string
	for _, err := range errs {
		causes := networkCauses(err)
		if len(causes) == 0 {
			return nil
		}
		all = append(all, causes...)
	}
	return all
}

// reachProxy asks the first server of GOPROXY, and returns why it does not answer. It
// is nil where nobody may be asked.
func (m *Machine) reachProxy(ctx context.Context) error {
	address := m.timeServer()
	if m.Options.Offline || address == "" {
		return nil
	}
	_, err := m.get(ctx, address, 0)
	return err
}

// directly returns the host's transport without the HTTP proxies of the environment.
func (m *Machine) directly() http.RoundTripper {
	t, ok := m.Transport.(*http.Transport)
	if !ok {
		return m.Transport
	}
	t = t.Clone()
	t.Proxy, t.DisableKeepAlives = nil, true
	dial := t.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &asksFirst{Conn: conn, asked: make(chan struct{})}, nil
	}
	return t
}

// asksFirst is a connection on which nothing is read before something was written: a
// server that speaks first, as SSH does, would end the request inside net/http, which
// logs what it got and tells the caller nothing.
type asksFirst struct {
	net.Conn
	once  sync.Once
	asked chan struct{}
}

// Read waits for the first Write, or Close.
func (c *asksFirst) Read(p []byte) (int, error) {
	<-c.asked
	return c.Conn.Read(p)
}

// Write lets Read go on.
func (c *asksFirst) Write(p []byte) (int, error) {
	defer c.once.Do(func() { close(c.asked) })
	return c.Conn.Write(p)
}

// Close lets Read go on, too.
func (c *asksFirst) Close() error {
	defer c.once.Do(func() { close(c.asked) })
	return c.Conn.Close()
}

// answers reports whether the server of a suggestion answers with data.
func (m *Machine) answers(ctx context.Context, address string) bool {
	answer, err := m.get(ctx, address, 512)
	return err == nil && answer.status == 200 && !isWebPage(answer.body)
}

// isWebPage reports whether an answer is a page for people, as captive portals give.
func isWebPage(body string) bool {
	return strings.HasPrefix(strings.TrimSpace(body), "<")
}
