package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/goenv"
)

// page is a small response.
type page struct {
	status int
	date   string
	body   string
	took   time.Duration
}

// get asks for a page and reads at most limit bytes of it.
func (m *Machine) get(ctx context.Context, address string, limit int64) (page, error) {
	return m.getBy(ctx, m.Transport, address, limit)
}

// getHere asks a service of this machine, past every proxy, for the head of an answer.
func (m *Machine) getHere(ctx context.Context, address string) (page, error) {
	return m.getBy(ctx, m.directly(), address, 0)
}

func (m *Machine) getBy(ctx context.Context, transport http.RoundTripper, address string, limit int64) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, m.Options.Limits.Request)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return page{}, errors.New("the address is not a URL") // the error itself has parts of it
	}
	request.Header.Set("User-Agent", "vmgo-doctor")
	client := &http.Client{Transport: transport, CheckRedirect: fewRedirects}
	start := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return page{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err != nil {
		return page{}, err
	}
	return page{response.StatusCode, response.Header.Get("Date"), string(body), time.Since(start)}, nil
}

func fewRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) > 3 {
		return errors.New("too many redirects")
	}
	return nil
}

// netError describes an error without the URL, which may have a
// password.
func (m *Machine) netError(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the HTTP proxy of the environment does not answer: " + op.Err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %v", m.Options.Limits.Request)
	case errors.As(err, &dns):
		return "the name " + dns.Name + " is not known (DNS)"
	case strings.HasPrefix(err.Error(), "invalid proxy address"):
		return "the HTTP proxy of the environment is not a URL"
	}
	return err.Error()
}

// proxies returns the servers of GOPROXY in order.
func (m *Machine) proxies() []goenv.Proxy {
	list := goenv.Proxies(m.proxyList())
	return slices.DeleteFunc(list, func(p goenv.Proxy) bool { return p.URL == "" })
}

// askGOPROXY returns GOPROXY as the active go command takes it. Where nothing sets it,
// the go command is asked for its own default; vmgo's counts where there is no Go.
func (m *Machine) askGOPROXY() string {
	s := m.goSettings()
	root := m.GOROOT()
	if v := s.Get("GOPROXY"); v.Value != "" || root == "" {
		return s.GOPROXY().Value
	}
	ctx, cancel := context.WithTimeout(context.Background(), m.Options.Limits.Session)
	defer cancel()
	g, remove, err := m.guest()
	if err != nil {
		return s.GOPROXY().Value
	}
	defer remove()
	env := maps.Clone(g.env(m.Env))
	env["GOTOOLCHAIN"] = "local"
	out, err := m.Ask(ctx, hostCommand([]string{filepath.Join(root, "bin/go"), "env", "GOPROXY"}, env, m.Path(m.HomePath(""))))
	if text := strings.TrimSpace(out.Stdout); err == nil && out.Status == 0 && text != "" {
		return text
	}
	return s.GOPROXY().Value
}

// timeServer is a page of the first proxy that is asked over HTTP.
func (m *Machine) timeServer() string {
	for _, p := range m.proxies() {
		if strings.HasPrefix(p.URL, "http") {
			return p.URL + toolchainList
		}
	}
	return ""
}

// toolchainList is a page that every module proxy has.
const toolchainList = "/golang.org/toolchain/@v/list"
