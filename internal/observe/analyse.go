package observe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/observe/chrome"
	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/findings"
	"github.com/vmgo/vmgo/internal/observe/journal"
	"github.com/vmgo/vmgo/internal/observe/profiles"
	"github.com/vmgo/vmgo/internal/observe/report"
	"github.com/vmgo/vmgo/internal/redact"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// analysis is a capture, read.
type analysis struct {
	capture  *capture.Capture
	redactor redact.Redactor
	metadata Metadata
	findings []findings.Finding
	profiles map[string]*profiles.Profile // by name of the file, without its endings
	journal  []journal.Line
	trace    *exectrace.Trace
	traces   []*exectrace.Trace // the flight recorder's too, in order
}

func analyse(h host.Host, c *capture.Capture) (*analysis, error) {
	a := &analysis{capture: c, redactor: redactorFor(h, c.Target.PID), profiles: map[string]*profiles.Profile{}}
	a.readJournal()
	for _, name := range []string{"flight.out", "trace.out"} {
		a.readTrace(name)
	}
	if err := a.readProfiles(); err != nil {
		return nil, err
	}
	for _, name := range []string{"perf.data", "perf.data.old", "perf.log", "perf.txt"} {
		_ = os.Remove(filepath.Join(c.Dir, name)) // the profile has it
	}
	a.metadata = newMetadata(h, c, a.redactor)
	a.metadata.Journal = len(a.journal)
	a.metadata.Clock = "the machine's wall clock"
	if a.trace != nil {
		a.metadata.Events = a.trace.Events
		a.metadata.Clock = "trace and journal on the wall clock, by the readings of both clocks in the trace"
		if !a.trace.Anchored {
			a.metadata.Clock = "the trace has no reading of the wall clock (Go before 1.25): it may be some milliseconds off"
		}
		if at := a.trace.Dropped.BrokenAt; at > 0 {
			a.metadata.Notes = append(a.metadata.Notes, "the execution trace breaks off after "+time.Duration(at).String())
		}
	}
	if cpu := a.profiles["cpu"]; cpu != nil {
		a.metadata.Overhead.Own, a.metadata.Overhead.Samples = cpu.With(cpu.Index("samples"), "runtime/pprof.", "runtime/trace.", "runtime.sigprof",
			"runtime.traceLocker", "runtime.(*trace", "runtime.traceAdvance", "runtime.traceStack", "net/http/pprof.", "github.com/vmgo/vmgo/observe.(*Server)")
	}
	a.findings = findings.Find(a.input())
	return a, nil
}

// readJournal reads and redacts the entries of the window.
func (a *analysis) readJournal() {
	in, err := smallfile.Open(filepath.Join(a.capture.Dir, "journal.json"))
	if err != nil {
		return
	}
	defer in.Close()
	lines, dropped := journal.Read(io.LimitReader(in, capture.MaxFile))
	if dropped > 0 {
		a.capture.Notes = append(a.capture.Notes, fmt.Sprintf("%d further log lines were left out", dropped))
	}
	for _, l := range lines {
		l.Message = a.redactor.Text(l.Message)
		for name, value := range l.Fields {
			l.Fields[name] = a.field(name, value)
		}
		a.journal = append(a.journal, l)
	}
}

// field hides a value that is a secret by the name of its field.
func (a *analysis) field(name, value string) string {
	const joint = "="
	text := a.redactor.Text(name + joint + value)
	if len(text) > len(name) {
		return text[len(name)+len(joint):]
	}
	return text
}

func (a *analysis) readTrace(name string) {
	in, err := smallfile.Open(filepath.Join(a.capture.Dir, name))
	if err != nil {
		return
	}
	defer in.Close()
	o := exectrace.Options{Began: a.capture.Traced}
	for _, l := range a.journal {
		o.Marks = append(o.Marks, l.Time)
	}
	t, err := exectrace.Read(in, o)
	if err != nil {
		a.capture.Notes = append(a.capture.Notes, name+": "+err.Error())
		return
	}
	for i := range t.Tasks {
		t.Tasks[i].Type = a.redactor.Secrets(t.Tasks[i].Type)
	}
	a.traces = append(a.traces, t)
	if name == "trace.out" {
		a.trace = t
	}
}

// readProfiles reads what was captured and replaces block, mutex and allocs by what
// happened within the window.
func (a *analysis) readProfiles() error {
	for _, name := range []string{"cpu", "heap", "heap.before", "allocs", "allocs.before", "goroutine", "goroutine.before", "block", "block.before", "mutex", "mutex.before", "goroutineleak"} {
		data, err := smallfile.Read(filepath.Join(a.capture.Dir, "profiles", name+".pb.gz"), capture.MaxFile)
		if err != nil || len(data) == 0 {
			continue
		}
		p, err := profiles.Parse(data)
		if err != nil {
			a.capture.Notes = append(a.capture.Notes, name+": "+err.Error())
			continue
		}
		a.profiles[name] = p
	}
	for _, name := range []string{"allocs", "block", "mutex"} {
		after, before := a.profiles[name], a.profiles[name+".before"]
		if after == nil || before == nil {
			continue
		}
		p, err := profiles.Minus(after, before, 1)
		if err != nil {
			return err
		}
		a.profiles[name] = p
		data, err := p.Bytes()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(a.capture.Dir, "profiles", name+".pb.gz"), data, 0o600); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(a.capture.Dir, "profiles", name+".before.pb.gz")); err != nil {
			return err
		}
	}
	return nil
}

func (a *analysis) input() findings.Input {
	c := a.capture
	in := findings.Input{
		Unit: c.Target.Unit, Known: c.Target.PID != 0, Window: max(c.Ended.Sub(c.Began), time.Second), Before: c.Before, After: c.After,
		Trace: a.trace, CPU: a.profiles["cpu"], Heap: a.profiles["heap"], HeapBefore: a.profiles["heap.before"], Mutex: a.profiles["mutex"], Block: a.profiles["block"],
		Goroutines: a.profiles["goroutine"], GoBefore: a.profiles["goroutine.before"], Leaks: a.profiles["goroutineleak"],
	}
	for _, l := range a.journal {
		if !l.Time.Before(c.Began) {
			in.Journal = append(in.Journal, l)
		}
	}
	return in
}

// write writes everything but what was captured as it is.
func (a *analysis) write(p *place) error {
	var out bytes.Buffer
	if len(a.traces) > 0 || len(a.journal) > 0 {
		if _, err := chrome.Write(&out, chrome.Input{Traces: a.traces, Journal: a.journal, Throttle: a.capture.Throttle, Redact: a.redactor.Secrets}); err != nil {
			return err
		}
		if err := p.write("trace.json.gz", out.Bytes()); err != nil {
			return err
		}
	}
	for name, value := range map[string]any{"findings.json": a.findings, "metadata.json": a.metadata, "journal.json": append([]journal.Line{}, a.journal...)} {
		data, err := json.MarshalIndent(value, "", " ")
		if err == nil {
			err = p.write(name, append(data, '\n'))
		}
		if err != nil {
			return err
		}
	}
	var html bytes.Buffer
	if err := report.Write(&html, a.page()); err != nil {
		return err
	}
	return p.write("report.html", html.Bytes())
}

func (a *analysis) page() report.Page {
	m := a.metadata
	page := report.Page{
		Title: nameOf(m.Target), Lead: m.Machine.Name + ", " + m.Began.Format("2006-01-02 15:04:05 UTC") + ", " + time.Duration(m.Seconds*float64(time.Second)).Round(100*time.Millisecond).String(),
		Facts: m.facts(), Findings: a.findings, None: "Nothing stands out in this window.", Notes: m.Notes,
		Flames: []report.Flame{
			{ID: "cpu", Title: "CPU", Profile: a.profiles["cpu"], Value: "cpu"},
			{ID: "allocs", Title: "allocated", Profile: a.profiles["allocs"], Value: "alloc_space"},
			{ID: "heap", Title: "live heap", Profile: a.profiles["heap"], Value: "inuse_space"},
			{ID: "block", Title: "blocked", Profile: a.profiles["block"], Value: "delay"},
			{ID: "mutex", Title: "held locks", Profile: a.profiles["mutex"], Value: "delay"},
			{ID: "goroutine", Title: "goroutines", Profile: a.profiles["goroutine"], Value: "goroutine"},
		},
	}
	if cpu := a.profiles["cpu"]; cpu != nil {
		page.Work = cpu.Labelled("trace_id", cpu.Index("cpu")) // the label of the module observe
	}
	if len(a.traces) > 0 || len(a.journal) > 0 {
		page.Timeline = &report.Timeline{Began: a.capture.Began, Ended: a.capture.Ended, Traces: a.traces, Journal: a.journal, Throttle: a.capture.Throttle}
	}
	return page
}
