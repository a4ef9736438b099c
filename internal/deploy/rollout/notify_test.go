package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/deploy/onhost"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

func notice(ok bool) Notice {
	return Notice{Event: config.End, Time: time.Date(2026, 11, 28, 6, 0, 0, 0, time.UTC), Name: "app", Who: `dev "x"`, OK: ok, Hosts: []HostResult{{Host: "vm1", Result: onhost.Result{From: "a", To: "b", Result: onhost.Deployed}}, {Host: "vm2"}}}
}

// TestNotify sends each of the templates that are examples, and the default.
func TestNotify(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{"": `"ok":true`, "slack.tmpl": `succeeded`, "pagerduty.tmpl": `"event_action":"resolve"`, "alertmanager.tmpl": `"startsAt":"2026-11-28T06:00:00Z","endsAt":"2026-11-28T06:15:00Z"`} {
		got := ""
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			got = string(data)
		}))
		h := host.OS()
		h.Stderr = io.Discard
		failures := Notify(t.Context(), h, config.Notify{On: []string{config.End}, Webhook: server.URL, Template: template, Commands: [][]string{{"grep", "-q", "vm2"}}}, "../../../examples/deploy", notice(true))
		server.Close()
		if len(failures) > 0 || !json.Valid([]byte(got)) || !strings.Contains(strings.NewReplacer(`": `, `":`, `, "`, `,"`).Replace(got), want) {
			t.Errorf("%q sends %s (%v), want %s", template, got, failures, want)
		}
		failures = Notify(t.Context(), h, config.Notify{On: []string{config.End}, Webhook: server.URL, Commands: [][]string{{"false"}}}, ".", notice(true))
		if len(failures) != 2 {
			t.Errorf("a server that is gone and a command that fails: %v", failures)
		}
		if failures := Notify(t.Context(), h, config.Notify{On: []string{config.Begin}, Commands: [][]string{{"false"}}}, ".", notice(true)); len(failures) > 0 {
			t.Errorf("a notice of the end, where only the begin is wanted: %v", failures)
		}
	}
}

// TestRun_order holds the rollout to canaries, batches and the limit of failures.
func TestRun_order(t *testing.T) {
	t.Parallel()
	hosts := []string{"a", "b", "c", "d", "e"}
	for _, c := range []struct {
		rollout config.Rollout
		bad     string
		want    string
		code    diag.Code
	}{
		{config.Rollout{Canary: 1, Parallel: 2}, "", "+++++", ""},
		{config.Rollout{Canary: 1, Parallel: 2, MaxFailures: 5}, "a", "-....", diag.Failure},
		{config.Rollout{Canary: 1, Parallel: 2}, "b", "+-+..", diag.Failure},
		{config.Rollout{Canary: 0, Parallel: 2, MaxFailures: 1}, "b", "+-+++", diag.Failure},
		{config.Rollout{Canary: 0, Parallel: 5}, "ac", "-+-++", diag.Failure},
	} {
		r := Rollout{Config: config.Config{Rollout: c.rollout}}
		results, err := r.Run(t.Context(), hosts, func(_ context.Context, name string) HostResult {
			if strings.Contains(c.bad, name) {
				return failed(name, errors.New("bad"))
			}
			return HostResult{Host: name, Result: onhost.Result{Result: onhost.Deployed}}
		})
		got := ""
		for _, result := range results {
			got += map[string]string{onhost.Deployed: "+", onhost.Failed: "-", NotReached: "."}[result.Result.Result]
		}
		if got != c.want || diag.CodeOf(err) != c.code {
			t.Errorf("%+v with %q failing: %s, %v, want %s", c.rollout, c.bad, got, err, c.want)
		}
	}
}
