// Package proxy is a caching module proxy for a team: it serves the GOPROXY
// protocol, the checksum database and go.dev's downloads from one directory,
// and fetches what is missing from upstream, once, and verified.
//
// Nothing is served that contradicts the checksum database, and nothing whose
// bytes are no longer those that were verified.
package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/goproxy/goproxy"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/proxy/bucket"
	"github.com/vmgo/vmgo/internal/proxy/cache"
	"github.com/vmgo/vmgo/internal/trust"
)

// Config says what a Server serves, to whom, and from where.
type Config struct {
	Dir string
	// Upstreams are asked in turn, as the go command asks the entries of GOPROXY.
	Upstreams fetch.Proxies
	Client    *fetch.Client
	// Log is the checksum database that everything is compared with; nil for
	// GOSUMDB=off.
	Log *trust.Log
	// Private are patterns of modules that are fetched from their repositories
	// and never named to an upstream or a checksum database.
	Private string
	// NoSumDB are patterns of modules that are not in the checksum database.
	NoSumDB string
	// Block are patterns that are refused; Allow, if it is not empty, are the only
	// ones that are served. Both take versions: "example.com/bad@v1.2.3".
	Block, Allow string
	// MinAge leaves younger versions out of lists and @latest.
	MinAge time.Duration
	// MaxSize limits the cache, in bytes; 0 does not. Pin are patterns of modules
	// that stay in it.
	MaxSize int64
	Pin     string
	// Offline serves what Dir has and nothing else. Dir may be any GOPROXY tree.
	Offline bool
	// ListAge is how old an answer to a list or query may be before it is asked anew.
	ListAge time.Duration
	// Bucket is a cache that other proxies share, nil without one.
	Bucket *bucket.Bucket
	// GoDev are base URLs of go.dev's downloads, asked in turn.
	GoDev []string
	// Networks are those whose clients are served; empty: all. Token is what they
	// must know; empty: nothing.
	Networks []netip.Prefix
	Token    string
	// ID names this process to upstreams, by which it notices that it asks itself.
	ID string
	// PID is the number of this process, for those who want the cache, too.
	PID int
	// Environment is that of the go command which fetches from repositories.
	Environment []string
	Now         func() time.Time
	Logger      *slog.Logger
}

// Server is the proxy. Close it when no request is under way any more.
type Server struct {
	config   Config
	store    *cache.Store
	flights  flights
	direct   goproxy.Fetcher
	metrics  metrics
	verdicts verdicts
	ctx      context.Context // of fetches, which outlive their requests
	stop     context.CancelFunc
}

// New opens the cache.
func New(ctx context.Context, config Config) (*Server, error) {
	pinned := func(name string) bool {
		r, err := parse(name)
		return err == nil && modpath.Match(config.Pin, r.module)
	}
	store, err := cache.Open(ctx, cache.Config{Dir: config.Dir, MaxSize: config.MaxSize, Pinned: pinned, Foreign: config.Offline,
		Holder: fsx.Holder{PID: config.PID, What: "vmgo proxy serve", Since: config.Now()}})
	if err != nil {
		return nil, explainOpen(config.Dir, err)
	}
	s := &Server{config: config, store: store, flights: flights{all: map[string]*flight{}}}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.direct = newDirect(config)
	if config.Log != nil && !config.Offline {
		if err := s.markSupported(); err != nil {
			return nil, errors.Join(explainOpen(config.Dir, err), s.Close())
		}
	}
	return s, nil
}

// Close ends the fetches that are under way and gives the cache back.
func (s *Server) Close() error {
	s.stop()
	s.flights.running.Wait()
	return s.store.Close()
}

// Handler returns what answers requests, with access control, access log and
// metrics.
func (s *Server) Handler() http.Handler { return s.guard(http.HandlerFunc(s.serve)) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are known", http.StatusMethodNotAllowed)
	case s.config.ID != "" && strings.Contains(r.UserAgent(), s.config.ID):
		http.Error(w, "this proxy is its own upstream: name another in --upstream", http.StatusLoopDetected)
	case strings.HasPrefix(name, "sumdb/"):
		s.serveSumDB(w, r, name)
	case name == "dl" || strings.HasPrefix(name, "dl/"):
		s.serveGoDev(w, r, strings.TrimPrefix(strings.TrimPrefix(name, "dl"), "/"))
	default:
		asked, err := parse(name)
		if err != nil {
			http.Error(w, "not found: "+err.Error(), http.StatusNotFound)
			return
		}
		s.serveModule(w, r, asked)
	}
}

func (s *Server) serveModule(w http.ResponseWriter, r *http.Request, asked request) {
	noteKind(w, asked.kind)
	if err := s.refused(asked.module, asked.version); err != nil {
		s.fail(w, r, err)
		return
	}
	switch asked.kind {
	case kindInfo, kindMod, kindZip:
		s.serveFile(w, r, asked, func() *flight { return s.begin(asked) })
	default:
		s.serveAnswer(w, r, asked)
	}
}

// serveFile serves a file that never changes. begin fetches it.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, asked request, begin func() *flight) {
	object, err := s.store.Get(asked.name)
	if errors.Is(err, cache.ErrDamaged) {
		s.noteDamage(asked.name)
	}
	if err == nil {
		noteHit(w, hit)
		s.serveObject(w, r, asked, object)
		return
	}
	if s.config.Offline {
		s.fail(w, r, errOffline)
		return
	}
	if err := s.verdicts.of(asked.name, s.config.Now()); err != nil {
		s.fail(w, r, err)
		return
	}
	noteHit(w, miss)
	fl := begin()
	defer fl.readers.Done()
	setType(w, asked.kind)
	// Whoever wants a part gets the whole while it arrives, as HTTP allows: to wait
	// for the end would take longer than clients wait.
	large := asked.kind == kindZip || asked.kind == kindGoDev
	if large && r.Method == http.MethodGet && fl.stream(w, r) {
		return
	}
	if err := fl.wait(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	if object, err = s.store.Get(asked.name); err != nil {
		s.fail(w, r, err)
		return
	}
	s.serveObject(w, r, asked, object)
}

// begin fetches a file unless another request does already.
func (s *Server) begin(asked request) *flight {
	key := asked.name
	if s.isDirect(asked.module) {
		key = "direct:" + asked.module + "@" + asked.version // brings all three files at once
	}
	return s.flights.join(key, func(fl *flight) error { return s.obtain(fl, asked) })
}

func (s *Server) serveObject(w http.ResponseWriter, r *http.Request, asked request, object *cache.Object) {
	defer object.Close()
	setType(w, asked.kind)
	if object.Sum != "" {
		w.Header().Set("ETag", `"`+object.Sum+`"`)
	}
	w.Header().Set("Cache-Control", "public, max-age=604800, immutable")
	if object.Size > inMemory {
		http.ServeContent(w, r, "", object.Time, object.File)
		return
	}
	data := make([]byte, object.Size)
	if _, err := io.ReadFull(object.File, data); err != nil {
		s.fail(w, r, err)
		return
	}
	// Without the method ReadFrom, which would send the header on its own.
	http.ServeContent(struct{ http.ResponseWriter }{w}, r, "", object.Time, bytes.NewReader(data))
}

// inMemory is the size, in bytes, up to which a file is read and sent with its header
// in fewer system calls than the kernel's own copy takes.
const inMemory = 32 << 10

func setType(w http.ResponseWriter, k kind) {
	text := "application/octet-stream"
	switch k {
	case kindInfo, kindQuery, kindLatest:
		text = "application/json"
	case kindMod, kindList:
		text = "text/plain; charset=utf-8"
	case kindZip:
		text = "application/zip"
	}
	w.Header().Set("Content-Type", text)
}

var errOffline = diag.New(diag.Offline, "the proxy is offline and does not have this")

// fail answers with an error. 404 sends a go command to the next proxy of its
// list; anything else stops it.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	if status >= 500 || diag.CodeOf(err) == diag.ProofInvalid || diag.CodeOf(err) == diag.LogForked {
		s.config.Logger.ErrorContext(r.Context(), "cannot serve", "path", r.URL.Path, "error", diag.Line(err.Error()))
	}
	w.Header().Del("Content-Length")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, diag.Line(err.Error()), status)
}

func statusOf(err error) int {
	var refused *refusedError
	var status *fetch.StatusError
	switch code := diag.CodeOf(err); {
	case errors.As(err, &refused), code == diag.ProofInvalid, code == diag.LogForked, code == diag.ChecksumMismatch:
		return http.StatusForbidden
	case code == diag.Offline, code == diag.Unproven, fetch.Gone(err), errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.As(err, &status) && status.Status == http.StatusForbidden:
		return http.StatusForbidden
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// explainOpen makes the user-facing error of a directory that cannot be used.
func explainOpen(dir string, err error) error {
	if held := heldBy(err); held != "" {
		return diag.New(diag.StoreBusy, "the cache "+dir+" is used by "+held, "vmgo proxy serve --dir DIR   # each proxy has a cache of its own; several share a bucket by --s3")
	}
	if others := (*cache.OthersError)(nil); errors.As(err, &others) {
		return diag.New(diag.Usage, dir+" has files that no proxy put there, such as "+others.Name+": the cache would remove them",
			"vmgo proxy serve --dir "+diag.Word(filepath.Join(dir, "proxy-cache")),
			"vmgo proxy serve --offline --dir "+diag.Word(dir)+"   # serves these files and changes none")
	}
	return diag.Wrap(diag.Failure, err, "the cache "+dir+" cannot be used", "ls -ld "+diag.Word(dir))
}
