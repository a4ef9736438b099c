package harden

func swappinessItem() Item {
	return Item{
		ID:   "swappiness",
		What: "prefer dropping file pages to swapping (vm.swappiness=10)",
		Why:  "a garbage collection touches the whole live heap, so pages of it that were swapped out come back one by one.",
		Effect: "fewer heap pages are swapped out under pressure, at the price of file cache, that is of slower builds. " +
			"Without swap, and without pressure, it does nothing.",
		Evidence: "not measured by us; it is one value for the whole machine. For one service " +
			"MemorySwapMax=0 (vmgo harden service) keeps exactly its heap in memory",
		OffWhy: "it acts on every program of the machine; set MemorySwapMax=0 for the one service",
		Undo:   "the running value becomes what it was before",
		Desired: func(m *Machine) (Desired, error) {
			w, err := m.sysctls(kernelSetting{"vm.swappiness", 10, atMost})
			if m.Live && len(m.Swaps()) == 0 {
				w.Notes = append(w.Notes, "there is no swap, so it has no effect now")
			}
			return w, err
		},
	}
}
