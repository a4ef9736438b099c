package host

import (
	"strconv"
	"strings"
)

// Memory is the part of /proc/meminfo that matters, in bytes.
type Memory struct{ Total, Available, SwapTotal, SwapFree uint64 }

// Memory reads /proc/meminfo; zero if it cannot be read.
func (h Host) Memory() Memory {
	var m Memory
	for _, line := range h.Lines("/proc/meminfo") {
		name, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		kib, _ := strconv.ParseUint(fields[0], 10, 64)
		switch name {
		case "MemTotal":
			m.Total = kib << 10
		case "MemAvailable":
			m.Available = kib << 10
		case "SwapTotal":
			m.SwapTotal = kib << 10
		case "SwapFree":
			m.SwapFree = kib << 10
		}
	}
	return m
}

// Swap is a line of /proc/swaps.
type Swap struct {
	Name       string
	Size, Used uint64 // bytes
	Priority   int    // negative where the kernel chose it
}

// Zram reports whether the swap is compressed memory.
func (s Swap) Zram() bool { return strings.HasPrefix(s.Name, "/dev/zram") }

// Swaps reads /proc/swaps.
func (h Host) Swaps() []Swap {
	var swaps []Swap
	for i, line := range h.Lines("/proc/swaps") {
		fields := strings.Fields(line)
		if i == 0 || len(fields) < 3 {
			continue
		}
		kib, _ := strconv.ParseUint(fields[2], 10, 64)
		swap := Swap{Name: unescapeMount(fields[0]), Size: kib << 10}
		if len(fields) >= 5 {
			used, _ := strconv.ParseUint(fields[3], 10, 64)
			swap.Used = used << 10
			swap.Priority, _ = strconv.Atoi(fields[4])
		}
		swaps = append(swaps, swap)
	}
	return swaps
}

// Pressure is the share of the last minute in which all tasks stood still for
// want of a resource (cpu, memory, io), in percent; false where the kernel
// does not count it.
func (h Host) Pressure(resource string) (full float64, ok bool) {
	for _, line := range h.Lines("/proc/pressure/" + resource) {
		rest, found := strings.CutPrefix(line, "full ")
		if !found {
			continue
		}
		for field := range strings.FieldsSeq(rest) {
			if value, found := strings.CutPrefix(field, "avg60="); found {
				n, err := strconv.ParseFloat(value, 64)
				return n, err == nil
			}
		}
	}
	return 0, false
}
