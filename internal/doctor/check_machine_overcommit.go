package doctor

import (
	"context"
	"strconv"
)

func overcommitCheck() Check {
	return Check{
		ID: "machine.overcommit", Group: MachineGroup, Weight: 4,
		Title:  "whether the kernel overcommits memory",
		Why:    "Go reserves large address ranges; with strict accounting programs may fail at their start, most of all with the race detector",
		Source: "/proc/sys/vm/overcommit_memory, max_map_count; proc(5); the files of sysctl.d(5)",
		Run: func(_ context.Context, m *Machine) Result {
			const file = "/proc/sys/vm/overcommit_memory"
			switch m.Text(file) {
			case "":
				return skip("%s cannot be read", file)
			case "2":
				return warn("the kernel accounts memory strictly").at(file, 0, "2").
					setSysctl(m, "vm.overcommit_memory", "0")
			}
			const maps = "/proc/sys/vm/max_map_count"
			if n, err := strconv.Atoi(m.Text(maps)); err == nil && n < 65530 {
				return warn("a program may have only %d mappings", n).at(maps, 0, "%d", n).
					means("A large heap and the race detector need more: a Go program fails with \"cannot allocate memory\" while memory is free.").
					setSysctl(m, "vm.max_map_count", "65530")
			}
			return ok("allowed").at(file, 0, "%s", m.Text(file))
		},
	}
}
