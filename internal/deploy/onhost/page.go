package onhost

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/drain"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// graceOfPage is how long a connection to the page may hold up the service's start.
const graceOfPage = 5 * time.Second

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
	listeners, err := drain.Sockets(env["LISTEN_FDS"])
	if err != nil {
		return diag.Wrap(diag.Usage, err, "the maintenance page is served on sockets of systemd only", "systemctl status")
	}
	server := &http.Server{ReadHeaderTimeout: graceOfPage, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method != http.MethodHead {
			_, _ = w.Write(page)
		}
	})}
	return drain.Serve(ctx, server, graceOfPage, listeners...)
}
