//go:build mutate

package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// suite is the tests of one package, or scripts.
type suite struct {
	name, dir string   // a relative one is beneath each worker's
	binaries  []string // one for each worker, with its own switch
	flags     []string
}

// test is one test function, or one script.
type test struct {
	suite *suite
	run   string // for -test.run
	took  time.Duration
}

// build compiles the tests of a package once; for each further worker they are
// only linked again.
func build(dir, overlay, path string, workers []*worker) (*suite, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", path, err)
	}
	s := &suite{name: path, dir: strings.TrimSpace(string(out)), flags: []string{"-test.short"}}
	for _, w := range workers {
		binary := filepath.Join(w.dir, strings.ReplaceAll(path, "/", "_")+".test")
		command := exec.Command("go", "test", "-c", "-vet=off", "-o", binary, "-overlay", overlay, "-ldflags", "-X "+switchPath+".file="+w.selector(), path)
		if out, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go test -c %s: %w\n%s", path, err, out)
		}
		if _, err := os.Stat(binary); err != nil { // no test files
			return nil, nil
		}
		s.binaries = append(s.binaries, binary)
	}
	return s, nil
}

// list lists the test functions of a suite whose names match a pattern.
func (s *suite) list(dir, pattern string) ([]*test, error) {
	command := exec.Command(s.binaries[0], "-test.list", pattern)
	command.Dir = dir
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	var all []*test
	for name := range strings.FieldsSeq(string(out)) {
		all = append(all, &test{suite: s, run: "^" + name + "$"})
	}
	return all, nil
}

// scripts lists the scripts that one of the patterns names.
func (s *suite) scripts(patterns string) ([]*test, error) {
	var all []*test
	for pattern := range strings.SplitSeq(patterns, ",") {
		paths, err := filepath.Glob(filepath.Join(s.dir, "testdata/scripts", pattern+".txtar"))
		if err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("no script is named %s", pattern)
		}
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), ".txtar")
			all = append(all, &test{suite: s, run: "^TestScripts$/^" + regexp.QuoteMeta(name) + "$"})
		}
	}
	return all, nil
}

// record runs a test with no mutant active and returns which ones it reached.
func (w *worker) record(t *test) (reached map[int]bool, err error) {
	log := filepath.Join(w.dir, "reached")
	if err := os.WriteFile(log, nil, 0o666); err != nil {
		return nil, err
	}
	if err := os.Chmod(log, 0o666); err != nil { // for tests that become another user
		return nil, err
	}
	const limit = 10 * time.Minute
	start := time.Now()
	if verdict, out := w.try("record "+log, []*test{t}, limit); verdict != passed {
		return nil, fmt.Errorf("%s\n%s", verdict, out)
	}
	t.took = time.Since(start)
	f, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reached = map[int]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			reached[n] = true
		}
	}
	return reached, nil
}

// batches puts tests into groups that take a second or so each, the quickest
// first, since one test that fails is enough. A group is of one suite.
func batches(tests []*test) [][]*test {
	const enough = time.Second
	tests = slices.Clone(tests)
	slices.SortStableFunc(tests, func(a, b *test) int { return cmp.Compare(a.took, b.took) })
	var all [][]*test
	open := map[*suite]int{} // the group that is not full
	var sum = map[*suite]time.Duration{}
	for _, t := range tests {
		script := strings.Contains(t.run, "/")
		i, ok := open[t.suite]
		if !ok || script || sum[t.suite]+t.took > enough {
			all = append(all, nil)
			i = len(all) - 1
			open[t.suite], sum[t.suite] = i, 0
		}
		all[i] = append(all[i], t)
		sum[t.suite] += t.took
	}
	return all
}
