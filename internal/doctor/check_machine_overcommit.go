package doctor

import "context"

func overcommitCheck() Check {
	return Check{
		ID: "machine.overcommit", Group: MachineGroup, Weight: 4,
		Title:  "whether memory may be promised that is not there",
		Why:    "Go reserves large address ranges; with strict accounting, and with the race detector most of all, programs stop at their start",
		Source: "/proc/sys/vm/overcommit_memory, max_map_count; proc(5)",
		Run: func(_ context.Context, m *Machine) Result {
			const file = "/proc/sys/vm/overcommit_memory"
			switch m.Text(file) {
			case "":
				return skip("%s cannot be read", file)
			case "2":
				return warn("strict accounting").at(file, 0, "2").mend("sudo sysctl vm.overcommit_memory=0")
			}
			return ok("allowed").at(file, 0, "%s", m.Text(file))
		},
	}
}
