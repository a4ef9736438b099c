package doctor

import (
	"context"
	"time"
)

func stealCheck() Check {
	return Check{
		ID: "machine.steal", Group: MachineGroup, Slow: true, Weight: 3,
		Title:  "processor time that the host gives to other guests",
		Why:    "it makes builds slow and benchmarks unreliable, and cannot be changed from inside the machine",
		Source: "/proc/stat twice within half a second; proc(5)",
		Run:    runSteal,
	}
}

func runSteal(ctx context.Context, m *Machine) Result {
	first, known := m.CPUTime()
	if !known {
		return skip("/proc/stat cannot be read")
	}
	select {
	case <-ctx.Done():
	case <-time.After(500 * time.Millisecond):
	}
	second, _ := m.CPUTime()
	passed, span := second.Sub(first), "in the last half second"
	if passed.Total == 0 {
		passed, span = second, "since boot"
	}
	if passed.Total == 0 {
		return skip("/proc/stat has no counts")
	}
	share := 100 * float64(passed.Steal) / float64(passed.Total)
	if share > 10 {
		return warn("%.0f %% of processor time stolen (%s)", share, span).at("/proc/stat", 0, "steal %d of %d ticks", passed.Steal, passed.Total).
			means("The host is overcommitted: move the machine, or get reserved cores.")
	}
	return ok("%.0f %% of processor time stolen (%s)", share, span)
}
