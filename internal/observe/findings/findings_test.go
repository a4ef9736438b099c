package findings

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/journal"
	"github.com/vmgo/vmgo/internal/observe/profiles"
)

const second = int64(time.Second)

// quiet is 10 s of a service that has nothing wrong.
func quiet() Input {
	in := Input{Known: true, Window: 10 * time.Second, Unit: "app.service", Trace: &exectrace.Trace{Nanos: 10 * second, Procs: 2, Running: 4 * second, Collector: second / 2}}
	in.Before.CPUs, in.After.CPUs = 2, 2
	in.After.CPU = 4 * time.Second
	in.Before.Group.Periods, in.After.Group.Periods = 100, 200
	in.After.OpenFiles, in.After.MaxFiles = 20, 1024
	for range 100 {
		in.Journal = append(in.Journal, line("6", "5ms"))
	}
	return in
}

func line(priority, took string) journal.Line {
	return journal.Line{Time: time.Unix(1, 0), Priority: int(priority[0] - '0'), Message: "served", Fields: map[string]string{"TOOK": took}}
}

func frames(functions ...string) []exectrace.Frame {
	var all []exectrace.Frame
	for _, f := range functions {
		all = append(all, exectrace.Frame{Func: f, File: "x.go", Line: 7})
	}
	return all
}

// profile is a profile of one stack, with so many samples of 10 ms.
func profile(t *testing.T, n int, functions ...string) *profiles.Profile {
	t.Helper()
	p, err := profiles.FromPerf(strings.NewReader(strings.Repeat("x\n 1 "+strings.Join(functions, "\n 1 ")+"\n\n", n)), 100, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ids(all []Finding) string {
	var list []string
	for _, f := range all {
		list = append(list, f.ID)
	}
	return strings.Join(list, " ")
}

func TestFind_healthy(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]Input{"busy": quiet(), "nothing captured": {Window: time.Second}, "all zero": {}} {
		if got := Find(in); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestFind_eachRule changes one thing at a time, just enough and not enough.
func TestFind_eachRule(t *testing.T) {
	t.Parallel()
	lock := func(sum int64) func(*Input) {
		return func(in *Input) {
			in.Trace.Waits = []exectrace.Wait{{Reason: "sync", Stack: frames("sync.(*Mutex).Lock", "main.reserve"), Count: 9, Sum: sum, Longest: sum / 9}}
		}
	}
	call := func(longest int64, functions ...string) func(*Input) {
		return func(in *Input) {
			in.Trace.Syscalls = []exectrace.Wait{{Reason: "syscall", Stack: frames(functions...), Count: 30, Sum: 30 * longest, Longest: longest}}
		}
	}
	for name, c := range map[string]struct {
		change func(*Input)
		want   string
		text   string
	}{
		"throttled":      {func(in *Input) { in.After.Group.Throttled, in.After.Group.ThrottledTime = 50, time.Second }, "throttled", "for 1s, in 50 of 100 periods"},
		"throttled once": {func(in *Input) { in.After.Group.Throttled, in.After.Group.ThrottledTime = 1, time.Second }, "", ""},
		"another's quota": {func(in *Input) {
			in.After.Group.Throttled, in.After.Group.ThrottledTime, in.Known = 50, time.Second, false
		}, "", ""},
		"collector":              {func(in *Input) { in.Trace.Collector = 2 * second }, "gc", "50 % of the CPU time"},
		"collector, little CPU":  {func(in *Input) { in.Trace.Collector, in.After.CPU = 2*second, 90*time.Millisecond }, "", ""},
		"collector on idle Ps":   {func(in *Input) { in.Trace.Idle = 3 * second }, "gc", ""},
		"collector, no trace":    {func(in *Input) { in.Trace, in.CPU = nil, profile(t, 100, "x", "runtime.gcBgMarkWorker") }, "gc", ""},
		"lock":                   {lock(9 * second), "locks", "0.9 goroutines on average wait for locks, most of them in main.reserve"},
		"lock, seldom":           {lock(second), "", ""},
		"lock, block profile":    {func(in *Input) { in.Trace, in.Block = nil, profile(t, 400, "sync.(*Mutex).Lock", "main.reserve") }, "locks", ""},
		"system calls":           {call(second/10, "syscall.flock", "syscall.Flock", "main.wait"), "syscalls", "main.wait (Flock)"},
		"short system calls":     {call(second/50, "syscall.flock", "syscall.Flock", "main.wait"), "", ""},
		"waiting for a child":    {call(second, "syscall.wait4", "os.(*Process).wait", "main.x"), "", ""},
		"stolen":                 {func(in *Input) { in.After.Steal = 3 * time.Second }, "steal", "15 %"},
		"goroutines":             {func(in *Input) { in.GoBefore, in.Goroutines = profile(t, 60, "main.w"), profile(t, 160, "main.w") }, "goroutine-leak", "100 more goroutines than 10s before, most in main.w"},
		"some more goroutines":   {func(in *Input) { in.GoBefore, in.Goroutines = profile(t, 300, "main.w"), profile(t, 370, "main.w") }, "", ""},
		"proven leak":            {func(in *Input) { in.Leaks = profile(t, 3, "main.w") }, "goroutine-leak", "3 goroutines can never run again"},
		"heap":                   {func(in *Input) { in.HeapBefore, in.Heap = profile(t, 1, "main.c"), profile(t, 9, "main.c") }, "heap-growth", "80.0 MB"},
		"memory limit":           {func(in *Input) { in.After.Group.MemoryEvents = map[string]int64{"high": 4} }, "memory-limit", ""},
		"files":                  {func(in *Input) { in.After.OpenFiles = 1000 }, "open-files", ""},
		"slow lines":             {func(in *Input) { in.Journal = append(in.Journal, line("6", "900ms")) }, "slow-lines", "1 log lines"},
		"errors":                 {func(in *Input) { in.Journal = append(in.Journal, line("3", "1ms")) }, "error-lines", "1 of 101"},
		"the worst first":        {func(in *Input) { in.Trace.Collector = 2 * second; lock(99 * second)(in); in.After.OpenFiles = 1000 }, "locks open-files gc", ""},
		"slow, but all the same": {func(in *Input) { in.Journal = slices.Repeat([]journal.Line{line("6", "900ms")}, 20) }, "", ""},
	} {
		in := quiet()
		c.change(&in)
		got := Find(in)
		if ids(got) != c.want {
			t.Errorf("%s: found %q, want %q", name, ids(got), c.want)
			continue
		}
		for i, f := range got {
			if f.Rank != i+1 || f.Unit == "" || len(f.Evidence) == 0 && f.ID != "slow-lines" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if c.text != "" && !strings.Contains(got[0].Summary, c.text) {
			t.Errorf("%s: %q", name, got[0].Summary)
		}
	}
}
