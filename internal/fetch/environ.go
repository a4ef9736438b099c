package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/vmgo/vmgo/internal/smallfile"
)

var errCertificates = errors.New("no certificate could be read")

// proxyFunc returns the proxy of a request by the given environment; http.ProxyFromEnvironment reads
// that of the process, once.
func proxyFunc(env map[string]string) func(*http.Request) (*url.URL, error) {
	choose := (&httpproxy.Config{
		HTTPProxy:  either(env, "HTTP_PROXY", "http_proxy"),
		HTTPSProxy: either(env, "HTTPS_PROXY", "https_proxy"),
		NoProxy:    either(env, "NO_PROXY", "no_proxy"),
		CGI:        env["REQUEST_METHOD"] != "",
	}).ProxyFunc()
	return func(req *http.Request) (*url.URL, error) { return choose(req.URL) }
}

// Way returns the HTTP proxy through which a URL is reached, without credentials;
// empty: none.
func Way(env map[string]string, rawURL string) string {
	target, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	proxy, err := proxyFunc(env)(&http.Request{URL: target})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Redacted()
}

func either(env map[string]string, names ...string) string {
	for _, name := range names {
		if value := env[name]; value != "" {
			return value
		}
	}
	return ""
}

func newTLSConfig(base *tls.Config) *tls.Config {
	if base == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return base.Clone()
}

// certPool returns the certificates that SSL_CERT_FILE and SSL_CERT_DIR name,
// nil where neither is set. As in crypto/x509, each replaces only its own half
// of the system's set.
func certPool(env map[string]string) (*x509.CertPool, error) {
	file, dirs := env["SSL_CERT_FILE"], env["SSL_CERT_DIR"]
	if file == "" && dirs == "" {
		return nil, nil
	}
	files := systemCertFiles()
	if file != "" {
		files = []string{file}
	}
	if dirs == "" {
		dirs = systemCertDirs
	}
	pool, found := x509.NewCertPool(), false
	for _, path := range files {
		data, err := smallfile.Read(path, maxCertificates)
		if err == nil && pool.AppendCertsFromPEM(data) {
			found = true
			break
		}
	}
	if file != "" && !found {
		return nil, fmt.Errorf("%w from SSL_CERT_FILE=%s", errCertificates, file)
	}
	for _, dir := range filepath.SplitList(dirs) {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if data, err := smallfile.Read(filepath.Join(dir, entry.Name()), maxCertificates); err == nil && pool.AppendCertsFromPEM(data) {
				found = true
			}
		}
	}
	if !found {
		return nil, fmt.Errorf("%w from SSL_CERT_DIR=%s", errCertificates, dirs)
	}
	return pool, nil
}

// maxCertificates bounds a file of certificates, in bytes. Debian's has 220 KB.
const maxCertificates = 16 << 20

const systemCertDirs = "/etc/ssl/certs:/etc/pki/tls/certs"

func systemCertFiles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/cert.pem",
	}
}

type netrcLine struct{ machine, login, password string }

// authorize adds the credentials that the user's netrc file has for the host,
// to https requests only. Like the go command, it leaves the "default" entry
// alone, and credentials in the URL come first.
func (c *Client) authorize(req *http.Request) {
	if req.URL.Scheme != "https" || req.URL.User != nil {
		return
	}
	for _, line := range c.netrc() {
		if line.machine == req.URL.Hostname() || line.machine == req.URL.Host {
			req.SetBasicAuth(line.login, line.password)
			return
		}
	}
}

// readNetrc reads $NETRC or ~/.netrc, unless GOAUTH names other methods only.
// Those (git, commands) are not implemented.
func readNetrc(env map[string]string) []netrcLine {
	if auth := env["GOAUTH"]; auth != "" {
		named := false
		for method := range strings.SplitSeq(auth, ";") {
			named = named || strings.TrimSpace(method) == "netrc"
		}
		if !named {
			return nil
		}
	}
	path := env["NETRC"]
	if path == "" {
		if env["HOME"] == "" {
			return nil
		}
		path = filepath.Join(env["HOME"], ".netrc")
	}
	data, err := smallfile.Read(path, smallfile.Usual)
	if err != nil {
		return nil
	}
	return parseNetrc(string(data))
}

func parseNetrc(text string) []netrcLine {
	var (
		list    []netrcLine
		current netrcLine
		inMacro bool
	)
	flush := func() {
		if current.machine != "" && current.login != "" && current.password != "" {
			list = append(list, current)
		}
		current = netrcLine{}
	}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if inMacro {
			inMacro = len(fields) > 0
			continue
		}
		for i := 0; i < len(fields); i++ {
			var value string
			if i+1 < len(fields) {
				value = fields[i+1]
			}
			switch fields[i] {
			case "machine":
				flush()
				current.machine = value
				i++
			case "default":
				flush()
				return list
			case "login":
				current.login = value
				i++
			case "password":
				current.password = value
				i++
			case "account":
				i++
			case "macdef":
				inMacro = true
				i = len(fields)
			}
		}
	}
	flush()
	return list
}
