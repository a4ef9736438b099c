// Package exectrace reads execution traces of the Go runtime on the axis of the wall
// clock, and sums up what they tell: what ran where, what waited for what, how long
// the collector worked. It alone imports golang.org/x/exp.
//
// Traces since Go 1.25 hold readings of both clocks (golang/go#69869). For older ones
// the caller's own time of the beginning stands in, some milliseconds off.
package exectrace

import (
	"cmp"
	"slices"
	"time"
)

// Trace is what an execution trace tells. Times are nanoseconds since Begin.
type Trace struct {
	Begin time.Time // wall clock
	Nanos int64     // length
	// Anchored reports that the trace itself holds the wall clock.
	Anchored bool
	Events   int
	Procs    int

	Slices  []Slice // what ran on each P
	Ranges  []Range // of the collector: cycles, pauses, assists
	Tasks   []Task
	Regions []Region
	Heap    []Sample // bytes of live and unswept objects
	Goal    []Sample // bytes at which the next collection ends
	States  []States // in equal steps over the length
	Moments []Moment // one for each mark that was asked for
	Names   []string // functions, by index

	Waits    []Wait // by reason and place, the longest sum first
	Syscalls []Wait // time in system calls by place, the longest sum first
	Delay    Delays // from runnable to running

	Running   int64   // sum over all goroutines
	Collector int64   // of it, dedicated and fractional workers and assists
	Idle      int64   // of it, workers that only took idle Ps
	Stopped   int64   // the world stood still
	Dropped   Dropped // what was left out
	Cycles    int     // collections begun
}

// Slice is a goroutine that runs on a P without a pause.
type Slice struct {
	At, For int64
	Proc    int32
	Name    int32
	G       int64
	Syscall bool // it was in a system call
}

// Range is something that the runtime marks as lasting.
type Range struct {
	Name    string
	At, For int64
	G       int64 // -1: of no goroutine
}

// Task is a task of runtime/trace.
type Task struct {
	Type    string
	TraceID string
	ID      uint64
	At, For int64
	Open    bool // it had not ended
}

// Region is a region of runtime/trace.
type Region struct {
	Type    string
	G       int64
	Task    uint64
	At, For int64
}

// Sample is a value at a time.
type Sample struct{ At, Value int64 }

// States counts goroutines.
type States struct{ Running, Runnable, Waiting, Syscall int }

// Moment is what the goroutines did at one time.
type Moment struct {
	Running []Slice // Name, G and Proc of what ran
	Groups  []Group // the rest, the largest first
	Others  int     // goroutines that are in no group listed
}

// Group is goroutines that do the same.
type Group struct {
	State, Reason string
	Name          int32
	Count         int
}

// Wait sums up waiting for one reason in one place.
type Wait struct {
	Reason  string
	Stack   []Frame // innermost first
	Count   int
	Sum     int64
	Longest int64
	LastAt  int64 // when the longest began
	// Woken tells, for locks, whose unlocking ended how much of it, by place.
	Woken map[Frame]int64
}

// Frame is a place in the source.
type Frame struct {
	Func string
	File string
	Line int
}

// Dropped tells what was left out of a long trace.
type Dropped struct {
	Slices   int
	Shorter  int64 // all slices shorter than this, in ns
	Tasks    int
	Regions  int
	BrokenAt int64 // the trace could not be read from here on; 0: it could
}

// Delays is a distribution of delays.
type Delays struct {
	Count   int
	Sum     int64
	Longest int64
	buckets [64]int // by power of 2, in ns
}

func (d *Delays) add(n int64) {
	n = max(n, 0)
	d.Count++
	d.Sum += n
	d.Longest = max(d.Longest, n)
	b := 0
	for v := n; v > 0; v >>= 1 {
		b++
	}
	d.buckets[b]++
}

// Quantile returns a delay in ns that a part q of all does not exceed, right within
// a factor of 2.
func (d *Delays) Quantile(q float64) int64 {
	seen := 0
	for b, n := range d.buckets {
		seen += n
		if n > 0 && float64(seen) >= q*float64(d.Count) {
			return min(int64(1)<<b-1, d.Longest)
		}
	}
	return d.Longest
}

// Wall returns the wall clock at a time of the trace.
func (t *Trace) Wall(at int64) time.Time { return t.Begin.Add(time.Duration(at)) }

// Capacity returns the ns that all Ps together could have run.
func (t *Trace) Capacity() int64 { return t.Nanos * int64(max(t.Procs, 1)) }

// Place returns the frame of a stack that its author would name: the first outside of
// the runtime and of the packages that wrap it.
func (w Wait) Place() Frame { return place(w.Stack) }

func place(stack []Frame) Frame {
	for _, f := range stack {
		if !wraps(f.Func) {
			return f
		}
	}
	if len(stack) > 0 {
		return stack[len(stack)-1]
	}
	return Frame{Func: "unknown"}
}

// Holder returns where the lock was unlocked that most of the waiting was for.
func (w Wait) Holder() (at Frame, waited int64) {
	for f, n := range w.Woken {
		if n > waited || n == waited && f.Func < at.Func {
			at, waited = f, n
		}
	}
	return at, waited
}

// sorted lists waits, the longest sum first.
func sorted(all map[string]*Wait) []Wait {
	list := make([]Wait, 0, len(all))
	for _, w := range all {
		list = append(list, *w)
	}
	slices.SortFunc(list, func(a, b Wait) int {
		return cmp.Or(cmp.Compare(b.Sum, a.Sum), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Place().Func, b.Place().Func), cmp.Compare(a.Place().Line, b.Place().Line))
	})
	return list
}
