package proc

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
)

// TestTake reads a made-up machine: a service whose own group has no quota lies in one
// that has.
func TestTake(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	const group = "/sys/fs/cgroup/system.slice"
	for name, text := range map[string]string{
		"/proc/7/stat":                       "7 (a (odd) b) S 1 7 7 0 -1 4194560 100 0 9 0 150 50 0 0 20 0 12 0 100 1000 50 1 1",
		"/proc/7/status":                     "Name:\ta\nVmRSS:\t  2048 kB\nVmSwap:\t 4 kB\n",
		"/proc/7/smaps_rollup":               "x\nPss:    1024 kB\n",
		"/proc/7/io":                         "read_bytes: 5\nwrite_bytes: 6\n",
		"/proc/7/limits":                     "Max open files            1024                 524288               files\n",
		"/proc/7/cgroup":                     "0::/system.slice/app.service\n",
		"/proc/7/task/7/schedstat":           "10 2000 3\n",
		"/proc/7/task/8/schedstat":           "10 3000 3\n",
		"/proc/self/mountinfo":               "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
		"/proc/stat":                         "cpu  100 0 50 900 7 0 0 25 0 0\ncpu0 50 0 25 450 3 0 0 12 0 0\ncpu1 50 0 25 450 4 0 0 13 0 0\n",
		"/proc/pressure/cpu":                 "some avg10=1.00\n",
		group + "/cpu.stat":                  "nr_periods 40\nnr_throttled 10\nthrottled_usec 2000\n",
		group + "/cpu.max":                   "50000 100000\n",
		group + "/app.service/cpu.stat":      "usage_usec 9\nnr_periods 0\n",
		group + "/app.service/memory.max":    "1048576\n",
		group + "/app.service/memory.events": "high 3\noom_kill 1\n",
	} {
		if err := os.MkdirAll(filepath.Dir(root+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := host.Host{Root: root, Now: time.Now}
	s := Take(h, 7)
	if s.CPU != 2*time.Second || s.Threads != 12 || s.MajorFlt != 9 || s.RSS != 2<<20 || s.PSS != 1<<20 || s.RunDelay != 5000 || s.MaxFiles != 1024 || s.CPUs != 2 || s.Steal != 250*time.Millisecond || s.WriteIO != 6 {
		t.Errorf("%+v", s)
	}
	g := s.Group
	if g.Throttled != 10 || g.ThrottledTime != 2*time.Millisecond || g.Quota != 0.5 || g.QuotaFrom != group+"/cpu.max" || g.MemoryLimit != 1<<20 || g.MemoryEvents["oom_kill"] != 1 {
		t.Errorf("%+v", g)
	}
	if Throttling(h, 7) != 2*time.Millisecond {
		t.Error("the sample differs")
	}
	if alone := Take(h, 0); alone.CPU != 0 || alone.CPUs != 2 || alone.Pressure["cpu"] == "" {
		t.Errorf("%+v", alone)
	}
	if gone := Take(h, 99); gone.CPU != 0 {
		t.Errorf("a process that is gone: %+v", gone)
	}
}
