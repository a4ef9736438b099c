package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/facts"
)

func swapCheck() Check {
	return Check{
		ID: "machine.swap", Group: MachineGroup, Weight: 4,
		Title:  "swap, zram and swappiness",
		Why:    "without swap, a linker that briefly needs more memory is killed",
		Source: "/proc/swaps, /proc/meminfo, /proc/sys/vm/swappiness; proc(5)",
		Run:    runSwap,
	}
}

func runSwap(ctx context.Context, m *Machine) Result {
	memory := m.Memory()
	if memory.Total == 0 {
		return skip("/proc/meminfo cannot be read")
	}
	if m.Virt().Container != "" {
		return skip("a container uses the swap of its host")
	}
	swaps := m.Swaps()
	r := Result{Status: OK}
	for _, s := range swaps {
		kind := "disk"
		if s.Zram() {
			kind = "compressed memory"
		}
		r = r.at(s.Name, 0, "%s, %s", size(s.Size), kind)
	}
	r = r.at("/proc/sys/vm/swappiness", 0, "%s", m.Text("/proc/sys/vm/swappiness"))
	switch {
	case len(swaps) > 0 && memory.SwapFree < memory.SwapTotal/10:
		r.Status, r.Summary = Warn, size(memory.SwapTotal)+" of swap, nearly full"
		return r.fixWith("vmgo doctor --only machine.sizing")
	case len(swaps) > 0:
		r.Summary = size(memory.SwapTotal) + " of swap"
		return r
	case memory.Total < facts.SwapBelow:
		r.Status, r.Summary = Warn, "no swap, with "+size(memory.Total)+" of memory"
		return r.harden(ctx, m, "zram", m.zramCommand())
	}
	r.Summary = "no swap, with " + size(memory.Total) + " of memory"
	return r
}

func (m *Machine) zramCommand() string {
	return m.install(m.byDistro("systemd-zram-generator", "zram-generator-defaults", "zram-init"))
}
