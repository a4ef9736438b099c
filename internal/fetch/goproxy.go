package fetch

import (
	"errors"
	"net/url"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/goenv"
)

// Proxies is the list in GOPROXY.
type Proxies []goenv.Proxy

// ParseProxies reads GOPROXY as the go command does, and refuses with bad-setting
// what it would refuse.
func ParseProxies(text string) (Proxies, error) {
	list := goenv.Proxies(text)
	for _, proxy := range list {
		if proxy.Direct || proxy.Off {
			continue
		}
		if err := checkProxyURL(proxy.URL); err != nil {
			return nil, diag.Wrap(diag.BadSetting, err, "GOPROXY has the entry "+Redact(proxy.URL), "go env GOPROXY")
		}
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
// an error for which missing says that the proxy does not have what was requested,
// the next is tried; after any other error only if the list says so.
// The error that explains most is returned: one that says more than "not here"
// is preferred, the latest of its kind.
func (list Proxies) Try(missing func(error) bool, ask func(goenv.Proxy) error) error {
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
