// Package observe lets `vmgo observe` look into a service: it serves the profiles,
// the execution trace and a flight recorder on a unix socket, writes logs to
// journald, and marks the work of one request in traces, profiles and logs alike.
//
// It needs nothing but the standard library. It does not import net/http/pprof,
// which registers its handlers with [net/http.DefaultServeMux]: a service that
// serves that mux would publish its profiles.
package observe

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// SocketName is the FileDescriptorName= of the socket unit: what systemd calls
// the socket that it passes to the service.
const SocketName = "vmgo-observe"

// ErrNoSocket reports that systemd passed no socket of the name [SocketName].
var ErrNoSocket = errors.New("systemd passed no socket named " + SocketName)

// Options are the settings of a [Server]. The zero value is fit for production.
type Options struct {
	// FlightAge is how far back the flight recorder reaches; 0 means 10 seconds, less
	// than 0 means that there is none.
	FlightAge time.Duration
	// FlightBytes bounds its memory; 0 means 8 MiB.
	FlightBytes uint64
}

// Server answers `vmgo observe` until it is closed.
type Server struct {
	http     *http.Server
	recorder *trace.FlightRecorder
	rates    contention
	done     chan struct{}
	close    sync.Once
}

// Start serves on the socket that systemd passed under the name [SocketName]. Where
// there is none, as when the program runs by hand, it returns [ErrNoSocket] and
// has changed nothing.
func Start(o Options) (*Server, error) {
	l, err := systemdSocket(os.Getenv, os.Getpid())
	if err != nil {
		return nil, err
	}
	return Serve(l, o), nil
}

// Listen serves on a new unix socket at path, with mode 0600. A socket that an
// earlier process left there is replaced; one on which somebody still listens is not.
func Listen(path string, o Options) (*Server, error) {
	if conn, err := net.Dial("unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("another process listens on %s", path), conn.Close())
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	// The socket is private from its first moment. What other goroutines create
	// meanwhile becomes more private than they asked for, never less.
	before := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(before)
	if err != nil {
		return nil, err
	}
	return Serve(l, o), nil
}

// Serve serves on a listener of the caller's. Whoever can connect to it can read the
// program's command line and memory: do not pass one that others can reach.
func Serve(l net.Listener, o Options) *Server {
	s := &Server{done: make(chan struct{})}
	if o.FlightAge == 0 {
		o.FlightAge = 10 * time.Second
	}
	if o.FlightBytes == 0 {
		o.FlightBytes = 8 << 20
	}
	if o.FlightAge > 0 {
		recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: o.FlightAge, MaxBytes: o.FlightBytes})
		if recorder.Start() == nil { // else the program runs one itself
			s.recorder = recorder
		}
	}
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l)
	}()
	return s
}

// Close stops serving and the flight recorder.
func (s *Server) Close() error {
	err := s.http.Close()
	s.close.Do(func() {
		if s.recorder != nil {
			s.recorder.Stop()
		}
		s.rates.end()
	})
	<-s.done
	return err
}

// firstFD is the first descriptor that systemd passes: sd_listen_fds(3).
const firstFD = 3

// systemdSocket finds the listener named SocketName among those that systemd passed.
// It leaves the environment and the other sockets to the program.
func systemdSocket(getenv func(string) string, pid int) (net.Listener, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return nil, ErrNoSocket
	}
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil {
		return nil, ErrNoSocket
	}
	for i, name := range strings.Split(getenv("LISTEN_FDNAMES"), ":") {
		if name != SocketName || i >= n {
			continue
		}
		fd := firstFD + i
		syscall.CloseOnExec(fd)
		file := os.NewFile(uintptr(fd), SocketName)
		l, err := net.FileListener(file) // a duplicate
		return l, errors.Join(err, file.Close())
	}
	return nil, ErrNoSocket
}
