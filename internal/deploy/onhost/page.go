package onhost

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/smallfile"
)

const defaultPage = "<!doctype html><title>Maintenance</title><p>This service is down for maintenance. Try again soon.\n"

// ServePage answers every request on the sockets that systemd handed over
// (sd_listen_fds(3)) with status 503, until ctx ends.
func ServePage(ctx context.Context, env map[string]string, file string, retryAfter int) error {
	page := []byte(defaultPage)
	if file != "" {
		data, err := smallfile.Read(file, smallfile.Usual)
		if err != nil {
			return err
		}
		page = data
	}
	n, err := strconv.Atoi(env["LISTEN_FDS"])
	if err != nil || n < 1 {
		return diag.New(diag.Usage, "the maintenance page is served on sockets of systemd only", "systemctl status")
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method != http.MethodHead {
			_, _ = w.Write(page)
		}
	})}
	failed := make(chan error, n)
	for fd := range n {
		file := os.NewFile(uintptr(3+fd), "socket")
		listener, err := net.FileListener(file)
		if err != nil {
			return fmt.Errorf("socket %d of systemd: %w", fd, err)
		}
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case <-ctx.Done():
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	case err := <-failed:
		return err
	}
}
