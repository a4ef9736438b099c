package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe"
	"github.com/vmgo/vmgo/internal/observe/findings"
)

// sample builds the sample service. The module has no dependency outside of this
// repository.
func sample(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "observe-sample")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../../../examples/observe-sample"
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-trimpath", "GOPROXY=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// serve runs the sample service until the test ends, and returns its process number
// when it serves profiles.
func serve(t *testing.T, program string, args ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "obs") // the path of a socket has 108 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	cmd := exec.Command(program, append([]string{"-observe", socket}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"APP_TOKEN=opensesame42"}
	ready, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	if _, err := ready.Read(make([]byte, 5)); err != nil { // "ready"
		t.Fatal(err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}

// recorded runs the program on a process and returns what it printed and found.
func recorded(t *testing.T, args ...string) (dir, stdout string, found []findings.Finding) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a capture")
	h := host.OS()
	var out, errs bytes.Buffer
	h.Args = append([]string{"vmgo-observe", "--seconds=3", "--out", dir}, args...)
	h.Stdout, h.Stderr, h.StderrTTY = &out, &errs, false
	if status := Main(h); status != 0 {
		t.Fatalf("exit status %d\n%s%s", status, &out, &errs)
	}
	data, err := os.ReadFile(filepath.Join(dir, "findings.json"))
	if err == nil {
		err = json.Unmarshal(data, &found)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, out.String(), found
}

// machine are findings about who else uses the machine: a busy one has them, whatever
// the service does.
func machine(id string) bool { return slices.Contains([]string{"run-queue", "steal"}, id) }

func TestRecord_plantedFaults(t *testing.T) {
	t.Parallel()
	notShort(t)
	program := sample(t)
	for fault, want := range map[string]struct{ id, in string }{
		"lock":    {"locks", "main.(*inventory).reserve"},
		"leak":    {"goroutine-leak", "main.waitForAnswer"},
		"gc":      {"gc", "garbage collector"},
		"syscall": {"syscalls", "main.waitForFileLock"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			_, stdout, found := recorded(t, serve(t, program, "-rate", "50", "-fault", fault))
			i := slices.IndexFunc(found, func(f findings.Finding) bool { return f.ID == want.id })
			if i < 0 || i > 1 {
				t.Fatalf("%s is not among the first two:\n%s", want.id, stdout)
			}
			if !strings.Contains(found[i].Summary, want.in) || len(found[i].Evidence) == 0 {
				t.Errorf("%+v", found[i])
			}
		})
	}
}

// TestRecord_throttled puts the service into a control group with a tenth of a CPU.
func TestRecord_throttled(t *testing.T) {
	t.Parallel()
	notShort(t)
	group := quotaGroup(t)
	pid := serve(t, sample(t), "-fault", "spin")
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(pid), 0o644); err != nil {
		t.Skipf("no process can be put into a control group here: %v", err)
	}
	periods, throttled := cpuStat(t, group)
	_, stdout, found := recorded(t, pid)
	if p, n := cpuStat(t, group); n-throttled < (p-periods)/2 {
		t.Skipf("other programs left the service less than its quota: it was throttled in %d of %d periods", n-throttled, p-periods)
	}
	found = slices.DeleteFunc(found, func(f findings.Finding) bool { return machine(f.ID) })
	if len(found) == 0 || found[0].ID != "throttled" || !strings.Contains(stdout, "the quota is 0.10 CPUs") {
		t.Errorf("throttled is not the first:\n%s", stdout)
	}
}

// cpuStat returns how many periods a group had, and in how many it was throttled.
func cpuStat(t *testing.T, group string) (periods, throttled int) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(group, "cpu.stat"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name {
		case "nr_periods":
			periods, _ = strconv.Atoi(value)
		case "nr_throttled":
			throttled, _ = strconv.Atoi(value)
		}
	}
	return periods, throttled
}

// quotaGroup makes a control group with a quota, of either kind.
func quotaGroup(t *testing.T) string {
	t.Helper()
	for _, kind := range []struct{ mount, file, value string }{
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "10000"},
		{"/sys/fs/cgroup", "cpu.max", "10000 100000"},
	} {
		dir, err := os.MkdirTemp(kind.mount, "vmgo-observe-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { removeGroup(t, dir) })
		file := filepath.Join(dir, kind.file)
		if _, err := os.Stat(file); err != nil {
			continue // no group, or one without this controller
		}
		if os.WriteFile(file, []byte(kind.value), 0o644) == nil {
			return dir
		}
	}
	t.Skip("no control group with a CPU quota can be made here")
	return ""
}

// removeGroup removes a group when its last process is gone for the kernel, too.
func removeGroup(t *testing.T, dir string) {
	var err error
	for range 100 {
		if err = os.Remove(dir); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("a control group stays: %v", err)
}

func TestRecord_healthy(t *testing.T) {
	t.Parallel()
	notShort(t)
	dir, stdout, found := recorded(t, serve(t, sample(t), "-rate", "100"))
	for _, f := range found {
		if !machine(f.ID) {
			t.Errorf("a healthy service has the finding %s:\n%s", f.ID, stdout)
		}
	}
	private(t, dir)
	for _, name := range []string{"report.html", "findings.json", "metadata.json", "journal.json", "trace.json.gz", "trace.out", "flight.out", "profiles/cpu.pb.gz", "profiles/heap.pb.gz", "profiles/mutex.pb.gz", "profiles/block.pb.gz"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, outside := range []string{"http://", "https://", "src=", "@import", "opensesame42"} {
		if bytes.Contains(page, []byte(outside)) {
			t.Errorf("the page has %q in it", outside)
		}
	}
	comparison, err := observe.Diff(dir, dir)
	if err != nil || slices.ContainsFunc(comparison.Findings, func(c observe.Change) bool { return c.Word != "same" }) {
		t.Errorf("a capture differs from itself: %+v %v", comparison, err)
	}
}

// private checks that nothing is readable for others.
func private(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRecord_withoutProfiles has a program that serves none: perf tells what it does.
func TestRecord_withoutProfiles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("perf takes long (-short)")
	}
	if err := exec.Command("perf", "record", "-q", "-e", "cpu-clock", "-o", filepath.Join(t.TempDir(), "x"), "--", "true").Run(); err != nil {
		t.Skipf("perf does not work here: %v", err)
	}
	cmd := exec.Command(sample(t), "-fault", "spin")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	dir, stdout, _ := recorded(t, strconv.Itoa(cmd.Process.Pid))
	if !strings.Contains(stdout, "The program serves no profiles") {
		t.Errorf("it does not say that this is less:\n%s", stdout)
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", filepath.Join(dir, "profiles", "cpu.pb.gz")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "main.churn") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "perf.data")); err == nil {
		t.Error("perf.data stays")
	}
}

// notShort skips a test that records a program for seconds, more than once.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the program and what looks at it take minutes of CPU time under the race detector")
	}
}
