package onhost

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/grpchealth"
)

// watch follows a service from its start on. It remembers the invocations that it
// saw: the journal of another release says nothing about this one.
type watch struct {
	app         *App
	release     Release
	invocations []string
	exit        string // status of the last process that failed; systemd forgets it with the next start
}

// look returns the state of the service.
func (w *watch) look(ctx context.Context) map[string]string {
	state := w.app.show(ctx, w.app.Name+".service")
	if id := state["InvocationID"]; id != "" && !slices.Contains(w.invocations, id) {
		w.invocations = append(w.invocations, id)
	}
	if status := state["ExecMainStatus"]; status != "" && status != "0" {
		w.exit = status
	}
	return state
}

// ended says how the last process ended, as far as it was seen.
func (w *watch) ended() string {
	if w.exit == "" {
		return ""
	}
	return " (exit status " + w.exit + ")"
}

// broken says why the service cannot become healthy any more, or nothing.
func (w *watch) broken(ctx context.Context) string {
	state := w.look(ctx)
	restarts, _ := strconv.Atoi(state["NRestarts"])
	switch {
	case state["ActiveState"] == "failed":
		return "the service failed: " + state["Result"] + w.ended()
	case restarts > w.release.Config.Health.MaxRestarts:
		return fmt.Sprintf("the service crashed and was restarted %d times%s", restarts, w.ended())
	}
	return ""
}

// healthy waits until the service is healthy, then for the time in which it must
// not crash, and returns why it is not, or nothing.
func (w *watch) healthy(ctx context.Context) string {
	h := w.release.Config.Health
	w.app.Say("wait until it is healthy: " + describe(h))
	limit := w.app.Host.Now().Add(time.Duration(h.Deadline))
	last, inARow := "", 0
	for inARow < h.Successes {
		if reason := w.broken(ctx); reason != "" {
			return reason
		}
		if last = w.app.probe(ctx, h); last == "" {
			inARow++
		} else {
			inARow = 0
		}
		if w.app.Host.Now().After(limit) && inARow < h.Successes {
			return "not healthy within " + time.Duration(h.Deadline).String() + ": " + last
		}
		if !pause(ctx, time.Duration(h.Interval)) {
			return "interrupted"
		}
	}
	w.app.Say("watch it for " + time.Duration(h.Window).String())
	for end := w.app.Host.Now().Add(time.Duration(h.Window)); w.app.Host.Now().Before(end); {
		if reason := w.broken(ctx); reason != "" {
			return reason
		}
		if !pause(ctx, time.Duration(h.Interval)) {
			return "interrupted"
		}
	}
	if reason := w.broken(ctx); reason != "" {
		return reason
	}
	if reason := w.app.probe(ctx, h); reason != "" {
		return "healthy for a moment only: " + reason
	}
	return ""
}

func (a *App) healthyNow(ctx context.Context, r Release) bool {
	return a.live() && (&watch{app: a, release: r}).broken(ctx) == "" && a.probe(ctx, r.Config.Health) == ""
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func describe(h config.Health) string {
	switch {
	case h.URL != "":
		return h.URL + " answers 2xx"
	case h.TCP != "":
		return h.TCP + " accepts connections"
	case h.GRPC != "":
		return "gRPC health of " + h.GRPC
	}
	return strings.Join(h.Command, " ")
}

// probe asks once, and returns what is wrong, or nothing.
func (a *App) probe(ctx context.Context, h config.Health) string {
	ctx, cancel := context.WithTimeout(ctx, max(2*time.Second, time.Duration(h.Interval)))
	defer cancel()
	switch {
	case h.URL != "":
		return probeURL(ctx, h.URL)
	case h.TCP != "":
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.TCP)
		if err != nil {
			return err.Error()
		}
		conn.Close()
		return ""
	case h.GRPC != "":
		return probeGRPC(ctx, h.GRPC)
	}
	return a.probeCommand(ctx, a.dir()+"/current", h.Command)
}

func (a *App) probeCommand(ctx context.Context, dir string, words []string) string {
	if _, err := a.runIn(ctx, dir, words...); err != nil {
		return err.Error()
	}
	return ""
}

// probeURL opens a connection of its own: one that is kept alive would show the
// program that ran before.
func probeURL(ctx context.Context, url string) string {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		return url + " answers " + response.Status
	}
	return ""
}

// journal returns the last lines of the invocations that were seen.
func (w *watch) journal(ctx context.Context) []string {
	if !w.app.live() || len(w.invocations) == 0 {
		return nil
	}
	words := []string{"journalctl", "--no-pager", "-o", "cat", "-n", "200"}
	for i, id := range w.invocations {
		if i > 0 {
			words = append(words, "+")
		}
		words = append(words, "_SYSTEMD_INVOCATION_ID="+id, "+", "INVOCATION_ID="+id)
	}
	out, _ := w.app.run(context.WithoutCancel(ctx), words...)
	return strings.Split(strings.TrimSpace(out), "\n")
}

func probeGRPC(ctx context.Context, address string) string {
	answer, err := grpchealth.Ask(ctx, http.DefaultTransport, address)
	switch {
	case err != nil:
		return err.Error()
	case answer.Code != "0":
		return "gRPC status " + answer.Code
	case answer.Status != grpchealth.Serving:
		return "not SERVING"
	}
	return ""
}
