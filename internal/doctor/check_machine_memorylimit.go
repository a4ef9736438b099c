package doctor

import (
	"context"
	"math"
	"strconv"
	"strings"
)

func memLimitCheck() Check {
	return Check{
		ID: "machine.memory-limit", Group: MachineGroup, Weight: 6,
		Title:  "whether GOMEMLIMIT fits the memory limit",
		Why:    "the Go runtime does not read memory limits: the heap grows past them, and the kernel ends the process",
		Source: "memory.max, memory.high, memory.limit_in_bytes up the tree; measured: killed without GOMEMLIMIT, fine with 90 % of the limit",
		Run:    runMemLimit,
	}
}

func runMemLimit(_ context.Context, m *Machine) Result {
	total := float64(m.Memory().Total)
	if total == 0 {
		return skip("/proc/meminfo cannot be read")
	}
	tightest := math.Inf(1)
	r := Result{}
	for _, l := range m.MemoryLimits(m.Cgroup()) {
		if l.Value < total {
			r = r.at(l.Path, 0, "%s", size(uint64(l.Value)))
			tightest = math.Min(tightest, l.Value)
		}
	}
	if math.IsInf(tightest, 1) {
		return ok("no limit below the machine's memory")
	}
	want := uint64(tightest * 0.9)
	set := m.Env["GOMEMLIMIT"]
	switch value, known := parseMemLimit(set); {
	case set == "":
		r.Status, r.Summary = Warn, "memory is limited to "+size(uint64(tightest))+", and GOMEMLIMIT is not set"
	case !known:
		r.Status, r.Summary = Fail, "GOMEMLIMIT="+set+" is not a value that Go understands"
		r = r.means("Every Go program fails at its start.")
	case float64(value) > tightest:
		r.Status, r.Summary = Warn, "GOMEMLIMIT="+set+" is above the limit of memory, "+size(uint64(tightest))
	default:
		r.Status, r.Summary = OK, "memory is limited to "+size(uint64(tightest))+", GOMEMLIMIT="+set
		return r
	}
	return r.fixWith("export GOMEMLIMIT=%dMiB", want>>20)
}

// parseMemLimit reads what runtime/debug.SetMemoryLimit documents: a number
// with B, KiB, MiB, GiB, TiB, a bare number of bytes, or off.
func parseMemLimit(s string) (uint64, bool) {
	if s == "off" {
		return math.MaxInt64, true
	}
	shift := 0
	for suffix, n := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40} {
		if rest, found := strings.CutSuffix(s, suffix); found {
			s, shift = rest, n
		}
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(s, "B"), 10, 63)
	return n << shift, err == nil
}

func fmtFloat(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }
