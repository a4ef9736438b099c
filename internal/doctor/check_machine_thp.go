package doctor

import (
	"context"
	"strings"
)

func thpCheck() Check {
	return Check{
		ID: "machine.thp", Group: MachineGroup, Weight: 2,
		Title:  "transparent huge pages",
		Why:    "'always' with direct compaction makes small heaps take up to half more memory and page faults stall",
		Source: "/sys/kernel/mm/transparent_hugepage; go.dev/doc/gc-guide (Linux transparent huge pages)",
		Run:    runTHP,
	}
}

func runTHP(_ context.Context, m *Machine) Result {
	const dir = "/sys/kernel/mm/transparent_hugepage"
	enabled, defrag := chosen(m.Text(dir+"/enabled")), chosen(m.Text(dir+"/defrag"))
	switch {
	case enabled == "":
		return skip("this kernel has no transparent huge pages")
	case enabled != "always":
		return ok("%s", enabled)
	case defrag == "always":
		return warn("transparent huge pages are always on, and page faults wait for compaction").at(dir+"/enabled", 0, "%s", enabled).at(dir+"/defrag", 0, "%s", defrag).
			fixWith("echo defer+madvise | sudo tee %s/defrag", dir)
	}
	return ok("always, defrag %s", defrag)
}

// chosen is the word in brackets of a list such as "always [madvise] never".
func chosen(list string) string {
	_, rest, _ := strings.Cut(list, "[")
	word, _, _ := strings.Cut(rest, "]")
	return word
}
