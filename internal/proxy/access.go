package proxy

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Hit says how a request was served.
type cached string

const (
	hit   cached = "hit"   // from the cache
	miss  cached = "miss"  // from upstream
	stale cached = "stale" // from the cache, since upstream is out of reach
)

// recorder is a response that remembers what the access log has about it.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	kind   kind
	hit    cached
}

// WriteHeader sends the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends bytes.
func (w *recorder) Write(p []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom lets the kernel copy a file to the connection.
func (w *recorder) ReadFrom(r io.Reader) (int64, error) {
	w.begin()
	n, err := io.Copy(w.ResponseWriter, r)
	w.bytes += n
	return n, err
}

// Flush sends what is buffered.
func (w *recorder) Flush() {
	if flusher, ok := w.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

// Unwrap returns the response beneath, for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

func noteKind(w http.ResponseWriter, k kind) {
	if rec, ok := w.(*recorder); ok {
		rec.kind = k
	}
}

func noteHit(w http.ResponseWriter, h cached) {
	if rec, ok := w.(*recorder); ok {
		rec.hit = h
	}
}

// guard lets in who may come in, and writes down what they got.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		rec := &recorder{ResponseWriter: w, kind: kindOther}
		client := clientOf(r)
		defer func() {
			cut := recover()
			s.note(r, rec, client, time.Since(begun), cut != nil)
			if cut != nil {
				panic(cut) // http.ErrAbortHandler, which the server knows
			}
		}()
		switch {
		case r.URL.Path == "/healthz":
			_, _ = io.WriteString(rec, "ok\n")
		case !s.isNear(client):
			http.Error(rec, "this proxy does not serve "+client.String(), http.StatusForbidden)
		case r.URL.Path == "/readyz":
			s.serveReady(rec)
		case !s.knowsToken(r):
			rec.Header().Set("WWW-Authenticate", `Basic realm="vmgo-proxy"`)
			http.Error(rec, "this proxy needs a token: set it as the password in ~/.netrc", http.StatusUnauthorized)
		case r.URL.Path == "/metrics":
			s.serveMetrics(rec)
		default:
			next.ServeHTTP(rec, r)
		}
	})
}

func clientOf(r *http.Request) netip.Addr {
	address, _ := netip.ParseAddrPort(r.RemoteAddr)
	return address.Addr().Unmap()
}

func (s *Server) isNear(client netip.Addr) bool {
	if len(s.config.Networks) == 0 {
		return true
	}
	for _, network := range s.config.Networks {
		if network.Contains(client) {
			return true
		}
	}
	return false
}

// knowsToken accepts the token as a bearer or as the password of any user, which
// is what a go command sends that has it from ~/.netrc.
func (s *Server) knowsToken(r *http.Request) bool {
	if s.config.Token == "" {
		return true
	}
	_, given, basic := r.BasicAuth()
	if !basic {
		given, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.config.Token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// note writes the line of the access log and counts the request.
func (s *Server) note(r *http.Request, rec *recorder, client netip.Addr, took time.Duration, cut bool) {
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || r.URL.Path == "/metrics" {
		return
	}
	s.metrics.count(rec, took)
	if !s.config.Logger.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	attributes := []slog.Attr{
		slog.String("client", client.String()), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Float64("seconds", took.Seconds()), slog.String("kind", string(rec.kind)),
	}
	if rec.hit != "" {
		attributes = append(attributes, slog.String("cache", string(rec.hit)))
	}
	if cut {
		attributes = append(attributes, slog.Bool("cut", true))
	}
	s.config.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request", attributes...)
}
