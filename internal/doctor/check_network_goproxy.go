package doctor

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

func goproxyCheck() Check {
	return Check{
		ID: "network.goproxy", Group: Network, Online: true, Weight: 9,
		Title:  "whether each entry of GOPROXY answers, and how fast",
		Why:    "modules and, by default, releases come from there",
		Source: "a request to each entry; go.dev/ref/mod (goproxy-protocol)",
		Run:    runGoproxy,
	}
}

const slowAnswer = 2 * time.Second

func runGoproxy(ctx context.Context, m *Machine) Result {
	list := m.proxies()
	if len(list) == 0 {
		return skip("GOPROXY names no server")
	}
	results := make([]Result, len(list))
	var all sync.WaitGroup
	for i, p := range list {
		all.Go(func() { results[i] = m.askProxy(ctx, p.URL) })
	}
	all.Wait()
	r := Result{Status: OK, Summary: "all answer"}
	for i, one := range results {
		// Beyond a comma go only moves on after 404 and 410, so that a dead
		// server stops it; beyond a pipe after any error.
		if one.Status == Fail && i+1 < len(list) && list[i].AnyError {
			one.Status = Warn
		}
		r.worse(one.Status)
		r = r.at(m.Redact(list[i].URL), 0, "%s", one.Summary)
	}
	switch r.Status {
	case Fail:
		r.Summary = "an entry of GOPROXY does not answer"
		return r.mend("curl -v %s", diag.Word(m.Redact(list[0].URL)+toolchainList))
	case Warn:
		r.Summary = "an entry of GOPROXY is slow or does not answer"
		return r.mend("curl -v %s", diag.Word(m.Redact(list[0].URL)+toolchainList))
	}
	if len(list) == 1 {
		r.Summary = m.Redact(list[0].URL) + ": " + results[0].Summary
	}
	return r
}

func (m *Machine) askProxy(ctx context.Context, p string) Result {
	if path, local := strings.CutPrefix(p, "file://"); local {
		if !m.Exists(path) {
			return fail("no such directory")
		}
		return ok("a directory")
	}
	answer, err := m.get(ctx, p+toolchainList, 512)
	switch {
	case err != nil:
		return fail("%s", m.netError(err))
	case answer.status == 401 || answer.status == 407:
		return fail("wants a password (status %d)", answer.status)
	case answer.status >= 500:
		return fail("status %d", answer.status)
	case answer.took > slowAnswer:
		return warn("slow: %v", answer.took.Round(10*time.Millisecond))
	case answer.status != 200 && answer.status != 403 && answer.status != 404 && answer.status != 410:
		return warn("status %d", answer.status)
	case strings.HasPrefix(strings.TrimSpace(strings.ToLower(answer.body)), "<"):
		return fail("answers with a web page, as captive portals do")
	}
	return ok("answered in %v", answer.took.Round(time.Millisecond))
}
