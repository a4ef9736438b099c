package doctor

import (
	"context"
	"time"
)

func stealCheck() Check {
	return Check{
		ID: "machine.steal", Group: MachineGroup, Slow: true, Weight: 3,
		Title:  "processor time that the host gives to others",
		Why:    "it makes builds slow and benchmarks worthless, and nothing inside the machine can change it",
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
	passed, span := second.Sub(first), "the last half second"
	if passed.Total == 0 {
		passed, span = second, "since the start"
	}
	if passed.Total == 0 {
		return skip("/proc/stat counts nothing")
	}
	share := 100 * float64(passed.Steal) / float64(passed.Total)
	if share > 10 {
		return warn("%.0f %% stolen (%s)", share, span).at("/proc/stat", 0, "steal %d of %d ticks", passed.Steal, passed.Total).
			means("The host is overcommitted: move the machine, or ask for reserved cores.")
	}
	return ok("%.0f %% (%s)", share, span)
}
