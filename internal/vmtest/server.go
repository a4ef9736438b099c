// Package vmtest is test support: a module proxy with made-up Go releases, a
// checksum database that signs them, and every way in which both can be broken
// or dishonest. Nothing but tests imports it.
package vmtest

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
)

// Options say what a Server has.
type Options struct {
	Toolchains []Toolchain
	// Unlisted are versions that @v/list leaves out.
	Unlisted []string
	// ListOnly are module versions that @v/list names and the server lacks.
	ListOnly []string
	// MissingStatus is the answer for what the server lacks; 0: 403, which is
	// what some real proxies say.
	MissingStatus int
	// TLS starts a second address that speaks https; see Server.TLSURL.
	TLS bool
	// Network is where the server can be reached; nil: on this machine.
	Network *Network
}

// Server is a GOPROXY: it has toolchains beneath /golang.org/toolchain, the
// checksum database beneath /sumdb/<name>, and whatever else it is given by
// [Server.Serve].
type Server struct {
	// URL and TLSURL are the addresses, without a slash at the end.
	URL, TLSURL string

	options Options
	log     *checksumLog
	godev   goDev
	plain   *httptest.Server
	secure  *httptest.Server
	closing chan struct{}
	count   atomic.Int64

	mu       sync.Mutex
	zips     map[string]func() []byte // by module version
	chains   map[string]Toolchain
	files    map[string][]byte
	sums     map[string][2]string // of modules that were added, by path@version
	faults   []*faultRule
	requests []string
}

// NewServer starts a server that ends with the test.
func NewServer(t testing.TB, options Options) *Server {
	t.Helper()
	s, err := Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start starts a server; Close it.
func Start(options Options) (*Server, error) {
	if options.MissingStatus == 0 {
		options.MissingStatus = http.StatusForbidden
	}
	s := &Server{options: options, closing: make(chan struct{}), zips: map[string]func() []byte{},
		chains: map[string]Toolchain{}, files: map[string][]byte{}, sums: map[string][2]string{}}
	for _, t := range options.Toolchains {
		s.Add(t)
	}
	var err error
	if s.log, err = newChecksumLog(s.h1, s.moduleSums); err != nil {
		return nil, err
	}
	handler := http.HandlerFunc(s.serve)
	if options.Network != nil {
		s.plain = &httptest.Server{Listener: options.Network.listen(), Config: &http.Server{Handler: handler}}
		s.plain.Start()
	} else {
		s.plain = httptest.NewServer(handler)
	}
	s.URL = s.plain.URL
	if options.TLS {
		s.secure = httptest.NewTLSServer(handler)
		s.TLSURL = s.secure.URL
	}
	return s, nil
}

// Close stops the server, stalled answers included.
func (s *Server) Close() {
	close(s.closing)
	s.plain.Close()
	if s.secure != nil {
		s.secure.Close()
	}
}

// Add publishes one more release, or replaces one.
func (s *Server) Add(t Toolchain) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chains[t.Module()] = t
	s.zips[t.Module()] = sync.OnceValue(t.Zip)
}

// Serve adds a file at a path, which begins with a slash.
func (s *Server) Serve(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = data
}

// GOSUMDB is the value of that variable which makes a client trust the
// server's checksum database and look for it through its proxies.
func (s *Server) GOSUMDB() string { return s.log.key }

// SetLog changes how the checksum database behaves.
func (s *Server) SetLog(mode LogMode) { s.log.setMode(mode) }

// CertPEM is the certificate of TLSURL, for SSL_CERT_FILE.
func (s *Server) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.secure.Certificate().Raw})
}

// CertPool has the certificate of TLSURL.
func (s *Server) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.secure.Certificate())
	return pool
}

// Requests returns what was asked so far: "PATH" or "PATH RANGE".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count says how many requests had a path that matches, as in [Server.Fault].
func (s *Server) Count(pattern string) int {
	n := 0
	for _, request := range s.Requests() {
		path, _, _ := strings.Cut(request, " ")
		if matches(pattern, path) {
			n++
		}
	}
	return n
}

// Forget empties the record of requests.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

func (s *Server) h1(module string) (string, bool) {
	s.mu.Lock()
	t, ok := s.chains[module]
	s.mu.Unlock()
	if !ok {
		return "", false
	}
	return t.H1(), true
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
	s.mu.Unlock()
	w, proceed := s.misbehave(s.faultFor(r.URL.Path), w, r)
	if !proceed {
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/sumdb/"+LogName); ok {
		inner := r.Clone(r.Context())
		inner.URL.Path = path
		s.log.ServeHTTP(w, inner)
		return
	}
	if s.serveGoDev(w, r) {
		return
	}
	data, ok := s.content(r.URL.Path)
	if !ok {
		http.Error(w, "not available", s.options.MissingStatus)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// content returns the file at a path of the proxy.
func (s *Server) content(path string) ([]byte, bool) {
	s.mu.Lock()
	data, ok := s.files[path]
	s.mu.Unlock()
	if ok {
		return data, true
	}
	name, ok := strings.CutPrefix(path, "/"+gover.ToolchainModule+"/@v/")
	if !ok {
		return nil, false
	}
	if name == "list" {
		return s.list(), true
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return nil, false
	}
	module, ext := name[:dot], name[dot:]
	s.mu.Lock()
	t, ok := s.chains[module]
	zip := s.zips[module]
	s.mu.Unlock()
	switch {
	case !ok:
		return nil, false
	case ext == ".zip":
		return zip(), true
	case ext == ".info":
		return t.Info(), true
	case ext == ".mod":
		return []byte("module " + gover.ToolchainModule + "\n"), true
	}
	return nil, false
}

func (s *Server) list() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := slices.Clone(s.options.ListOnly)
	for module, t := range s.chains {
		if !slices.Contains(s.options.Unlisted, t.Version) {
			lines = append(lines, module)
		}
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n") + "\n")
}

// get asks the server's own handler, past faults and record.
func (s *Server) get(path string) ([]byte, bool) {
	if inner, ok := strings.CutPrefix(path, "/sumdb/"+LogName); ok {
		rec := httptest.NewRecorder()
		s.log.ServeHTTP(rec, httptest.NewRequestWithContext(context.Background(), http.MethodGet, inner, nil))
		return rec.Body.Bytes(), rec.Code == http.StatusOK
	}
	return s.content(path)
}
