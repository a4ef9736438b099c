package vmtest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// Transport returns a transport that reaches this machine only: an attempt to
// connect to any other fails, so no test can use the network unnoticed.
func Transport() *http.Transport {
	var dialer net.Dialer
	return &http.Transport{
		MaxIdleConnsPerHost: 8,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
				return nil, fmt.Errorf("vmtest: a test wanted to connect to %s: %w", addr, syscall.ECONNREFUSED)
			}
			return dialer.DialContext(ctx, network, addr)
		},
	}
}

// OfficialTransport is [Transport] with a server of this machine, whose URL is
// given, in the place of https://go.dev.
func OfficialTransport(url string) *http.Transport {
	t := Transport()
	t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr != "go.dev:443" {
			return nil, fmt.Errorf("vmtest: a test wanted to connect to %s", addr)
		}
		return t.DialContext(ctx, network, strings.TrimPrefix(url, "http://"))
	}
	return t
}
