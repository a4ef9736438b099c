// Package chrome writes the trace event format that Perfetto and chrome://tracing open.
package chrome

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/journal"
)

// Input is what a file is made of.
type Input struct {
	Traces   []*exectrace.Trace
	Journal  []journal.Line
	Throttle []capture.Throttle
	Redact   func(string) string
}

// Processes of the file: groups of tracks in the viewer.
const (
	pidProcs = 1 + iota
	pidCollector
	pidCounters
	pidTasks
	pidJournal
)

// event is one event of the format. Times are µs.
type event struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"`
	At    float64        `json:"ts"`
	For   float64        `json:"dur,omitempty"`
	PID   int            `json:"pid"`
	TID   int64          `json:"tid"`
	ID    string         `json:"id,omitempty"`
	Cat   string         `json:"cat,omitempty"`
	Scope string         `json:"s,omitempty"`
	Args  map[string]any `json:"args,omitempty"`
}

type writer struct {
	out   *bufio.Writer
	err   error
	zero  time.Time
	count int
}

// Write writes a compressed file and returns how many events it has. The wall clock at
// time 0 is the file's member "wall_clock_zero": as times since 1970 the numbers would be
// too large for a viewer's precision.
func Write(w io.Writer, in Input) (events int, err error) {
	zip := gzip.NewWriter(w)
	x := &writer{out: bufio.NewWriter(zip), zero: zero(in)}
	_, x.err = x.out.WriteString(`{"displayTimeUnit":"ns","wall_clock_zero":"` + x.zero.UTC().Format(time.RFC3339Nano) + `","traceEvents":[`)
	for pid, name := range map[int]string{pidProcs: "Ps", pidCollector: "collector", pidCounters: "counters", pidTasks: "tasks and regions", pidJournal: "journal"} {
		x.emit(event{Name: "process_name", Phase: "M", PID: pid, Args: map[string]any{"name": name}})
		x.emit(event{Name: "process_sort_index", Phase: "M", PID: pid, Args: map[string]any{"sort_index": pid}})
	}
	for _, t := range in.Traces {
		x.trace(t, in.Redact)
	}
	for i := 1; i < len(in.Throttle); i++ {
		x.emit(event{Name: "throttled", Phase: "C", At: x.us(in.Throttle[i].At), PID: pidCounters,
			Args: map[string]any{"ms": float64(in.Throttle[i].Sum-in.Throttle[i-1].Sum) / 1e6}})
	}
	for _, l := range in.Journal {
		args := map[string]any{"priority": l.Priority}
		if l.TraceID != "" {
			args["TRACE_ID"] = l.TraceID
		}
		for name, value := range l.Fields {
			args[name] = value
		}
		x.emit(event{Name: l.Message, Phase: "i", Scope: "g", Cat: "journal", At: x.us(l.Time), PID: pidJournal, Args: args})
	}
	if x.err == nil {
		_, x.err = x.out.WriteString("]}\n")
	}
	if x.err == nil {
		x.err = x.out.Flush()
	}
	if x.err == nil {
		x.err = zip.Close()
	}
	return x.count, x.err
}

func zero(in Input) time.Time {
	var first time.Time
	earlier := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	for _, t := range in.Traces {
		earlier(t.Begin)
	}
	if len(in.Journal) > 0 {
		earlier(in.Journal[0].Time)
	}
	return first
}

func (x *writer) us(t time.Time) float64 { return float64(t.Sub(x.zero).Nanoseconds()) / 1e3 }

func (x *writer) emit(e event) {
	if x.err != nil {
		return
	}
	data, err := json.Marshal(e)
	if err != nil {
		x.err = err
		return
	}
	if x.count > 0 {
		_, _ = x.out.WriteString(",\n")
	}
	x.count++
	_, x.err = x.out.Write(data)
}

func (x *writer) trace(t *exectrace.Trace, redact func(string) string) {
	at := func(ns int64) float64 { return x.us(t.Wall(ns)) }
	for _, s := range t.Slices {
		name := t.Names[s.Name]
		if s.Syscall {
			name = "syscall " + name
		}
		x.emit(event{Name: name, Phase: "X", At: at(s.At), For: float64(s.For) / 1e3, PID: pidProcs, TID: int64(s.Proc), Args: map[string]any{"goroutine": s.G}})
	}
	for _, r := range t.Ranges {
		x.emit(event{Name: r.Name, Phase: "X", At: at(r.At), For: float64(r.For) / 1e3, PID: pidCollector, TID: max(r.G, 0)})
	}
	for i, s := range t.States {
		x.emit(event{Name: "goroutines", Phase: "C", At: at(t.Nanos * int64(i+1) / int64(len(t.States))), PID: pidCounters,
			Args: map[string]any{"running": s.Running, "runnable": s.Runnable, "syscall": s.Syscall, "waiting": s.Waiting}})
	}
	for name, samples := range map[string][]exectrace.Sample{"heap": t.Heap, "heap goal": t.Goal} {
		for _, s := range samples {
			x.emit(event{Name: name, Phase: "C", At: at(s.At), PID: pidCounters, Args: map[string]any{"bytes": s.Value}})
		}
	}
	for _, task := range t.Tasks {
		args := map[string]any{"task": task.ID}
		if task.TraceID != "" {
			args["TRACE_ID"] = task.TraceID
		}
		x.span(redact(task.Type), "task", task.ID, at(task.At), at(task.At+task.For), args)
	}
	for i, r := range t.Regions {
		x.span(redact(r.Type), "region", uint64(i), at(r.At), at(r.At+r.For), map[string]any{"goroutine": r.G, "task": r.Task})
	}
}

// span is something that overlaps others of its kind.
func (x *writer) span(name, kind string, id uint64, from, to float64, args map[string]any) {
	e := event{Name: name, Cat: kind, Phase: "b", ID: kind + " " + strconv.FormatUint(id, 10), At: from, PID: pidTasks, Args: args}
	x.emit(e)
	e.Phase, e.At, e.Args = "e", to, nil
	x.emit(e)
}
