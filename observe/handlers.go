package observe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Identity is what /debug/vmgo/ returns: who answers, and what it offers.
type Identity struct {
	Server     string `json:"server"` // SocketName
	PID        int    `json:"pid"`
	Go         string `json:"go"`
	Flight     bool   `json:"flight"`     // GET /debug/vmgo/flight
	Contention bool   `json:"contention"` // POST /debug/vmgo/contention?seconds=N
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/vmgo/{$}", s.identity)
	mux.HandleFunc("GET /debug/vmgo/flight", s.flight)
	mux.HandleFunc("POST /debug/vmgo/contention", s.contention)
	mux.HandleFunc("GET /debug/pprof/{$}", index)
	mux.HandleFunc("GET /debug/pprof/cmdline", cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", s.cpu)
	mux.HandleFunc("GET /debug/pprof/trace", s.trace)
	mux.HandleFunc("GET /debug/pprof/{name}", profile)
	return mux
}

func (s *Server) identity(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Identity{Server: SocketName, PID: os.Getpid(), Go: runtime.Version(), Flight: s.recorder != nil, Contention: true})
}

// index lists the profiles, as net/http/pprof does for people.
func index(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "/debug/pprof/\nprofile\ntrace\ncmdline")
	for _, p := range pprof.Profiles() {
		fmt.Fprintln(w, p.Name(), p.Count())
	}
}

func cmdline(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, strings.Join(os.Args, "\x00"))
}

// profile writes a profile by its name, as protocol buffer or with ?debug=N as text.
func profile(w http.ResponseWriter, r *http.Request) {
	p := pprof.Lookup(r.PathValue("name"))
	if p == nil {
		http.Error(w, "unknown profile", http.StatusNotFound)
		return
	}
	if p.Name() == "heap" && r.FormValue("gc") != "" {
		runtime.GC()
	}
	debug, _ := strconv.Atoi(r.FormValue("debug"))
	w.Header().Set("Content-Type", "application/octet-stream")
	_ = p.WriteTo(w, debug)
}

// maxWindow bounds what one request may ask for.
const maxWindow = 10 * time.Minute

// window is the ?seconds= of a request.
func window(r *http.Request) (time.Duration, error) {
	seconds, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
	d := time.Duration(seconds * float64(time.Second))
	if err != nil || d <= 0 || d > maxWindow {
		return 0, errors.New("seconds must be a number above 0, at most " + strconv.Itoa(int(maxWindow.Seconds())))
	}
	return d, nil
}

// during starts something, and stops it after the window or when the client is gone.
func (s *Server) during(w http.ResponseWriter, r *http.Request, start func() error, stop func()) {
	d, err := window(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := start(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer stop()
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

func (s *Server) cpu(w http.ResponseWriter, r *http.Request) {
	s.during(w, r, func() error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile)
}

func (s *Server) trace(w http.ResponseWriter, r *http.Request) {
	s.during(w, r, func() error { return trace.Start(w) }, trace.Stop)
}

func (s *Server) flight(w http.ResponseWriter, _ *http.Request) {
	if s.recorder == nil {
		http.Error(w, "there is no flight recorder", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := s.recorder.WriteTo(w); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// Rates of the block and mutex profiles while somebody looks.
const (
	mutexFraction = 10      // one in 10 contentions
	blockRate     = 100_000 // one sample per 100 µs blocked
)

// contention has the runtime sample contention for a while. A program that set its
// mutex rate itself keeps it; there is no way to read the block rate.
type contention struct {
	mu    sync.Mutex
	timer *time.Timer
	own   bool // the mutex rate is ours
}

func (s *Server) contention(w http.ResponseWriter, r *http.Request) {
	d, err := window(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.rates.begin(d)
	w.WriteHeader(http.StatusNoContent)
}

func (c *contention) begin(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Reset(d)
		return
	}
	if runtime.SetMutexProfileFraction(-1) == 0 {
		runtime.SetMutexProfileFraction(mutexFraction)
		c.own = true
	}
	runtime.SetBlockProfileRate(blockRate)
	c.timer = time.AfterFunc(d, c.end)
}

func (c *contention) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer == nil {
		return
	}
	c.timer.Stop()
	c.timer = nil
	if c.own {
		runtime.SetMutexProfileFraction(0)
		c.own = false
	}
	runtime.SetBlockProfileRate(0)
}
