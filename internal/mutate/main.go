//go:build mutate

// Mutate looks for checks that no test misses: it changes a package in many
// small ways, one at a time, and names the changes that its tests survive.
//
//	go run -tags mutate ./internal/mutate [flags] PACKAGE... | install.sh
//
// All mutants of the packages are compiled in at once, through -overlay, behind
// a switch: nothing in the tree is touched, and each test binary is built once.
// A first run of each test with no mutant active finds out which mutants it
// reaches; only those tests are run for a mutant, with -short. As root on Linux
// they run where they can write to nothing but a temporary directory.
//
// A mutant that changes nothing is argued where it stands, with a comment
//
//	// mutate: equivalent, because REASON
//
// on its line or on the line before, or in accepted.txt.
//
// Tests of other packages and scripts may hold a check as well; -also and
// -scripts say which of them are run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are what the command line says.
type settings struct {
	packages []string
	also     string
	scripts  string
	kinds    string
	files    string
	match    *regexp.Regexp
	tests    *regexp.Regexp
	baseline string
	workers  int
	longest  time.Duration
	list     bool
	verbose  bool
}

func main() {
	var s settings
	flag.StringVar(&s.also, "also", "", "more packages whose tests run, separated by commas")
	flag.StringVar(&s.scripts, "scripts", "", "patterns of scripts that run (`'install_*,prune*'`)")
	flag.StringVar(&s.kinds, "kinds", "cond,bound,error,call,bits,limit", "kinds of mutants; io is one more: errors of the operating system that are not looked at")
	flag.StringVar(&s.files, "files", "", "mutate these files only (`names`, separated by commas)")
	flag.Func("match", "mutate only where this `regexp` matches the line of -list", pattern(&s.match))
	flag.Func("tests", "run only tests whose names match this `regexp`", pattern(&s.tests))
	flag.StringVar(&s.baseline, "baseline", "internal/mutate/accepted.txt", "`file` of survivors that are accepted, each with a reason")
	flag.IntVar(&s.workers, "j", max(1, runtime.NumCPU()/2), "processes at a time; tests run in parallel within each")
	flag.DurationVar(&s.longest, "longest", 0, "leave out tests that take more processor time; a survivor may be what only they miss")
	flag.BoolVar(&s.list, "list", false, "only list the mutants")
	flag.BoolVar(&s.verbose, "v", false, "name also the mutants that a test missed, and the test")
	flag.Parse()
	s.packages = flag.Args()
	survivors, err := mutate(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if survivors > 0 {
		os.Exit(1)
	}
}

// pattern returns what parses a flag whose value is a regular expression.
func pattern(into **regexp.Regexp) func(string) error {
	return func(text string) (err error) {
		*into, err = regexp.Compile(text)
		return err
	}
}

// mutate returns how many mutants survived that nobody accepted.
func mutate(s settings) (int, error) {
	if len(s.packages) == 0 {
		return 0, errors.New("name a package: go run -tags mutate ./internal/mutate ./internal/trust")
	}
	baseline, err := readBaseline(s.baseline)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := os.Chmod(dir, 0o755); err != nil { // for tests that become another user
		return 0, err
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return 0, fmt.Errorf("go list -m: %w", err)
	}
	repo := strings.TrimSpace(string(out))
	r := &run{ctx: ctx, settings: s, baseline: baseline}
	if script := s.packages[0]; strings.HasSuffix(script, ".sh") {
		return r.mutateScript(dir, repo, script)
	}
	sources, err := load(s.packages)
	if err != nil {
		return 0, err
	}
	overlay, mutants, err := overlay(dir, repo, sources)
	if err != nil {
		return 0, err
	}
	for _, m := range mutants {
		m.file, _ = filepath.Rel(repo, m.file)
	}
	r.stale = stale(baseline, mutants)
	mutants = slices.DeleteFunc(mutants, func(m *mutant) bool { return !s.wants(m) })
	if r.mutants = mutants; s.list {
		r.print()
		return 0, nil
	}
	if err := r.prepare(dir, overlay, sources); err != nil {
		return 0, err
	}
	return r.all()
}

// print lists the mutants, and what is accepted and no mutant.
func (r *run) print() {
	for _, m := range r.mutants {
		fmt.Println(m)
	}
	for _, key := range r.stale {
		say("accepted for nothing: %s", key)
	}
}

// wants reports whether the command line asks for a mutant.
func (s settings) wants(m *mutant) bool {
	if !slices.Contains(strings.Split(s.kinds, ","), string(m.kind)) {
		return false
	}
	if s.match != nil && !s.match.MatchString(m.String()) {
		return false
	}
	return s.files == "" || slices.Contains(strings.Split(s.files, ","), filepath.Base(m.file))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
