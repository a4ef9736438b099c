package exectrace

import (
	"strings"

	"golang.org/x/exp/trace"
)

// traceIDCategory is the category of trace.Log that holds the identifier of a task:
// observe.TraceField in the module of that name.
const traceIDCategory = "TRACE_ID"

func (s *scan) rangeEvent(e trace.Event) {
	r := e.Range()
	key := rangeKey{name: r.Name, kind: r.Scope.Kind, id: -1}
	switch r.Scope.Kind {
	case trace.ResourceGoroutine:
		key.id = int64(r.Scope.Goroutine())
	case trace.ResourceProc:
		key.id = int64(r.Scope.Proc())
	}
	if r.Name == markAssist && key.kind == trace.ResourceGoroutine {
		s.assist(s.of(r.Scope.Goroutine()), e.Kind() != trace.EventRangeEnd)
	}
	at, open := s.ranges[key]
	switch e.Kind() {
	case trace.EventRangeBegin:
		s.ranges[key] = s.now
		if r.Name == "GC concurrent mark phase" {
			s.t.Cycles++
		}
	case trace.EventRangeActive:
		if !open {
			s.ranges[key] = s.now
		}
	case trace.EventRangeEnd:
		if open {
			s.closeRange(key, at)
			delete(s.ranges, key)
		}
	}
}

const markAssist = "GC mark assist"

// assist counts the time for which a goroutine helps the collector and runs.
func (s *scan) assist(g *goroutine, begins bool) {
	switch {
	case begins && g.assist < 0:
		g.assist = s.now
	case !begins && g.assist >= 0:
		if g.state == trace.GoRunning {
			s.t.Collector += s.now - max(g.assist, g.since)
		}
		g.assist = -1
	}
}

func (s *scan) closeRange(key rangeKey, at int64) {
	took := s.now - at
	g := int64(-1)
	if key.kind == trace.ResourceGoroutine {
		g = key.id
	}
	switch {
	case strings.HasPrefix(key.name, "stop-the-world"):
		s.t.Stopped += took
	case key.name == "GC incremental sweep" && took < 20_000:
		return // too many, too short
	}
	s.t.Ranges = append(s.t.Ranges, Range{Name: key.name, At: at, For: took, G: g})
}

func (s *scan) metric(m trace.Metric) {
	if m.Value.Kind() != trace.ValueUint64 {
		return
	}
	value := Sample{s.now, int64(min(m.Value.Uint64(), 1<<62))}
	switch m.Name {
	case "/memory/classes/heap/objects:bytes":
		s.t.Heap = thinned(s.t.Heap, value)
	case "/gc/heap/goal:bytes":
		s.t.Goal = thinned(s.t.Goal, value)
	case "/sched/gomaxprocs:threads":
		s.t.Procs = int(value.Value)
	}
}

// thinned appends a sample, at most one per 100 µs.
func thinned(all []Sample, next Sample) []Sample {
	if n := len(all); n > 0 && next.At-all[n-1].At < 100_000 {
		all[n-1].Value = next.Value
		return all
	}
	return append(all, next)
}

func (s *scan) taskEvent(e trace.Event) {
	if e.Kind() == trace.EventLog {
		if l := e.Log(); l.Category == traceIDCategory {
			if i, ok := s.tasks[l.Task]; ok {
				s.t.Tasks[i].TraceID = strings.Clone(l.Message)
			}
		}
		return
	}
	task := e.Task()
	if task.ID == trace.NoTask || task.ID == trace.BackgroundTask {
		return
	}
	i, known := s.tasks[task.ID]
	switch {
	case e.Kind() == trace.EventTaskBegin && len(s.t.Tasks) >= maxTasks:
		s.t.Dropped.Tasks++
	case e.Kind() == trace.EventTaskBegin:
		s.tasks[task.ID] = len(s.t.Tasks)
		s.t.Tasks = append(s.t.Tasks, Task{Type: strings.Clone(task.Type), ID: uint64(task.ID), At: s.now, Open: true})
	case known:
		s.t.Tasks[i].For, s.t.Tasks[i].Open = s.now-s.t.Tasks[i].At, false
		delete(s.tasks, task.ID)
	}
}

func (s *scan) regionEvent(e trace.Event) {
	r := e.Region()
	key := regionKey{e.Goroutine(), r.Type, r.Task}
	begun := s.regions[key]
	if e.Kind() == trace.EventRegionBegin {
		s.regions[key] = append(begun, s.now)
		return
	}
	if len(begun) == 0 {
		return
	}
	if len(begun) == 1 {
		delete(s.regions, key)
	} else {
		s.regions[key] = begun[:len(begun)-1]
	}
	if len(s.t.Regions) >= maxRegions {
		s.t.Dropped.Regions++
		return
	}
	at := begun[len(begun)-1]
	s.t.Regions = append(s.t.Regions, Region{Type: strings.Clone(r.Type), G: int64(key.g), Task: uint64(r.Task), At: at, For: s.now - at})
}
