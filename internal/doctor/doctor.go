// Package doctor finds out what is wrong with Go on a machine, and which command
// fixes it.
//
// A check is a small value, one per file (check_<group>_<name>.go), listed in
// [Catalogue]. It reads the machine through a [Machine], never directly, so
// that made-up machines can be examined, and it changes nothing: safe fixes are
// described as [Edit] values, which Plan, Apply and Undo carry
// out. A check that cannot know returns [Skip] with the reason; it never
// guesses, because a false alarm is worse than none.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Status grades what a check found.
type Status string

// The grades. Only Fail makes the whole run fail.
const (
	OK   Status = "ok"
	Info Status = "info" // worth knowing, nothing to do
	Warn Status = "warn" // will cause a problem sooner or later
	Fail Status = "fail" // something is broken now
	Skip Status = "skip" // unknown, or does not apply; the summary says why
)

// Group is a heading of the report.
type Group string

// The groups, in the order of the report.
const (
	Toolchain    Group = "toolchain"
	Hook         Group = "hook"
	MachineGroup Group = "machine"
	Distribution Group = "distribution"
	Network      Group = "network"
	Security     Group = "security"
)

// Groups lists them in order.
func Groups() []Group {
	return []Group{Toolchain, Hook, MachineGroup, Distribution, Network, Security}
}

// Check is one thing that may be wrong.
type Check struct {
	ID     string // <group>.<name>, stable
	Group  Group
	Title  string // what it looks at
	Why    string // why that matters: one sentence
	Source string // where its facts come from
	Online bool   // it asks the network
	Bench  bool   // it loads the machine; only with --bench
	Slow   bool   // it starts programs or waits while it measures; --quick leaves it out
	// Limit is the time it may take where that is longer than the usual limit.
	Limit time.Duration
	// Weight orders the fixes at the end of the report among those of one
	// grade: how much the fix helps, 0 to 9.
	Weight int
	Run    func(ctx context.Context, m *Machine) Result
}

// Evidence is a place that shows what was found.
type Evidence struct {
	Path  string `json:"path,omitempty"`
	Line  int    `json:"line,omitempty"`
	Value string `json:"value,omitempty"`
}

// String returns path:line and the value.
func (e Evidence) String() string {
	text := e.Path
	if e.Line > 0 {
		text += fmt.Sprintf(":%d", e.Line)
	}
	if text != "" && e.Value != "" {
		text += "  "
	}
	return text + e.Value
}

// Result is what a check found.
type Result struct {
	Status   Status
	Summary  string // one line
	Detail   string // what it means, for this machine
	Evidence []Evidence
	Fix      string // commands to paste, a line each
	Edits    []Edit // what --fix may safely do instead

	causes []string // see because
}

func result(s Status, format string, args ...any) Result {
	return Result{Status: s, Summary: fmt.Sprintf(format, args...)}
}

func ok(format string, args ...any) Result   { return result(OK, format, args...) }
func info(format string, args ...any) Result { return result(Info, format, args...) }
func warn(format string, args ...any) Result { return result(Warn, format, args...) }
func fail(format string, args ...any) Result { return result(Fail, format, args...) }
func skip(format string, args ...any) Result { return result(Skip, format, args...) }

// at adds evidence.
func (r Result) at(path string, line int, format string, args ...any) Result {
	r.Evidence = append(r.Evidence, Evidence{path, line, fmt.Sprintf(format, args...)})
	return r
}

// means adds an explanation.
func (r Result) means(format string, args ...any) Result {
	sentence := fmt.Sprintf(format, args...)
	if strings.Contains(r.Detail, sentence) {
		return r
	}
	if r.Detail != "" {
		r.Detail += " "
	}
	r.Detail += sentence
	return r
}

// fixWith adds a command to paste.
func (r Result) fixWith(format string, args ...any) Result {
	if r.Fix != "" {
		r.Fix += "\n"
	}
	r.Fix += fmt.Sprintf(format, args...)
	return r
}

// safely adds what --fix may do.
func (r Result) safely(edits ...Edit) Result {
	r.Edits = append(r.Edits, edits...)
	return r
}

// worse raises the grade, never lowers it.
func (r *Result) worse(s Status) {
	if s.rank() > r.Status.rank() {
		r.Status = s
	}
}

// rank orders the grades, the worst last.
func (s Status) rank() int {
	return slices.Index([]Status{Skip, OK, Info, Warn, Fail}, s)
}
