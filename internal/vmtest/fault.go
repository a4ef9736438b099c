package vmtest

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Fault is one way in which a server misbehaves. The text form, which scripts
// use, is NAME[=N][*TIMES]:
//
//	silent           no answer until the client leaves
//	stall=N          N bytes of the body, then silence until the client leaves
//	truncate=N       N bytes of the body, then the connection breaks
//	slow=N           N bytes at a time, with a pause of 5 ms between
//	drip=N           a byte every N seconds; for clocks that are not real
//	status=N         an answer with that status
//	busy=N           429 with Retry-After: N
//	html             a login page with status 200
//	noranges         Range is ignored
//	changing         an ETag that is another at every request
//	wrongsize=N      a Content-Length that is N too large
//	huge             a Content-Length of 1 TiB
//	downgrade        a redirect to the same path over http
//	loop             a redirect to itself
//	elsewhere=PORT   a redirect to another port of this machine
//	reset            the connection breaks before the answer
//
// With *TIMES, only so many requests are treated like that.
type Fault struct {
	Name  string
	N     int64
	Times int // 0: always
}

// ParseFault reads the text form.
func ParseFault(text string) (Fault, error) {
	var f Fault
	rest, times, ok := strings.Cut(text, "*")
	if ok {
		n, err := strconv.Atoi(times)
		if err != nil {
			return f, fmt.Errorf("fault %q: not a number of times", text)
		}
		f.Times = n
	}
	name, value, ok := strings.Cut(rest, "=")
	f.Name = name
	if ok {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return f, fmt.Errorf("fault %q: not a number", text)
		}
		f.N = n
	}
	switch name {
	case "silent", "stall", "truncate", "slow", "drip", "status", "busy", "html", "noranges", "changing", "wrongsize", "huge",
		"downgrade", "loop", "elsewhere", "reset":
		return f, nil
	}
	return f, fmt.Errorf("fault %q is not known", text)
}

type faultRule struct {
	pattern string
	fault   Fault
	left    int
}

// Fault makes requests misbehave whose path, or its last element, matches
// pattern in the way of path.Match. Of several that match, the latest counts.
func (s *Server) Fault(pattern string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &faultRule{pattern, f, f.Times})
}

// ClearFaults makes the server well behaved again.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// faultFor finds the fault of a request and uses up one of its times.
func (s *Server) faultFor(urlPath string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.faults) - 1; i >= 0; i-- {
		rule := s.faults[i]
		if !matches(rule.pattern, urlPath) || rule.fault.Times > 0 && rule.left == 0 {
			continue
		}
		rule.left--
		return rule.fault
	}
	return Fault{}
}

func matches(pattern, urlPath string) bool {
	for _, name := range []string{urlPath, path.Base(urlPath)} {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return pattern == "*"
}

const loginPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Hotel network</body></html>\n"

// misbehave answers a request in the way of f, or says that it is to be
// answered through the writer and request that it returns.
func (s *Server) misbehave(f Fault, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
	switch f.Name {
	case "status":
		http.Error(w, "made to fail", int(f.N))
		return nil, false
	case "busy":
		w.Header().Set("Retry-After", strconv.FormatInt(f.N, 10))
		http.Error(w, "busy", http.StatusTooManyRequests)
		return nil, false
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(loginPage))
		return nil, false
	case "loop":
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
		return nil, false
	case "downgrade":
		http.Redirect(w, r, s.URL+r.URL.Path, http.StatusFound)
		return nil, false
	case "elsewhere":
		http.Redirect(w, r, fmt.Sprintf("http://127.0.0.1:%d%s", f.N, r.URL.Path), http.StatusFound)
		return nil, false
	case "silent":
		s.awaitEnd(r)
		panic(http.ErrAbortHandler)
	case "reset":
		panic(http.ErrAbortHandler)
	case "noranges":
		r.Header.Del("Range")
	case "changing":
		w.Header().Set("ETag", fmt.Sprintf("\"%d\"", s.count.Add(1)))
	}
	return &faultWriter{ResponseWriter: w, fault: f, left: f.N, request: r, server: s}, true
}

// awaitEnd waits until the client or the server leaves.
func (s *Server) awaitEnd(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closing:
	}
}

// faultWriter spoils the body of an answer.
type faultWriter struct {
	http.ResponseWriter
	fault   Fault
	left    int64
	request *http.Request
	server  *Server
}

// WriteHeader spoils what the header says of the size.
func (w *faultWriter) WriteHeader(status int) {
	h := w.Header()
	switch w.fault.Name {
	case "noranges":
		h.Del("Accept-Ranges")
	case "wrongsize":
		if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
			h.Set("Content-Length", strconv.FormatInt(n+w.fault.N, 10))
		}
	case "huge":
		h.Set("Content-Length", strconv.FormatInt(1<<40, 10))
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write passes bytes on as far as the fault lets them.
func (w *faultWriter) Write(p []byte) (int, error) {
	switch w.fault.Name {
	case "slow":
		return w.slowly(p, int(max(w.fault.N, 1)), 5*time.Millisecond)
	case "drip":
		return w.slowly(p, 1, time.Duration(w.fault.N)*time.Second)
	case "stall", "truncate":
		if int64(len(p)) < w.left {
			w.left -= int64(len(p))
			return w.ResponseWriter.Write(p)
		}
		_, _ = w.ResponseWriter.Write(p[:w.left])
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		if w.fault.Name == "stall" {
			w.server.awaitEnd(w.request)
		}
		panic(http.ErrAbortHandler)
	}
	return w.ResponseWriter.Write(p)
}

func (w *faultWriter) slowly(p []byte, step int, pause time.Duration) (int, error) {
	for done := 0; done < len(p); done += step {
		if _, err := w.ResponseWriter.Write(p[done:min(done+step, len(p))]); err != nil {
			return done, err
		}
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		select {
		case <-time.After(pause):
		case <-w.request.Context().Done():
			return done, w.request.Context().Err()
		}
	}
	return len(p), nil
}
