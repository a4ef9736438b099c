package exectrace

import (
	"bytes"
	"context"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// hold takes a lock that others wait for.
func hold(mu *sync.Mutex, d time.Duration) {
	mu.Lock()
	defer mu.Unlock()
	time.Sleep(d)
}

// readPipe blocks in a system call until something is written.
func readPipe(fd int) { _, _ = syscall.Read(fd, make([]byte, 1)) }

// record traces what f does in this process.
func record(t *testing.T, f func()) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := trace.Start(&buf); err != nil {
		t.Fatal(err)
	}
	f()
	trace.Stop()
	return buf.Bytes()
}

// TestRead is one test, since a process has one trace at a time.
func TestRead(t *testing.T) {
	var before, mark, after time.Time
	release := make(chan bool)
	data := record(t, func() {
		before = time.Now()
		ctx, task := trace.NewTask(context.Background(), "GET /x")
		trace.Log(ctx, traceIDCategory, "abc123")
		trace.WithRegion(ctx, "work", func() {
			var mu sync.Mutex
			var jobs sync.WaitGroup
			for range 4 {
				jobs.Go(func() { hold(&mu, 10*time.Millisecond) })
			}
			jobs.Wait()
		})
		task.End()
		var pipe [2]int
		if err := syscall.Pipe(pipe[:]); err != nil {
			t.Fatal(err)
		}
		var jobs sync.WaitGroup
		jobs.Go(func() { readPipe(pipe[0]) })
		time.Sleep(60 * time.Millisecond)
		go func() { <-release }()
		time.Sleep(5 * time.Millisecond)
		mark = time.Now()
		time.Sleep(5 * time.Millisecond)
		_, _ = syscall.Write(pipe[1], []byte("x"))
		jobs.Wait()
		after = time.Now()
	})
	close(release)
	got, err := Read(bytes.NewReader(data), Options{Marks: []time.Time{before.Add(-time.Hour), mark}})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Anchored || got.Begin.After(before) || before.Sub(got.Begin) > time.Minute || got.Wall(got.Nanos).Before(after.Add(-time.Millisecond)) {
		t.Errorf("the trace lies from %v to %v, the work from %v to %v", got.Begin, got.Wall(got.Nanos), before, after)
	}
	i := slices.IndexFunc(got.Waits, func(w Wait) bool { return w.Lock() == "sync.(*Mutex)" })
	if i < 0 || !strings.HasSuffix(got.Waits[i].Place().Func, "exectrace.hold") || got.Waits[i].Sum < int64(40*time.Millisecond) {
		t.Errorf("the lock is not among %+v", got.Waits)
	}
	if at, waited := got.Waits[i].Holder(); !strings.HasSuffix(at.Func, "exectrace.hold") || waited < got.Waits[i].Sum/2 {
		t.Errorf("%v held it for %d of %d ns", at, waited, got.Waits[i].Sum)
	}
	i = slices.IndexFunc(got.Syscalls, func(w Wait) bool { return strings.HasSuffix(w.Place().Func, "exectrace.readPipe") })
	if i < 0 || got.Syscalls[i].Longest < int64(50*time.Millisecond) {
		t.Errorf("the system call is not among %+v", got.Syscalls)
	}
	if len(got.Tasks) != 1 || got.Tasks[0].TraceID != "abc123" || got.Tasks[0].Type != "GET /x" || got.Tasks[0].Open {
		t.Errorf("tasks %+v", got.Tasks)
	}
	if len(got.Regions) != 1 || got.Regions[0].Type != "work" || got.Regions[0].For < int64(40*time.Millisecond) {
		t.Errorf("regions %+v", got.Regions)
	}
	checkMoment(t, got)
	broken(t, data)
}

func checkMoment(t *testing.T, got *Trace) {
	t.Helper()
	if len(got.Moments) != 2 || len(got.Moments[0].Groups) != 0 {
		t.Fatalf("moments %+v", got.Moments)
	}
	has := func(state, function string) bool {
		return slices.ContainsFunc(got.Moments[1].Groups, func(g Group) bool {
			return g.State == state && strings.Contains(got.Names[g.Name], function)
		})
	}
	if !has("Syscall", "sync.(*WaitGroup).Go") || !has("Waiting", "TestRead") {
		for _, g := range got.Moments[1].Groups {
			t.Logf("%d %s (%s) %s", g.Count, g.State, g.Reason, got.Names[g.Name])
		}
		t.Error("the goroutines in the system call and at the channel are not in the moment")
	}
}

// broken cuts the trace and damages it: what can be read is, and nothing panics.
func broken(t *testing.T, data []byte) {
	t.Helper()
	for _, n := range []int{0, 3, 40, len(data) / 2, len(data) - 7} {
		cut, err := Read(bytes.NewReader(data[:n]), Options{})
		if err == nil && cut.Events == 0 && n < 40 {
			t.Errorf("%d bytes were read as a trace", n)
		}
		damaged := bytes.Clone(data)
		for i := n; i < len(data); i += 97 {
			damaged[i] ^= 0x55
		}
		_, _ = Read(bytes.NewReader(damaged), Options{})
	}
}

func TestDelays_quantile(t *testing.T) {
	t.Parallel()
	var d Delays
	for range 99 {
		d.add(1000)
	}
	d.add(int64(50 * time.Millisecond))
	if half := d.Quantile(0.5); half < 1000 || half > 2000 {
		t.Errorf("half is %d", half)
	}
	if got := d.Quantile(1); got != int64(50*time.Millisecond) {
		t.Errorf("the longest is %d", got)
	}
}

func TestScan_thinsLongTraces(t *testing.T) {
	t.Parallel()
	s := newScan(Options{})
	for i := range maxSlices + 10 {
		s.keep(Slice{At: int64(i), For: int64(100 + i%5000)})
	}
	if n := len(s.t.Slices); n > maxSlices || n+s.t.Dropped.Slices != maxSlices+10 || s.least == 0 {
		t.Errorf("%d slices are kept, %d dropped, all below %d ns", n, s.t.Dropped.Slices, s.least)
	}
}
