package harden

func profilingItem() Item {
	return Item{
		ID:   "profiling",
		What: "let every user profile with perf, kernel symbols included",
		Why:  "perf record on a Go program shows system calls and page faults that pprof cannot see, but distributions forbid it to users.",
		Effect: "perf works without root, kernel frames get names. This loosens the machine: any user may observe the kernel's addresses and timing. " +
			"Go's own profiler (runtime/pprof) never needs it.",
		Evidence: "profilingMeasured",
		On:       []Profile{Dev},
		OffWhy:   "it helps an attacker who already runs code on the machine, and only somebody with perf needs it",
		Undo:     "the running values become those that were there before",
		Wish: func(m *Machine) (Wish, error) {
			return m.sysctls(
				kernelSetting{"kernel.perf_event_paranoid", 1, atMost},
				kernelSetting{"kernel.kptr_restrict", 0, atMost})
		},
	}
}
