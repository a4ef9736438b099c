package harden

func profilingItem() Item {
	return Item{
		ID:   "profiling",
		What: "let every user profile with perf, kernel symbols included",
		Why:  "perf record on a Go program shows system calls and page faults that pprof cannot see, but distributions forbid it to users.",
		Effect: "perf works without root, kernel frames get names. This loosens the machine: any user may observe the kernel's addresses and timing. " +
			"Go's own profiler (runtime/pprof) never needs it.",
		Evidence: "measured with perf_event_open as nobody, kernel 6.18: user code can be counted at any level up to 2, the kernel's own default; " +
			"the kernel's part is refused at 2 and allowed at 1; addresses in /proc/kallsyms are zero unless kptr_restrict is 0 as well. Documented: Debian's default 3 and Ubuntu's 4 forbid all of it",
		On:     []Profile{Dev},
		OffWhy: "it helps an attacker who already runs code on the machine, and only perf needs it",
		Undo:   "the running values become those that were there before",
		Desired: func(m *Machine) (Desired, error) {
			return m.sysctls(
				kernelSetting{"kernel.perf_event_paranoid", 1, atMost},
				kernelSetting{"kernel.kptr_restrict", 0, atMost})
		},
	}
}
