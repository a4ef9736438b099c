package doctor

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/ui"
)

func cpuLimitCheck() Check {
	return Check{
		ID: "machine.cpu-limit", Group: MachineGroup, Weight: 5,
		Title:  "whether the Go runtime sees the CPU limits",
		Why:    "a program with more running threads than its quota allows is stopped for the rest of each period",
		Source: "cpu.max or cpu.cfs_quota_us of this process's group and those above; go.dev/doc/go1.25 (GOMAXPROCS)",
		Run:    runCPULimit,
	}
}

func runCPULimit(_ context.Context, m *Machine) Result {
	limits := m.CPULimits(m.Cgroup())
	cpus := float64(m.CPUs())
	if cpus == 0 {
		return skip("the number of processors is unknown")
	}
	tightest, own := math.Inf(1), math.Inf(1)
	r := Result{}
	for _, l := range limits {
		r = r.at(l.Path, 0, "%.1f cores", l.Value)
		tightest = math.Min(tightest, l.Value)
		if l.Own {
			own = l.Value
		}
	}
	if tightest >= cpus {
		return ok("no quota below the %.0f processors", cpus)
	}
	wanted := math.Max(1, math.Ceil(tightest))
	if set, err := strconv.Atoi(m.Env["GOMAXPROCS"]); err == nil && set > 0 { // the runtime ignores other values
		r.Status, r.Summary = OK, fmt.Sprintf("CPU quota of %s, GOMAXPROCS=%d", cores(tightest), set)
		if float64(set) > math.Max(2, wanted) {
			r.Status = Warn
			return r.fixWith("export GOMAXPROCS=%.0f", wanted)
		}
		return r
	}
	// The runtime rounds up, never goes below 2, and looks at the own group only.
	sees := cpus
	if !math.IsInf(own, 1) {
		sees = math.Min(cpus, math.Max(2, math.Ceil(own)))
	}
	if old := m.oldMaxProcs(); old != "" && cpus > wanted {
		r.Status, r.Summary = Warn, "CPU quota of "+cores(tightest)+", but the runtime starts "+cores(cpus)
		return r.means("%s", old).fixWith("export GOMAXPROCS=%.0f", wanted)
	}
	if sees > math.Max(2, wanted) {
		r.Status, r.Summary = Warn, "CPU quota of "+cores(tightest)+" on a group above, which the runtime does not see"
		return r.means("It reads only the quota of its own group.").fixWith("export GOMAXPROCS=%.0f", wanted)
	}
	r.Status, r.Summary = OK, "CPU quota of "+cores(tightest)+", which the runtime sees"
	return r
}

func cores(n float64) string {
	if n == math.Trunc(n) {
		return ui.Count(int(n), "core")
	}
	return strings.TrimSuffix(fmtFloat(n), ".0") + " cores"
}

// oldMaxProcs returns why programs built here do not follow the quota; empty if
// they do.
func (m *Machine) oldMaxProcs() string {
	since, _ := gover.Parse("1.25")
	if v := m.Selected(); !v.IsZero() && v.Lang().Compare(since) < 0 {
		return "Go " + v.String() + " does not read quotas; 1.25 and newer do."
	}
	module := m.moduleRoot()
	if module == "" {
		return ""
	}
	reason := ""
	m.directives(filepath.Join(module, "go.mod"), func(keyword string, words []string, _ int) {
		if keyword != "go" || len(words) != 1 {
			return
		}
		if v, err := gover.Parse(words[0]); err == nil && v.Lang().Compare(since) < 0 {
			reason = "go.mod says go " + words[0] + ", which turns the quota off (GODEBUG containermaxprocs=0)."
		}
	})
	return reason
}
