// Package capture takes everything that a service and the machine tell about one
// window of time, all of it at once, into files.
package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/proc"
	"github.com/vmgo/vmgo/internal/observe/target"
)

// Capture is one capture and what came of it.
type Capture struct {
	Host    host.Host
	Target  target.Target
	Seconds int
	Dir     string // for the files; exists

	Quiet    [2]proc.Snapshot // around a second before anything was started
	Before   proc.Snapshot
	After    proc.Snapshot
	Began    time.Time
	Ended    time.Time
	Traced   time.Time // when the execution trace was asked for
	Throttle []Throttle
	Cut      bool // it was interrupted

	mu    sync.Mutex
	Notes []string // what could not be taken, and why
}

// Throttle is a sample of the time for which the group was throttled.
type Throttle struct {
	At  time.Time     `json:"at"`
	Sum time.Duration `json:"sum_ns"`
}

// Names of the profiles that are taken at the beginning and at the end.
func both() []string { return []string{"heap", "allocs", "goroutine", "block", "mutex"} }

// baseline is how long the process is watched before anything is started, to tell
// what the capture itself costs.
const baseline = time.Second

// slack is what a server may take beyond the window to answer.
const slack = 30 * time.Second

// MaxFile bounds one file of a capture, in bytes.
const MaxFile = 512 << 20

// Run takes the capture. When ctx ends early, what there is by then is kept. tick is
// called with the time left, several times per second.
func (c *Capture) Run(ctx context.Context, tick func(phase string, left time.Duration)) {
	window := time.Duration(c.Seconds) * time.Second
	c.Quiet[0] = proc.Take(c.Host, c.Target.PID)
	c.wait(ctx, baseline, func(left time.Duration) { tick("baseline", left+window) }, nil)
	c.Quiet[1] = proc.Take(c.Host, c.Target.PID)
	if e := c.Target.Endpoint; e != nil {
		c.first(ctx, e)
	}
	c.Before = proc.Take(c.Host, c.Target.PID)
	c.Began = c.Host.Now()
	deadline := c.Began.Add(window)
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), window+slack)
	defer cancel()
	var jobs sync.WaitGroup
	stop, stopped := context.WithCancel(hard)
	defer stopped()
	if e := c.Target.Endpoint; e != nil {
		jobs.Go(func() { c.timed(stop, e, "profile", "profiles/cpu.pb.gz", deadline) })
		jobs.Go(func() {
			c.Traced = c.Host.Now()
			c.timed(stop, e, "trace", "trace.out", deadline)
		})
	} else if c.Target.PID != 0 {
		jobs.Go(func() { c.perf(stop, deadline) })
	}
	left := max(deadline.Sub(c.Host.Now()), 0)
	c.Cut = !c.wait(ctx, left, func(left time.Duration) { tick("recording", left) }, c.sample)
	c.Ended = c.Host.Now()
	if c.Cut {
		stopped()
	}
	tick("collecting", 0)
	jobs.Wait()
	c.After = proc.Take(c.Host, c.Target.PID)
	if e := c.Target.Endpoint; e != nil {
		c.last(hard, e)
	}
	c.journal(hard)
}

// wait sleeps until the time is over or ctx ends, and reports whether the former.
func (c *Capture) wait(ctx context.Context, d time.Duration, tick func(left time.Duration), sample func()) bool {
	end := time.NewTimer(d)
	defer end.Stop()
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	until := c.Host.Now().Add(d)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-end.C:
			return true
		case <-pace.C:
			tick(max(until.Sub(c.Host.Now()), 0))
			if sample != nil {
				sample()
			}
		}
	}
}

func (c *Capture) sample() {
	if c.Target.PID != 0 {
		c.Throttle = append(c.Throttle, Throttle{c.Host.Now(), proc.Throttling(c.Host, c.Target.PID)})
	}
}

// first takes what belongs to the beginning of the window.
func (c *Capture) first(ctx context.Context, e *target.Endpoint) {
	if e.Contention {
		// A little longer than the window, so that the last profiles are taken within it.
		c.post(ctx, e, e.Own(fmt.Sprintf("contention?seconds=%d", c.Seconds+5)))
	}
	if e.Flight {
		c.fetch(ctx, e, e.Own("flight"), "flight.out")
	}
	c.all(ctx, e, ".before.pb.gz")
}

// last takes what belongs to the end of the window.
func (c *Capture) last(ctx context.Context, e *target.Endpoint) {
	c.all(ctx, e, ".pb.gz")
	// It runs a collection of its own: after all others. Programs before Go 1.27 lack it.
	err := c.save(ctx, e, e.URL("goroutineleak"), "profiles/goroutineleak.pb.gz")
	var status *statusError
	if err != nil && (!errors.As(err, &status) || status.code != http.StatusNotFound) {
		c.note("goroutineleak: %v", err)
	}
}

func (c *Capture) all(ctx context.Context, e *target.Endpoint, suffix string) {
	var jobs sync.WaitGroup
	for _, name := range both() {
		jobs.Go(func() { c.fetch(ctx, e, e.URL(name), "profiles/"+name+suffix) })
	}
	jobs.Wait()
}

// timed takes what lasts, until the deadline. While somebody else takes the same, it
// tries again.
func (c *Capture) timed(ctx context.Context, e *target.Endpoint, what, file string, deadline time.Time) {
	const least = 500 * time.Millisecond
	for {
		left := deadline.Sub(c.Host.Now())
		if left < least {
			c.note("%s: somebody else was taking one all the time", what)
			return
		}
		err := c.save(ctx, e, e.URL(what+"?seconds="+seconds(left)), file)
		switch {
		case err == nil || ctx.Err() != nil && c.size(file) > 0:
			return
		case !inUse(err):
			c.note("%s: %v", what, err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(least / 2):
		}
	}
}

// seconds writes a duration for ?seconds=: a whole number, which is all that
// net/http/pprof takes for CPU profiles.
func seconds(d time.Duration) string {
	return fmt.Sprint(max(int(d.Round(time.Second).Seconds()), 1))
}

// inUse knows the errors of runtime/pprof, runtime/trace and net/http/pprof.
func inUse(err error) bool {
	for _, text := range []string{"already in use", "already enabled", "tracing is already"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

func (c *Capture) size(file string) int64 {
	info, err := os.Stat(filepath.Join(c.Dir, file))
	if err != nil {
		return 0
	}
	return info.Size()
}

func (c *Capture) fetch(ctx context.Context, e *target.Endpoint, address, file string) {
	if err := c.save(ctx, e, address, file); err != nil {
		c.note("%s: %v", file, err)
	}
}

// statusError is an answer that is none.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return fmt.Sprintf("HTTP status %d: %s", e.code, e.text) }

// save writes an answer into a file that only this user can read. What arrived before
// the context ended stays there.
func (c *Capture) save(ctx context.Context, e *target.Endpoint, address, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := e.Client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		head, _ := io.ReadAll(io.LimitReader(response.Body, 300))
		return &statusError{response.StatusCode, strings.TrimSpace(string(head))}
	}
	out, err := c.create(file)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(response.Body, MaxFile))
	if n == MaxFile {
		c.note("%s was cut off at %d MB", file, MaxFile>>20)
	}
	return errors.Join(err, out.Close())
}

func (c *Capture) create(file string) (*os.File, error) {
	return os.OpenFile(filepath.Join(c.Dir, file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (c *Capture) post(ctx context.Context, e *target.Endpoint, address string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err == nil {
		var response *http.Response
		if response, err = e.Client().Do(request); err == nil {
			err = response.Body.Close()
		}
	}
	if err != nil {
		c.note("block and mutex profiles could not be turned on: %v", err)
	}
}

func (c *Capture) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}
