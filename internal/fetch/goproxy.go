package fetch

import (
	"errors"
	"net/url"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// Proxy is one entry of GOPROXY.
type Proxy struct {
	// URL of the proxy without a slash at the end; empty for direct and off.
	URL string
	// Direct stands for the entry "direct", Off for "off".
	Direct, Off bool
	// AnyError says that the next proxy is asked after any error of this one
	// (the entry is followed by "|"), not only when this one does not have
	// what was asked for.
	AnyError bool
}

// Proxies is the list that GOPROXY holds.
type Proxies []Proxy

// ParseProxies reads GOPROXY as the go command does: entries end in a comma
// or a pipe, an entry without a scheme gets https, and nothing after direct or
// off counts.
func ParseProxies(text string) (Proxies, error) {
	var list Proxies
	for rest := text; rest != ""; {
		entry, after := rest, ""
		anyError := false
		if i := strings.IndexAny(rest, ",|"); i >= 0 {
			entry, after, anyError = rest[:i], rest[i+1:], rest[i] == '|'
		}
		rest = after
		entry = strings.TrimSpace(entry)
		switch entry {
		case "":
			continue
		case "direct":
			return append(list, Proxy{Direct: true}), nil
		case "off":
			return append(list, Proxy{Off: true}), nil
		}
		if strings.ContainsAny(entry, ".:/") && !strings.Contains(entry, ":/") && !strings.HasPrefix(entry, "/") {
			entry = "https://" + entry
		}
		if err := checkProxyURL(entry); err != nil {
			return nil, diag.Wrap(diag.BadSetting, err, "GOPROXY has the entry "+Redact(entry), "go env GOPROXY")
		}
		list = append(list, Proxy{URL: strings.TrimRight(entry, "/"), AnyError: anyError})
	}
	if len(list) == 0 {
		return nil, diag.New(diag.BadSetting, "GOPROXY has no entry", "go env GOPROXY")
	}
	return list, nil
}

func checkProxyURL(entry string) error {
	u, err := url.Parse(entry)
	if err != nil {
		return errors.New("not a URL")
	}
	switch u.Scheme {
	case "https", "http":
		if u.Host == "" {
			return errors.New("a URL without a host")
		}
	case "file":
		if u.Host != "" || u.Path == "" || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("a file URL must be file:///path")
		}
	default:
		return errors.New("neither https, http nor file")
	}
	return nil
}

// Try calls ask with one proxy after the other until one has an answer. After
// an error for which missing says that the proxy does not have what was asked
// for, the next is tried; after any other error only where the list says so.
// The error that explains most is returned: one that says more than "not here"
// is preferred, the latest of its kind.
func (list Proxies) Try(missing func(error) bool, ask func(Proxy) error) error {
	var best error
	for _, proxy := range list {
		err := ask(proxy)
		if err == nil {
			return nil
		}
		absent := missing(err)
		if best == nil || !absent || missing(best) {
			best = err
		}
		if !absent && !proxy.AnyError {
			break
		}
	}
	return best
}
