package doctor

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

// Limits bound what a run waits for; 0 means the usual. A whole offline run
// takes less than two seconds on an idle machine. The limits are for what hangs,
// and far beyond what is merely slow: a name server that is down costs five
// seconds, the startup files of a shell on a loaded machine cost some.
type Limits struct {
	Check   time.Duration // a check, unless it has a longer limit of its own
	Session time.Duration // one kind of session, its startup files included
	Build   time.Duration // a program of one file, by the go of a session: the first one compiles the runtime
	Request time.Duration // one request to a server; a check may make several, side by side
}

func (l Limits) orUsual() Limits {
	return Limits{
		Check:   cmp.Or(l.Check, 15*time.Second),
		Session: cmp.Or(l.Session, 8*time.Second),
		Build:   cmp.Or(l.Build, 30*time.Second),
		Request: cmp.Or(l.Request, 6*time.Second),
	}
}

// Outcome is a check with its result.
type Outcome struct {
	Check Check
	Result
	Took  time.Duration
	Cause string // the id of the check whose finding explains this one; see [fold]
}

// Report is the outcome of a whole run.
type Report struct {
	Summary  Summary
	Outcomes []Outcome // in the order of the catalogue
	Changed  *Changed  // since the last run; nil where that is not known, see [Machine.Compared]
}

// OK reports whether nothing failed.
func (r Report) OK() bool { return !r.Has(Fail) }

// Has reports whether a check has the status, or a worse one.
func (r Report) Has(s Status) bool {
	return slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return o.Status.rank() >= s.rank() })
}

// Count returns how many outcomes have a grade, consequences of others left out.
func (r Report) Count(s Status) int {
	n := 0
	for _, o := range r.Heads() {
		if o.Status == s {
			n++
		}
	}
	return n
}

// Select returns the checks that only names, without those that skip names: an
// id, or a group for all in it. An empty only names all. The error has the code
// usage.
func Select(all []Check, only, skip []string) ([]Check, error) {
	for _, name := range slices.Concat(only, skip) {
		if !slices.ContainsFunc(all, func(c Check) bool { return c.isNamed(name) }) {
			return nil, diag.New(diag.Usage, fmt.Sprintf("unknown check %q", name), "vmgo doctor --list")
		}
	}
	picked := all
	if len(only) > 0 {
		picked = nil
		for _, name := range only {
			for _, c := range all {
				if c.isNamed(name) && !slices.ContainsFunc(picked, func(p Check) bool { return p.ID == c.ID }) {
					picked = append(picked, c)
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(picked), func(c Check) bool {
		return slices.ContainsFunc(skip, c.isNamed)
	}), nil
}

// isNamed reports whether a name is the check's id or its group.
func (c Check) isNamed(name string) bool {
	return c.ID == currentID(name) || string(c.Group) == name
}

// currentID returns the id of a check, given that or an earlier one: what was saved
// with an earlier vmgo, such as a baseline, stays valid.
func currentID(id string) string {
	if id == "toolchain.inforce" {
		return "toolchain.selected"
	}
	return id
}

// Run carries out checks side by side, each within its limit.
func Run(ctx context.Context, m *Machine, checks []Check) Report {
	outcomes := make([]Outcome, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			start := time.Now()
			outcomes[i] = Outcome{Check: c, Result: m.redact(one(ctx, m, c)), Took: time.Since(start)}
		})
	}
	summary := unknownMachine()
	all.Go(func() {
		if s, answered := within(m.Options.Limits.Check, m.Summary); answered {
			summary = s
		}
	})
	all.Wait()
	fold(outcomes)
	return Report{Summary: summary, Outcomes: outcomes}
}

// within waits for an answer, but not much longer than a limit. What outlives it is
// left behind: it only reads, so it can do no harm, and the process ends soon.
func within[T any](limit time.Duration, ask func() T) (answer T, answered bool) {
	done := make(chan T, 1)
	go func() { done <- ask() }()
	grace := time.NewTimer(limit + 300*time.Millisecond)
	defer grace.Stop()
	select {
	case answer = <-done:
		return answer, true
	case <-grace.C:
		return answer, false
	}
}

// one runs a single check.
func one(ctx context.Context, m *Machine, c Check) Result {
	switch {
	case m.Options.Quick && (c.Online || c.Bench || c.Slow):
		return skip("skipped: --quick")
	case c.Online && m.Options.Offline:
		return skip("skipped: offline")
	case c.Bench && !m.Options.Bench:
		return skip("runs only with --bench")
	}
	limit := max(c.Limit, m.Options.Limits.Check)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, answered := within(limit, func() (r Result) {
		defer func() {
			if p := recover(); p != nil {
				r = skip("the check itself failed: %v", p).means("This is a bug in vmgo: report it.")
			}
		}()
		return c.Run(ctx, m)
	})
	if !answered {
		return skip("no answer within %v", limit)
	}
	return r
}

// redact removes the home directory and secrets from everything that is shown:
// people paste the report into tickets.
func (m *Machine) redact(r Result) Result {
	r.Summary, r.Detail = diag.Line(m.Redact(r.Summary)), diag.Line(m.Redact(r.Detail))
	shown := make([]Evidence, len(r.Evidence))
	for i, e := range r.Evidence {
		shown[i] = Evidence{diag.Line(m.Redact(e.Path)), e.Line, diag.Line(m.Redact(e.Value))}
	}
	r.Evidence = shown
	switch {
	case m.UID == 0:
		r.Fix = withoutSudo(r.Fix)
	case m.findProgram("sudo") == "":
		r.Fix = withSu(r.Fix)
	}
	r.Fix = eachLine(m.redactor.Command(r.Fix))
	return r
}

// eachLine is [diag.Line] for text of several lines.
func eachLine(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = diag.Line(lines[i])
	}
	return strings.Join(lines, "\n")
}

// withSu is for machines without sudo, as Debian is after an installation with a
// password for root.
func withSu(commands string) string {
	lines := strings.Split(commands, "\n")
	for i, line := range lines {
		if bare := withoutSudo(line); bare != line {
			lines[i] = "su - -c " + diag.Word(bare)
		}
	}
	return strings.Join(lines, "\n")
}

// withoutSudo leaves sudo out of commands for root, who may not have it. "sudo
// -u" stays.
func withoutSudo(commands string) string {
	return regexp.MustCompile(`(^|[\s|&;])sudo ([^-])`).ReplaceAllString(commands, "${1}${2}")
}
