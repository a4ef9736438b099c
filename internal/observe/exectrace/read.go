package exectrace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/exp/trace"
)

// Limits of what is kept of one trace.
const (
	maxSlices  = 300_000
	maxTasks   = 20_000
	maxRegions = 20_000
	maxGroups  = 8 // of a Moment
	steps      = 1000
)

// Options say how a trace is read.
type Options struct {
	Began time.Time   // when the trace was asked for, in case it does not tell
	Marks []time.Time // moments of interest, in order
}

// Read reads a trace. One that breaks off is read as far as it goes, which
// [Dropped.BrokenAt] tells; an error means that nothing could be read.
func Read(r io.Reader, o Options) (*Trace, error) {
	reader, err := trace.NewReader(bufio.NewReaderSize(r, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the execution trace: %w", err)
	}
	s := newScan(o)
	for {
		event, err := next(reader)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if s.t.Events == 0 {
				return nil, fmt.Errorf("reading the execution trace: %w", err)
			}
			s.t.Dropped.BrokenAt = s.now
			break
		}
		s.event(event)
	}
	s.finish()
	return s.t, nil
}

// next reads an event. The library panics on some damaged input.
func next(r *trace.Reader) (e trace.Event, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged trace: %v", p)
		}
	}()
	return r.ReadEvent()
}

// goroutine is what a scan knows about one.
type goroutine struct {
	state  trace.GoState
	since  int64
	proc   trace.ProcID
	name   int32
	reason string
	stack  []Frame
	ours   bool  // it serves the capture itself
	assist int64 // when it began to help the collector; -1: it does not
	worker string
}

type groupKey struct {
	state  trace.GoState
	reason string
	name   int32
}

type scan struct {
	o       Options
	t       *Trace
	first   trace.Time
	started bool
	now     int64
	marks   []int64
	mark    int

	gs      map[trace.GoID]*goroutine
	running map[trace.ProcID]trace.GoID
	counts  States
	groups  map[groupKey]int
	names   map[string]int32
	stacks  map[trace.Stack][]Frame
	waits   map[string]*Wait
	calls   map[string]*Wait
	ranges  map[rangeKey]int64
	tasks   map[trace.TaskID]int
	regions map[regionKey][]int64
	samples []sampled
	waker   []Frame                     // of the event, where it wakes a goroutine up
	called  map[trace.ProcID]trace.GoID // in a system call, with its P
	least   int64                       // slices shorter than this are dropped
}

type rangeKey struct {
	name string
	kind trace.ResourceKind
	id   int64
}

type regionKey struct {
	g    trace.GoID
	name string
	task trace.TaskID
}

type sampled struct {
	at int64
	States
}

func newScan(o Options) *scan {
	return &scan{
		o: o, t: &Trace{},
		gs: map[trace.GoID]*goroutine{}, running: map[trace.ProcID]trace.GoID{}, groups: map[groupKey]int{},
		names: map[string]int32{}, stacks: map[trace.Stack][]Frame{}, waits: map[string]*Wait{}, calls: map[string]*Wait{},
		ranges: map[rangeKey]int64{}, called: map[trace.ProcID]trace.GoID{}, tasks: map[trace.TaskID]int{}, regions: map[regionKey][]int64{},
	}
}

// begin fixes the axis by the first event.
func (s *scan) begin(e trace.Event) {
	s.started, s.first = true, e.Time()
	s.t.Begin = s.o.Began
	if e.Kind() == trace.EventSync {
		if clock := e.Sync().ClockSnapshot; clock != nil {
			// The snapshot's own time may differ from that of the first event by a little.
			s.t.Begin, s.t.Anchored = clock.Wall.Add(e.Time().Sub(clock.Trace)), true
		}
	}
	for _, m := range s.o.Marks {
		s.marks = append(s.marks, m.Sub(s.t.Begin).Nanoseconds())
	}
	s.t.Moments = make([]Moment, len(s.marks))
}

func (s *scan) event(e trace.Event) {
	if !s.started {
		s.begin(e)
	}
	s.t.Events++
	s.now = max(s.now, e.Time().Sub(s.first).Nanoseconds())
	s.passMarks(s.now)
	switch e.Kind() {
	case trace.EventSync:
		clear(s.stacks) // the tables of stacks are new
		if len(s.t.Slices) == 0 && !s.t.Anchored {
			s.reanchor(e)
		}
	case trace.EventStateTransition:
		s.transition(e)
	case trace.EventLabel:
		if l := e.Label(); l.Resource.Kind == trace.ResourceGoroutine {
			s.of(l.Resource.Goroutine()).worker = l.Label
		}
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		s.rangeEvent(e)
	case trace.EventMetric:
		s.metric(e.Metric())
	case trace.EventTaskBegin, trace.EventTaskEnd, trace.EventLog:
		s.taskEvent(e)
	case trace.EventRegionBegin, trace.EventRegionEnd:
		s.regionEvent(e)
	}
}

// reanchor takes the clocks from a later event, where the first had none.
func (s *scan) reanchor(e trace.Event) {
	if clock := e.Sync().ClockSnapshot; clock != nil {
		s.t.Begin, s.t.Anchored = clock.Wall.Add(s.first.Sub(clock.Trace)), true
	}
}

// passMarks writes down what goes on at each mark up to a time.
func (s *scan) passMarks(until int64) {
	for ; s.mark < len(s.marks) && s.marks[s.mark] <= until; s.mark++ {
		if s.marks[s.mark] >= 0 {
			s.t.Moments[s.mark] = s.moment()
		}
	}
}

func (s *scan) moment() Moment {
	var m Moment
	for proc, g := range s.running {
		m.Running = append(m.Running, Slice{Proc: int32(proc), G: int64(g), Name: s.of(g).name})
	}
	slices.SortFunc(m.Running, func(a, b Slice) int { return int(a.Proc - b.Proc) })
	for key, n := range s.groups {
		if key.state != trace.GoRunning {
			m.Groups = append(m.Groups, Group{State: key.state.String(), Reason: key.reason, Name: key.name, Count: n})
		}
	}
	slices.SortFunc(m.Groups, func(a, b Group) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(s.t.Names[a.Name]+a.State+a.Reason, s.t.Names[b.Name]+b.State+b.Reason)
	})
	for len(m.Groups) > maxGroups {
		m.Others += m.Groups[len(m.Groups)-1].Count
		m.Groups = m.Groups[:len(m.Groups)-1]
	}
	return m
}

func (s *scan) of(id trace.GoID) *goroutine {
	g := s.gs[id]
	if g == nil {
		g = &goroutine{proc: trace.NoProc, name: s.name(""), assist: -1}
		s.gs[id] = g
	}
	return g
}

// name returns the index of a function.
func (s *scan) name(function string) int32 {
	i, ok := s.names[function]
	if !ok {
		i = int32(len(s.t.Names))
		s.names[function] = i
		s.t.Names = append(s.t.Names, function)
	}
	return i
}

// stack returns the frames of a stack, at most 32 of them.
func (s *scan) stack(st trace.Stack) []Frame {
	if st == trace.NoStack {
		return nil
	}
	if frames, ok := s.stacks[st]; ok {
		return frames
	}
	var frames []Frame
	for f := range st.Frames() {
		if frames = append(frames, Frame{Func: f.Func, File: f.File, Line: int(f.Line)}); len(frames) == 32 {
			break
		}
	}
	s.stacks[st] = frames
	return frames
}

func (s *scan) finish() {
	t := s.t
	t.Nanos = s.now
	for id, g := range s.gs {
		s.leave(id, g, true)
	}
	for key, at := range s.ranges {
		s.closeRange(key, at)
	}
	for i := range t.Tasks {
		if t.Tasks[i].Open {
			t.Tasks[i].For = s.now - t.Tasks[i].At
		}
	}
	s.passMarks(s.now)
	s.resample()
	t.Waits, t.Syscalls = sorted(s.waits), sorted(s.calls)
	slices.SortFunc(t.Slices, func(a, b Slice) int { return int(a.At - b.At) })
	slices.SortFunc(t.Ranges, func(a, b Range) int { return int(a.At - b.At) })
	t.Dropped.Shorter = s.least
}

// resample makes equal steps of the counts.
func (s *scan) resample() {
	if len(s.samples) == 0 || s.now == 0 {
		return
	}
	s.t.States = make([]States, steps)
	at := 0
	for i := range s.t.States {
		until := s.now * int64(i+1) / steps
		for at+1 < len(s.samples) && s.samples[at+1].at <= until {
			at++
		}
		s.t.States[i] = s.samples[at].States
	}
}
