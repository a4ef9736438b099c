//go:build mutate

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// run is one run of this program.
type run struct {
	ctx context.Context
	settings
	baseline map[string]string // reasons by key
	mutants  []*mutant
	workers  []*worker
	tests    []*test
	reaching map[int][]*test
	stale    []string // keys of the baseline that no mutant has
}

// outcome is what became of a mutant.
type outcome struct {
	verdict verdict
	by      string // the tests that missed it
}

// prepare builds the tests and finds out which mutants each one reaches.
func (r *run) prepare(dir, overlay string, sources []*source) error {
	if err := r.hire(dir); err != nil {
		return err
	}
	if err := r.build(dir, overlay, sources); err != nil {
		return err
	}
	return r.measure()
}

// hire makes the workers.
func (r *run) hire(dir string) error {
	caged := canCage()
	if !caged {
		say("the mutants run uncaged: with this user's permissions")
	}
	for i := range r.settings.workers {
		w, err := newWorker(r.ctx, i, dir, caged)
		if err != nil {
			return err
		}
		r.workers = append(r.workers, w)
	}
	return nil
}

// measure runs each test once, and finds out how long it takes and what it reaches.
func (r *run) measure() error {
	if r.settings.tests != nil {
		r.tests = slices.DeleteFunc(r.tests, func(t *test) bool { return !r.settings.tests.MatchString(t.run) })
	}
	say("%d mutants, %d tests", len(r.mutants), len(r.tests))
	r.reaching = map[int][]*test{}
	var lock sync.Mutex
	work(r.workers, r.tests, func(w *worker, t *test) {
		reached, err := w.record(t)
		lock.Lock()
		defer lock.Unlock()
		if err != nil {
			say("left out, since it fails without a mutant: %s %s: %v", t.suite.name, t.run, err)
		}
		if r.longest > 0 && w.used > r.longest {
			say("left out, since it takes %s: %s %s", w.used.Round(time.Second), t.suite.name, t.run)
			return
		}
		for n := range reached {
			r.reaching[n] = append(r.reaching[n], t)
		}
	})
	return r.control()
}

func (r *run) build(dir, overlay string, sources []*source) error {
	var paths []string
	for _, s := range sources {
		paths = append(paths, s.path)
	}
	if r.also != "" {
		paths = append(paths, strings.Split(r.also, ",")...)
	}
	for _, path := range paths {
		say("building the tests of %s", path)
		s, err := build(dir, overlay, path, r.workers)
		if err != nil {
			return err
		}
		if s == nil {
			continue
		}
		tests, err := s.list(s.dir, "^(Test|Fuzz|Example)")
		if err != nil {
			return err
		}
		r.tests = append(r.tests, tests...)
	}
	if r.scripts == "" {
		return nil
	}
	s, err := build(dir, overlay, module, r.workers)
	if err != nil {
		return err
	}
	scripts, err := s.scripts(r.scripts)
	r.tests = append(r.tests, scripts...)
	return err
}

// control makes sure that in each suite a mutant is missed which cannot be
// overlooked: that the switch reaches the programs under test.
func (r *run) control() error {
	checked := map[*suite]bool{}
	for _, tests := range r.reaching {
		for _, t := range tests {
			if checked[t.suite] {
				continue
			}
			checked[t.suite] = true
			if verdict, _ := r.workers[0].try("control", []*test{t}, limitOf([]*test{t})); verdict == passed {
				return fmt.Errorf("%s %s passes with the control mutant: the switch does not work", t.suite.name, t.run)
			}
		}
	}
	if len(checked) == 0 {
		return errors.New("no test reaches a mutant")
	}
	return nil
}

// limitOf is when tests count as being without an end.
func limitOf(tests []*test) time.Duration {
	limit := 20 * time.Second
	for _, t := range tests {
		limit += 10 * t.took
	}
	return limit
}

// all runs the mutants and reports the survivors.
func (r *run) all() (int, error) {
	report := &report{out: os.Stdout, baseline: r.baseline, stale: r.stale, total: len(r.mutants), verbose: r.verbose}
	var lock sync.Mutex
	work(r.workers, r.mutants, func(w *worker, m *mutant) {
		o := w.judge(m, r.reaching[m.number])
		if r.ctx.Err() != nil {
			return
		}
		lock.Lock()
		defer lock.Unlock()
		report.add(m, o)
	})
	return report.end(), context.Cause(r.ctx)
}

// judge runs the tests that reach a mutant until one fails.
func (w *worker) judge(m *mutant, tests []*test) outcome {
	for _, batch := range batches(tests) {
		verdict, out := w.try(strconv.Itoa(m.number), batch, limitOf(batch))
		if verdict != passed {
			return outcome{verdict: verdict, by: firstFailure(out)}
		}
	}
	if len(tests) == 0 {
		return outcome{verdict: passed, by: "no test comes here"}
	}
	return outcome{verdict: passed}
}

func firstFailure(out string) string {
	for line := range strings.Lines(out) {
		if _, name, ok := strings.Cut(line, "--- FAIL: "); ok {
			return strings.TrimSpace(name)
		}
	}
	return "?"
}

// work hands the items to the workers.
func work[T any](workers []*worker, items []T, do func(*worker, T)) {
	queue := make(chan T)
	var group sync.WaitGroup
	for _, w := range workers {
		group.Go(func() {
			for item := range queue {
				do(w, item)
			}
		})
	}
	for _, item := range items {
		queue <- item
	}
	close(queue)
	group.Wait()
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "mutate: "+format+"\n", args...) }
