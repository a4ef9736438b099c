package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// smokePackages are those whose tests are run by the check "smoke". None of them is
// needed by the testing package, so nothing is compiled a second time for its tests.
func smokePackages() []string {
	return []string{
		"container/heap", "container/list", "encoding/csv", "hash/adler32", "math/cmplx", "text/scanner",
	}
}

// checkSmoke is the check "smoke": within half a minute on two idle cores, whether
// the toolchain compiles, links, tests and detects races on this machine.
func (v *Verifier) checkSmoke(ctx context.Context, c *Check, t Target) {
	v.within(c, t, func(s *sandbox) (string, error) {
		all, err := s.packages(ctx)
		if err != nil {
			return "", err
		}
		packages := slices.DeleteFunc(smokePackages(), func(pkg string) bool { return !slices.Contains(all, pkg) })
		var flags []string
		if t.Version.Minor() >= 10 { // go test runs vet since then, which takes as long as the tests
			flags = []string{"-vet=off"}
		}
		tests, err := s.test(ctx, flags, packages, nil)
		if err != nil {
			return tests, err
		}
		programs, err := s.steps(ctx, s.cgo, s.race)
		return tests + ", " + programs, err
	})
}

// raceGo counts under a lock, prints that, and counts without one. It imports little, since
// everything is compiled anew for the race detector.
const raceGo = `package main

import "sync"

func count(lock sync.Locker) (n int) {
	var all sync.WaitGroup
	for i := 0; i < 2; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			lock.Lock()
			defer lock.Unlock()
			n++
		}()
	}
	all.Wait()
	return n
}

type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}

func main() {
	println("counted", count(new(sync.Mutex)))
	count(noLock{})
}
`

// race runs a program with the race detector, where this release has one: it finds the
// race, and none before it.
func (s *sandbox) race(ctx context.Context) (string, error) {
	if !s.racePlatform() {
		return "no race detector on " + s.t.Platform.String(), nil
	}
	cc := s.cc()
	if cc == "" {
		return "no C compiler for the race detector", nil
	}
	if err := s.write("race.go", raceGo); err != nil {
		return "", err
	}
	program := filepath.Join(s.dir, "work", "race")
	if _, _, err := s.output(ctx, []string{"CGO_ENABLED=1", "CC=" + cc}, "build", "-race", "-o", program, "race.go"); err != nil {
		return "", err
	}
	var out bytes.Buffer
	cmd := s.program(ctx, program, nil)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := s.v.Run(cmd)
	const finding = "WARNING: DATA RACE"
	before, after, counted := strings.Cut(out.String(), "counted 2\n")
	switch {
	case counted && strings.Contains(before, finding):
		return "", errors.New("the race detector finds a race where there is none")
	case !counted:
		return "", fmt.Errorf("a program with the race detector does not run: %v: %s", err, lastLine(out.String()))
	case err == nil || !strings.Contains(after, finding):
		return "", errors.New("the race detector misses a race")
	}
	return "race detector", nil
}

// racePlatform reports whether the release has a race detector for its platform, by
// the lists in internal/platform (RaceDetectorSupported) and the release notes.
func (s *sandbox) racePlatform() bool {
	if s.t.Platform.OS != "linux" {
		return false
	}
	first, found := map[string]int{"amd64": 1, "arm64": 12, "ppc64le": 12, "s390x": 19, "loong64": 25, "riscv64": 26}[s.t.Platform.Arch]
	return found && s.t.Version.Minor() >= first
}
