package install_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/store"
)

// crashCase is something that is killed half way.
type crashCase struct {
	name   string
	before []string // releases installed before
	how    string   // and by which verb; "install" if empty
	verb   string
	always []string // what must be there at every instant
	never  []string // what must not be there when it ran to its end
	tree   bool     // there is a tree in the subject's place at every instant, installed or not
}

// The release that everything is done to.
const subject = "1.22.5"

func crashCases() []crashCase {
	return []crashCase{
		{name: "install", verb: "install"},
		{name: "install beside neighbours", before: []string{"1.22.4", "1.21.0"}, verb: "install", always: []string{"1.22.4", "1.21.0"}},
		{name: "reinstall", before: []string{subject}, verb: "reinstall", always: []string{subject}},
		{name: "a tree made by hand", before: []string{subject}, how: "handmade", verb: "install", tree: true},
		{name: "dedup", before: []string{subject, "1.22.4"}, how: "unshared", verb: "dedup", always: []string{subject, "1.22.4"}},
		{name: "uninstall", before: []string{subject, "1.22.4"}, verb: "uninstall", always: []string{"1.22.4"}, never: []string{subject}},
	}
}

// prepare makes a store as it is before the crash.
func (c crashCase) prepare(t *testing.T, proxy string) string {
	t.Helper()
	dir := filepath.Join(memDir(t), "a store")
	c.install(t, dir, proxy)
	return dir
}

// install brings what there is before the crash into the store at dir.
func (c crashCase) install(t *testing.T, dir, proxy string) {
	t.Helper()
	for _, v := range c.before {
		if out, err := command(dir, proxy, cmp.Or(c.how, "install"), v).CombinedOutput(); err != nil {
			t.Fatalf("install %s: %v: %s", v, err, out)
		}
	}
}

func command(dir, proxy, verb string, versions ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(exe)
	args := append([]string{dir, proxy, verb}, versions...)
	cmd.Env = append(os.Environ(), helperVar+"="+strings.Join(args, "\n"))
	return cmd
}

// check holds a store against the promise after a kill, then lets the next
// command do its work and checks again.
func (c crashCase) check(t *testing.T, dir, proxy string) {
	t.Helper()
	present := checkWhole(t, dir)
	for _, v := range c.always {
		if !slices.Contains(present, v) {
			t.Errorf("%s was lost", v)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, subject)); c.tree && err != nil {
		t.Errorf("the tree was lost: %v", err)
	}
	// Any writer sweeps, whatever it is that it came for.
	if err := store.Open(dir, store.Options{}).Sweep(t.Context(), store.Wait{}); err != nil {
		t.Errorf("sweep: %v", err)
	}
	if after := checkWhole(t, dir); len(after) != len(present) && !(c.tree && slices.Contains(after, subject)) {
		t.Errorf("%v before the sweep, %v after it", present, after)
	}
	checkClean(t, dir)
	if out, err := command(dir, proxy, "install", subject).CombinedOutput(); err != nil {
		t.Errorf("the next install: %v: %s", err, out)
	}
	if after := checkWhole(t, dir); !slices.Contains(after, subject) {
		t.Errorf("after the next install there is %v", after)
	}
	checkClean(t, dir)
}

// killed reports whether cmd ended by SIGKILL, its own or that of the strace
// around it.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL || exit.ExitCode() == 128+int(syscall.SIGKILL)
}

// TestCrash_atEachCall kills the process when it enters a system call that
// changes names or makes them durable, one after the other: strace counts them.
func TestCrash_atEachCall(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed; TestCrash_atRandom still runs")
	}
	if out, err := exec.Command(strace, "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("strace cannot trace here: %v: %s", err, out)
	}
	proxy := fileProxy(t, subject, "1.22.4", "1.21.0")
	most := 12
	if testing.Short() {
		most = 2
	}
	for _, c := range crashCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kills := 0
			for _, call := range []string{"mkdirat", "renameat", "renameat2", "fsync", "syncfs", "symlinkat", "unlinkat", "linkat", "flock", "ftruncate", "close", "write"} {
				for n := 1; n <= most; n++ {
					dir := c.prepare(t, proxy)
					inner := command(dir, proxy, c.verb, subject)
					cmd := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call,
						"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), inner.Path)
					cmd.Env = append(inner.Env, "GOMAXPROCS=1")
					out, err := cmd.CombinedOutput()
					if err != nil && !killed(err) {
						t.Fatalf("%s %d: %v: %s", call, n, err, out)
					}
					c.check(t, dir, proxy)
					if t.Failed() {
						t.Fatalf("killed at %s number %d (%v)", call, n, err)
					}
					if err == nil {
						break // there are not so many
					}
					kills++
				}
			}
			t.Logf("killed %d times", kills)
			if kills == 0 {
				t.Error("nothing was ever killed")
			}
		})
	}
}

// TestCrash_atRandom kills the process after random times.
func TestCrash_atRandom(t *testing.T) {
	t.Parallel()
	proxy := fileProxy(t, subject, "1.22.4", "1.21.0")
	rounds := 25
	if testing.Short() {
		rounds = 4
	}
	for _, c := range crashCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := c.prepare(t, proxy)
			begin := time.Now()
			if out, err := command(dir, proxy, c.verb, subject).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			whole := time.Since(begin)
			present := checkWhole(t, dir)
			for _, v := range c.never {
				if slices.Contains(present, v) {
					t.Errorf("%s is still there", v)
				}
			}
			seed := uint64(begin.UnixNano())
			random := rand.New(rand.NewPCG(seed, 0))
			kills := 0
			for range rounds {
				dir := c.prepare(t, proxy)
				cmd := command(dir, proxy, c.verb, subject)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				timer := time.AfterFunc(time.Duration(random.Int64N(int64(whole))), func() { cmd.Process.Kill() })
				if killed(cmd.Wait()) {
					kills++
				}
				timer.Stop()
				c.check(t, dir, proxy)
			}
			t.Logf("killed %d of %d times (seed %d)", kills, rounds, seed)
		})
	}
}
