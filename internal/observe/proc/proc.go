// Package proc takes snapshots of a process, its control group and the machine.
package proc

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/host"
)

// Snapshot is what /proc and the control group say at one time. What cannot be read is
// zero: another user's process, a file that an older kernel lacks.
type Snapshot struct {
	Time time.Time `json:"time"`

	CPU       time.Duration `json:"cpu_ns"`       // user and system time of the process
	RunDelay  time.Duration `json:"run_delay_ns"` // time in which threads were ready and had no CPU
	Threads   int           `json:"threads"`
	RSS       int64         `json:"rss_bytes"`
	PSS       int64         `json:"pss_bytes,omitempty"`
	Swap      int64         `json:"swap_bytes"`
	OpenFiles int           `json:"open_files"`
	MaxFiles  int64         `json:"max_open_files,omitempty"` // 0: not known or no limit
	MajorFlt  int64         `json:"major_faults"`
	ReadIO    int64         `json:"read_bytes"`
	WriteIO   int64         `json:"write_bytes"`

	Group    Group             `json:"cgroup"`
	Pressure map[string]string `json:"pressure,omitempty"` // of the machine: cpu, memory, io

	Steal   time.Duration `json:"steal_ns"` // of all CPUs together
	Busy    time.Duration `json:"busy_ns"`
	CPUs    int           `json:"cpus"`
	LoadAvg string        `json:"loadavg"`
}

// Group is a control group.
type Group struct {
	Path          string            `json:"path,omitempty"`
	Mode          string            `json:"mode"`
	Quota         float64           `json:"cpu_quota,omitempty"` // CPUs, of the tightest group above too; 0: none
	QuotaFrom     string            `json:"cpu_quota_from,omitempty"`
	Periods       int64             `json:"nr_periods"`
	Throttled     int64             `json:"nr_throttled"`
	ThrottledTime time.Duration     `json:"throttled_ns"`
	Memory        int64             `json:"memory_bytes"`
	MemoryLimit   int64             `json:"memory_limit_bytes,omitempty"` // 0: none
	MemoryFrom    string            `json:"memory_limit_from,omitempty"`
	MemoryEvents  map[string]int64  `json:"memory_events,omitempty"`
	Pressure      map[string]string `json:"pressure,omitempty"`
}

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux that Go has.
const tick = 10 * time.Millisecond

// Take reads everything about a process; PID 0 means the machine alone.
func Take(h host.Host, pid int) Snapshot {
	s := Snapshot{Time: h.Now(), LoadAvg: h.Text("/proc/loadavg"), Pressure: pressures(h, "/proc/pressure/", "")}
	machine(h, &s)
	if pid == 0 {
		return s
	}
	dir := "/proc/" + strconv.Itoa(pid) + "/"
	process(h, dir, &s)
	s.Group = group(h, strconv.Itoa(pid))
	return s
}

func machine(h host.Host, s *Snapshot) {
	for _, line := range h.Lines("/proc/stat") {
		fields := strings.Fields(line)
		if len(fields) < 9 || !strings.HasPrefix(fields[0], "cpu") {
			continue
		}
		if fields[0] != "cpu" {
			s.CPUs++
			continue
		}
		for i, f := range fields[1:9] { // user nice system idle iowait irq softirq steal
			n, _ := strconv.ParseInt(f, 10, 64)
			switch i {
			case 3, 4:
			case 7:
				s.Steal = time.Duration(n) * tick
			default:
				s.Busy += time.Duration(n) * tick
			}
		}
	}
}

func process(h host.Host, dir string, s *Snapshot) {
	// The name in parentheses may hold blanks and parentheses.
	stat := h.Text(dir + "stat")
	if i := strings.LastIndex(stat, ")"); i >= 0 {
		f := strings.Fields(stat[i+1:]) // from the third field of proc(5) on
		if len(f) > 17 {
			s.MajorFlt = integer(f[9])
			s.CPU = time.Duration(integer(f[11])+integer(f[12])) * tick
			s.Threads = int(integer(f[17]))
		}
	}
	status := keyed(h.Lines(dir+"status"), ":")
	s.RSS, s.Swap = kib(status["VmRSS"]), kib(status["VmSwap"])
	s.PSS = kib(keyed(h.Lines(dir+"smaps_rollup"), ":")["Pss"])
	io := keyed(h.Lines(dir+"io"), ":")
	s.ReadIO, s.WriteIO = integer(io["read_bytes"]), integer(io["write_bytes"])
	s.OpenFiles = len(h.ReadDir(dir + "fd"))
	for _, line := range h.Lines(dir + "limits") {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				s.MaxFiles = integer(f[0])
			}
		}
	}
	for _, task := range h.ReadDir(dir + "task") { // time on a CPU, time waiting for one, slices
		if f := strings.Fields(h.Text(dir + "task/" + task.Name() + "/schedstat")); len(f) == 3 {
			s.RunDelay += time.Duration(integer(f[1]))
		}
	}
}

func group(h host.Host, pid string) Group {
	c := h.CgroupOf(pid)
	g := Group{Mode: c.Mode}
	if dirs := c.Dirs("cpu"); len(dirs) > 0 {
		g.Path = dirs[0]
		throttling(h, dirs, &g)
	}
	if limit, ok := tightest(h.CPULimits(c)); ok {
		g.Quota, g.QuotaFrom = limit.Value, limit.Path
	}
	if limit, ok := tightest(h.MemoryLimits(c)); ok {
		g.MemoryLimit, g.MemoryFrom = int64(limit.Value), limit.Path
	}
	if dirs := c.Dirs("memory"); len(dirs) > 0 {
		dir := dirs[0]
		if g.Memory = integer(h.Text(filepath.Join(dir, "memory.current"))); g.Memory == 0 {
			g.Memory = integer(h.Text(filepath.Join(dir, "memory.usage_in_bytes")))
		}
		for key, value := range keyed(h.Lines(filepath.Join(dir, "memory.events")), " ") {
			if g.MemoryEvents == nil {
				g.MemoryEvents = map[string]int64{}
			}
			g.MemoryEvents[key] = integer(value)
		}
	}
	if c.Mode == host.CgroupV2 && g.Path != "" && g.Path != "/sys/fs/cgroup" {
		g.Pressure = pressures(h, g.Path+"/", ".pressure")
	}
	return g
}

// throttling reads the nearest group that counts it: a group without a quota of its own
// may lie in one that has one.
func throttling(h host.Host, dirs []string, g *Group) {
	for _, dir := range dirs {
		stat := keyed(h.Lines(filepath.Join(dir, "cpu.stat")), " ")
		if integer(stat["nr_periods"]) == 0 {
			continue
		}
		g.Periods, g.Throttled = integer(stat["nr_periods"]), integer(stat["nr_throttled"])
		g.ThrottledTime = time.Duration(integer(stat["throttled_usec"]))*time.Microsecond + time.Duration(integer(stat["throttled_time"]))
		return
	}
}

func tightest(limits []host.Limit) (host.Limit, bool) {
	best := host.Limit{Value: math.Inf(1)}
	for _, l := range limits {
		if l.Value < best.Value {
			best = l
		}
	}
	return best, !math.IsInf(best.Value, 1)
}

// Throttling returns how long the group has been throttled: for samples that are
// taken often.
func Throttling(h host.Host, pid int) time.Duration {
	var g Group
	throttling(h, h.CgroupOf(strconv.Itoa(pid)).Dirs("cpu"), &g)
	return g.ThrottledTime
}

func pressures(h host.Host, before, after string) map[string]string {
	all := map[string]string{}
	for _, name := range []string{"cpu", "memory", "io"} {
		if text := h.Text(before + name + after); text != "" {
			all[name] = text
		}
	}
	return all
}

func keyed(lines []string, separator string) map[string]string {
	all := map[string]string{}
	for _, line := range lines {
		if key, value, ok := strings.Cut(line, separator); ok {
			all[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return all
}

func kib(text string) int64 { return integer(strings.TrimSuffix(text, " kB")) << 10 }

func integer(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n
}
