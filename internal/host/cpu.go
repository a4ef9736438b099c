package host

import (
	"strconv"
	"strings"
)

// CPUs is the number of processors that this process may use, by
// /proc/self/status; 0 if that cannot be read.
func (h Host) CPUs() int {
	for _, line := range h.Lines("/proc/self/status") {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return countList(strings.TrimSpace(list))
		}
	}
	return 0
}

// OnlineCPUs is the number of processors of the machine; 0 if unknown.
func (h Host) OnlineCPUs() int { return countList(h.Text("/sys/devices/system/cpu/online")) }

// countList counts a list such as "0-3,8".
func countList(list string) int {
	n := 0
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			return 0
		}
		b := a
		if isRange {
			if b, err = strconv.Atoi(last); err != nil || b < a {
				return 0
			}
		}
		n += b - a + 1
	}
	return n
}

// CPUTime is the first line of /proc/stat in clock ticks.
type CPUTime struct{ Total, Idle, Steal uint64 }

// Sub is the time that passed since an earlier reading.
func (t CPUTime) Sub(earlier CPUTime) CPUTime {
	return CPUTime{t.Total - earlier.Total, t.Idle - earlier.Idle, t.Steal - earlier.Steal}
}

// CPUTime reads /proc/stat; false if it cannot be read.
func (h Host) CPUTime() (CPUTime, bool) {
	lines := h.Lines("/proc/stat")
	if len(lines) == 0 {
		return CPUTime{}, false
	}
	fields := strings.Fields(lines[0])
	if len(fields) < 9 || fields[0] != "cpu" {
		return CPUTime{}, false
	}
	// user nice system idle iowait irq softirq steal; guest time is part of user.
	var t CPUTime
	for i, field := range fields[1:9] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return CPUTime{}, false
		}
		t.Total += n
		switch i {
		case 3, 4:
			t.Idle += n
		case 7:
			t.Steal = n
		}
	}
	return t, true
}

// Limit names of /proc/self/limits.
const (
	LimitOpenFiles    = "Max open files"
	LimitProcesses    = "Max processes"
	LimitAddressSpace = "Max address space"
	LimitCoreFile     = "Max core file size"
)

// Rlimit is one line of /proc/PID/limits; Infinite for "unlimited".
type Rlimit struct{ Soft, Hard uint64 }

// Infinite is the value of a limit that is none.
const Infinite = ^uint64(0)

// Rlimit reads a limit of this process; false if it is not listed.
func (h Host) Rlimit(name string) (Rlimit, bool) { return h.RlimitOf("self", name) }

// RlimitOf reads a limit of a process; false if it is not listed or the process is gone.
func (h Host) RlimitOf(process, name string) (Rlimit, bool) {
	for _, line := range h.Lines("/proc/" + process + "/limits") {
		rest, ok := strings.CutPrefix(line, name+" ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 {
			continue
		}
		return Rlimit{limitValue(fields[0]), limitValue(fields[1])}, true
	}
	return Rlimit{}, false
}

func limitValue(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return Infinite
	}
	return n
}

// Umask is that of this process; false if the kernel does not tell (before 4.7).
func (h Host) Umask() (uint64, bool) {
	for _, line := range h.Lines("/proc/self/status") {
		if value, ok := strings.CutPrefix(line, "Umask:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 8, 32)
			return n, err == nil
		}
	}
	return 0, false
}
