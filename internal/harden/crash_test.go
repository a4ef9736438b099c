package harden

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The tests here run this binary again as a process that kills itself, with
// SIGKILL, at the n-th point that the engine reports.
const (
	crashRoot  = "VMGO_TEST_CRASH_ROOT"
	crashVerb  = "VMGO_TEST_CRASH_VERB"
	crashPoint = "VMGO_TEST_CRASH_POINT"
	crashImage = "VMGO_TEST_CRASH_IMAGE"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(crashRoot); root != "" {
		os.Exit(crashChild(root))
	}
	if addr := os.Getenv(serveAt); addr != "" {
		os.Exit(serve(addr))
	}
	os.Exit(m.Run())
}

func crashChild(root string) int {
	e, sel, err := crashEngine(root, os.Getenv(crashImage) != "")
	left, atoiErr := strconv.Atoi(os.Getenv(crashPoint))
	if err = errors.Join(err, atoiErr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	e.Trace = func(string) {
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if os.Getenv(crashVerb) == verbUndo {
		_, err = e.Undo(context.Background(), nil, nil)
	} else {
		_, err = e.Apply(context.Background(), sel, nil, nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// crashEngine is the engine of both processes: over a made-up machine with the
// fake items, or over the tree of a real one with the real items.
func crashEngine(root string, image bool) (*Engine, Selection, error) {
	if image {
		return imageEngine(root)
	}
	m, err := Running(fakeHost(root))
	return &Engine{Machine: m, Items: fakeItems()}, Selection{}, err
}

// crash runs a verb in a process of its own that dies at the given point; it
// answers false if the process came to its end before.
func crash(t *testing.T, root, verb string, point int, env ...string) bool {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), crashRoot+"="+root, crashVerb+"="+verb, crashPoint+"="+strconv.Itoa(point))
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s to be killed at point %d: %v\n%s", verb, point, err, out)
	}
	return true
}

// timeless is a snapshot without times: those of files that were written twice
// differ.
func timeless(t *testing.T, root string) map[string]string {
	t.Helper()
	snap := snapshot(t, root)
	for path, text := range snap {
		if strings.HasPrefix(path, "/var/lib/vmgo/harden/ledger") {
			delete(snap, path) // holds times
			continue
		}
		if i := strings.LastIndex(text, " 20"); i > 0 && strings.HasSuffix(text, "Z") {
			snap[path] = text[:i]
		}
	}
	return snap
}

func TestKilledAtEveryPoint(t *testing.T) {
	if testing.Short() {
		t.Skip("a process for every point of four transitions takes too long for -short")
	}
	reference := fakeRoot(t)
	_, err := (&Engine{Machine: testMachine(t, reference), Items: fakeItems()}).Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	applied := timeless(t, reference)
	for _, verb := range []string{verbApply, verbUndo} {
		for _, then := range []string{verbApply, verbUndo} {
			t.Run(verb+" then "+then, func(t *testing.T) {
				t.Parallel()
				points := 0
				for point := 1; killedThen(t, verb, then, point, applied); point++ {
					points++
				}
				t.Logf("%d points", points)
				if points < 20 {
					t.Errorf("only %d points were tried: the engine tells too little", points)
				}
			})
		}
	}
}

// killedThen kills a verb at one point, lets another finish, and compares the
// machine with what it must be. The machine is undone in the end and must be
// as it was, whatever happened.
func killedThen(t *testing.T, verb, then string, point int, applied map[string]string) bool {
	t.Helper()
	root := fakeRoot(t)
	before := snapshot(t, root)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	if verb == verbUndo {
		_, err := e.Apply(t.Context(), Selection{}, nil, nil)
		must(t, err)
	}
	killed := crash(t, root, verb, point)
	if _, err := e.Status(Selection{}); err != nil {
		t.Fatalf("status after a kill at point %d: %v", point, err)
	}
	if then == verbApply {
		_, err := e.Apply(t.Context(), Selection{}, nil, nil)
		must(t, err)
		if got := differences(applied, timeless(t, root)); len(got) > 0 {
			t.Fatalf("%s killed at point %d, then apply: %q", verb, point, got)
		}
	}
	res, err := e.Undo(t.Context(), nil, nil)
	must(t, err)
	if got := differences(unkilled(before), unkilled(snapshot(t, root))); len(got) > 0 {
		t.Fatalf("%s killed at point %d, then %s and undo: %q (warnings %q)", verb, point, then, got, res.Warnings)
	}
	return killed
}

// TestKilledAgainWhileFinishing kills the process that finishes the work of a
// killed one.
func TestKilledAgainWhileFinishing(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes take too long for -short")
	}
	for first := 5; first < 60; first += 7 {
		for second := 1; second < 40; second += 5 {
			root := fakeRoot(t)
			before := snapshot(t, root)
			verbs := [2]string{verbApply, verbUndo}
			crash(t, root, verbs[0], first)
			crash(t, root, verbs[second%2], second)
			e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
			_, err := e.Undo(t.Context(), nil, nil)
			must(t, err)
			if got := differences(before, snapshot(t, root)); len(got) > 0 {
				t.Fatalf("killed at %d, then %s killed at %d: %q", first, verbs[second%2], second, got)
			}
		}
	}
}
