package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/drain"
	"github.com/vmgo/vmgo/internal/diag"
)

// Limits of connections. A zip may take its time; a header may not.
const (
	headerLimit = 10 * time.Second
	idleLimit   = 2 * time.Minute
	// drainLimit is how long answers under way may take when the server is told to
	// stop. systemd waits longer than that by default (90 s).
	drainLimit = 60 * time.Second
)

// firstInherited is the first file descriptor that systemd passes (sd_listen_fds(3)).
const firstInherited = 3

// Listen returns the socket that systemd passed to this process, else one at the
// address. environment is that of the process, of which pid is the number.
func Listen(ctx context.Context, address string, environment map[string]string, pid int) (net.Listener, error) {
	if environment["LISTEN_PID"] == strconv.Itoa(pid) && environment["LISTEN_FDS"] != "" {
		file := os.NewFile(firstInherited, "the socket of systemd")
		defer file.Close() // FileListener has one of its own
		listener, err := net.FileListener(file)
		if err != nil {
			return nil, diag.Wrap(diag.Failure, err, "the socket that systemd passed cannot be used", "systemctl status vmgo-proxy.socket")
		}
		return listener, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, diag.Wrap(diag.Failure, err, "cannot listen at "+address, "vmgo proxy serve --listen 127.0.0.1:0   # the kernel chooses a free port")
	}
	return listener, nil
}

// Certificate reads the pair of files for TLS.
func Certificate(cert, key string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, diag.Wrap(diag.Failure, err, "cannot use the certificate "+cert, "vmgo help proxy serve   # --tls-cert and --tls-key are PEM files")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// Serve answers requests until ctx ends, then those that it has accepted. secure is
// nil for plain HTTP.
func Serve(ctx context.Context, listener net.Listener, secure *tls.Config, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerLimit, IdleTimeout: idleLimit, MaxHeaderBytes: 64 << 10,
		TLSConfig: secure, ErrorLog: log.New(slogWriter{logger}, "", 0),
	}
	if secure != nil {
		listener = tls.NewListener(listener, secure)
	}
	err := drain.Serve(ctx, server, drainLimit, listener)
	if errors.Is(err, context.DeadlineExceeded) {
		logger.Warn("answers under way were cut", "after", drainLimit.String())
		return server.Close()
	}
	return err
}

// slogWriter takes the lines of the HTTP server's own log.
type slogWriter struct{ logger *slog.Logger }

// Write logs a line.
func (w slogWriter) Write(p []byte) (int, error) {
	w.logger.Debug(diag.Line(string(p)))
	return len(p), nil
}

// Notify tells systemd that the service is ready (sd_notify(3)). Nobody listens
// where there is no socket for it.
func Notify(socket, state string) error {
	if socket == "" {
		return nil
	}
	if socket[0] == '@' {
		socket = "\x00" + socket[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}

// Scrub does [Server.ScrubOnce] again and again until ctx ends, with a pause between.
func (s *Server) Scrub(ctx context.Context, rate int64, pause time.Duration) {
	for ctx.Err() == nil {
		_ = s.ScrubOnce(ctx, rate)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// ScrubOnce compares every file of the cache with its hash and fetches anew what is
// damaged. It reads at most rate bytes a second. The error is that of ctx.
func (s *Server) ScrubOnce(ctx context.Context, rate int64) error {
	return s.store.Scrub(ctx, rate, s.repair)
}

func (s *Server) repair(name string) {
	s.noteDamage(name)
	asked, err := parse(name)
	if err != nil || s.config.Offline || asked.kind != kindInfo && asked.kind != kindMod && asked.kind != kindZip {
		return // it is asked anew when somebody wants it
	}
	fl := s.begin(asked)
	defer fl.readers.Done()
	if err := fl.wait(s.ctx); err != nil {
		s.config.Logger.Error("cannot repair", "name", name, "error", diag.Line(err.Error()))
	}
}
