package exectrace

import (
	"slices"
	"strings"

	"golang.org/x/exp/trace"
)

// transition takes note of a goroutine that changes its state.
func (s *scan) transition(e trace.Event) {
	x := e.StateTransition()
	switch x.Resource.Kind {
	case trace.ResourceProc:
		s.t.Procs = max(s.t.Procs, int(x.Resource.Proc())+1)
		s.retake(x.Resource.Proc(), trace.NoGoroutine)
		return
	case trace.ResourceGoroutine:
	default:
		return
	}
	id := x.Resource.Goroutine()
	from, to := x.Goroutine()
	g := s.of(id)
	frames := s.stack(x.Stack)
	if len(frames) > 0 && s.t.Names[g.name] == "" {
		g.name = s.name(frames[len(frames)-1].Func)
	}
	if from == to && g.state == to { // a status, at the beginning of a generation
		return
	}
	s.waker = nil
	if from == trace.GoWaiting && to == trace.GoRunnable {
		s.waker = s.stack(e.Stack())
	}
	if g.state != trace.GoUndetermined {
		s.delay(g, to)
		s.leave(id, g, false)
	}
	s.count(g, -1)
	g.state, g.since, g.reason, g.stack = to, s.now, x.Reason, frames
	g.ours = g.ours || serves(frames)
	switch to {
	case trace.GoRunning, trace.GoSyscall:
		if e.Proc() != trace.NoProc {
			g.proc = e.Proc()
		}
	default:
		g.proc = trace.NoProc
	}
	if g.proc != trace.NoProc {
		s.retake(g.proc, id)
		if to == trace.GoRunning {
			s.running[g.proc] = id
		} else {
			s.called[g.proc] = id
		}
	}
	s.count(g, 1)
	s.sample()
	if to == trace.GoNotExist {
		delete(s.gs, id)
	}
}

// delay takes note of how long a goroutine waited for a P.
func (s *scan) delay(g *goroutine, to trace.GoState) {
	if g.state == trace.GoRunnable && to == trace.GoRunning && !g.ours && !strings.HasPrefix(s.t.Names[g.name], "runtime.") {
		s.t.Delay.add(s.now - g.since)
	}
}

// leave takes note of what a goroutine did until now. last says that the trace ends.
func (s *scan) leave(id trace.GoID, g *goroutine, last bool) {
	took := s.now - g.since
	switch g.state {
	case trace.GoRunning:
		s.ran(id, g, took)
	case trace.GoSyscall:
		if !g.ours {
			addWait(s.calls, "syscall", g, took)
		}
		if s.called[g.proc] == id {
			s.retake(g.proc, trace.NoGoroutine)
		}
	case trace.GoWaiting:
		// What never ended has no length that says anything, but for a lock.
		if (!last || g.reason == "sync") && !g.ours {
			addWait(s.waits, g.reason, g, took).woken(s.waker, took)
		}
	}
}

func (s *scan) ran(id trace.GoID, g *goroutine, took int64) {
	s.t.Running += took
	if g.assist >= 0 {
		s.t.Collector += s.now - max(g.assist, g.since)
	}
	if s.t.Names[g.name] == "runtime.gcBgMarkWorker" {
		if strings.Contains(g.worker, "idle") {
			s.t.Idle += took
		} else {
			s.t.Collector += took
		}
	}
	if s.running[g.proc] == id {
		delete(s.running, g.proc)
	}
	s.keep(Slice{At: g.since, For: took, Proc: int32(g.proc), G: int64(id), Name: g.name})
}

// keep remembers a slice. When there are too many, the short ones go.
func (s *scan) keep(slice Slice) {
	if slice.Proc < 0 {
		return
	}
	if slice.For < s.least {
		s.t.Dropped.Slices++
		return
	}
	s.t.Slices = append(s.t.Slices, slice)
	for len(s.t.Slices) > maxSlices {
		s.least = max(2*s.least, 1000)
		before := len(s.t.Slices)
		s.t.Slices = slices.DeleteFunc(s.t.Slices, func(x Slice) bool { return x.For < s.least })
		s.t.Dropped.Slices += before - len(s.t.Slices)
	}
}

func (s *scan) count(g *goroutine, n int) {
	switch g.state {
	case trace.GoRunning:
		s.counts.Running += n
	case trace.GoRunnable:
		s.counts.Runnable += n
	case trace.GoWaiting:
		s.counts.Waiting += n
	case trace.GoSyscall:
		s.counts.Syscall += n
	default:
		return
	}
	key := groupKey{g.state, g.reason, g.name}
	if s.groups[key] += n; s.groups[key] <= 0 {
		delete(s.groups, key)
	}
}

// sample remembers the counts, at most every 100 µs.
func (s *scan) sample() {
	if n := len(s.samples); n > 0 && s.now-s.samples[n-1].at < 100_000 {
		s.samples[n-1].States = s.counts
		return
	}
	s.samples = append(s.samples, sampled{s.now, s.counts})
}

// retake ends the drawing of a system call on a P that does something else from now
// on: a goroutine in a long one loses its P.
func (s *scan) retake(proc trace.ProcID, by trace.GoID) {
	id, ok := s.called[proc]
	if !ok || id == by {
		return
	}
	delete(s.called, proc)
	if g := s.gs[id]; g != nil && g.state == trace.GoSyscall {
		s.keep(Slice{At: g.since, For: s.now - g.since, Proc: int32(proc), G: int64(id), Name: g.name, Syscall: true})
	}
}

// woken takes note of who ended a wait for a lock.
func (w *Wait) woken(by []Frame, took int64) {
	if w.Reason != "sync" || len(by) == 0 {
		return
	}
	if w.Woken == nil {
		w.Woken = map[Frame]int64{}
	}
	w.Woken[place(by)] += took
}

func addWait(all map[string]*Wait, reason string, g *goroutine, took int64) *Wait {
	var key strings.Builder
	key.WriteString(reason)
	for _, f := range g.stack {
		key.WriteString("\x00" + f.Func)
	}
	w := all[key.String()]
	if w == nil {
		w = &Wait{Reason: reason, Stack: g.stack}
		all[key.String()] = w
	}
	w.Count++
	w.Sum += took
	if took > w.Longest {
		w.Longest, w.LastAt = took, g.since
	}
	return w
}

// serves reports whether a goroutine serves a profile or a trace.
func serves(stack []Frame) bool {
	for _, f := range stack {
		for _, prefix := range []string{"runtime/pprof.", "runtime/trace.", "net/http/pprof.", "github.com/vmgo/vmgo/observe.(*Server)"} {
			if strings.HasPrefix(f.Func, prefix) && f.Func != "runtime/pprof.Do" && !strings.HasPrefix(f.Func, "runtime/trace.WithRegion") {
				return true
			}
		}
	}
	return false
}

// wraps reports whether a function only leads to the runtime.
func wraps(function string) bool {
	for _, prefix := range []string{"runtime.", "runtime/", "sync.", "internal/", "syscall.", "time.", "os.(*File)", "golang.org/x/sys/"} {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}

// Lock returns the kind of lock that a goroutine waited for, such as sync.(*Mutex),
// or "" where it waited for something else.
func (w Wait) Lock() string {
	if w.Reason != "sync" {
		return ""
	}
	for _, f := range w.Stack {
		for _, kind := range []string{"sync.(*Mutex)", "sync.(*RWMutex)", "sync.(*Once)"} {
			if strings.HasPrefix(f.Func, kind) {
				return kind
			}
		}
	}
	return ""
}
