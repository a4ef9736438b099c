package doctor

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/goenv"
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
		return skip("GOPROXY has no server")
	}
	results, errs := make([]Result, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	for i, p := range list {
		all.Go(func() { results[i], errs[i] = m.askProxy(ctx, p.URL) })
	}
	all.Wait()
	r := Result{Status: OK, Summary: "every entry of GOPROXY answers"}.because(causesOf(errs)...)
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
		return m.fixGOPROXY(r, list, results)
	case Warn:
		r.Summary = "an entry of GOPROXY is slow or does not answer"
		return m.fixGOPROXY(r, list, results)
	}
	if len(list) == 1 {
		r.Summary = m.Redact(list[0].URL) + ": " + results[0].Summary
	}
	return r
}

// fixGOPROXY adds what to do: a GOPROXY of the entries that answered, or the request
// to look at.
func (m *Machine) fixGOPROXY(r Result, list []goenv.Proxy, results []Result) Result {
	var good []string
	bad := ""
	for i, one := range results {
		switch {
		case one.Status == OK:
			good = append(good, list[i].URL)
		case bad == "":
			bad = list[i].URL
		}
	}
	if len(good) == 0 {
		return r.fixWith("curl -v %s", diag.Word(m.Redact(bad)+toolchainList))
	}
	if strings.HasSuffix(m.proxyList(), "direct") {
		good = append(good, "direct")
	}
	return r.means("The other entries answered.").fixWith("%s", m.setGo("GOPROXY", strings.Join(good, ",")))
}

// askProxy returns what an entry answers, and the error where it does not.
func (m *Machine) askProxy(ctx context.Context, p string) (Result, error) {
	if path, local := strings.CutPrefix(p, "file://"); local {
		if !m.Exists(path) {
			return fail("no such directory"), nil
		}
		return ok("a directory"), nil
	}
	answer, err := m.get(ctx, p+toolchainList, 512)
	switch {
	case err != nil:
		return fail("%s", m.netError(err)), err
	case answer.status == 401 || answer.status == 407:
		return fail("requires a password (status %d)", answer.status), nil
	case answer.status >= 500:
		return fail("status %d", answer.status), nil
	case answer.took > slowAnswer:
		return warn("slow: %v", answer.took.Round(10*time.Millisecond)), nil
	case answer.status != 200 && answer.status != 403 && answer.status != 404 && answer.status != 410:
		return warn("status %d", answer.status), nil
	case isWebPage(answer.body):
		return fail("answers with a web page, as captive portals do"), nil
	}
	return ok("answered in %v", answer.took.Round(time.Millisecond)), nil
}
