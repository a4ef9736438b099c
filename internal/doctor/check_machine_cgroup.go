package doctor

import (
	"cmp"
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
)

func cgroupCheck() Check {
	return Check{
		ID: "machine.cgroup", Group: MachineGroup, Weight: 3,
		Title:  "version of the control groups, and their controllers",
		Why:    "without the memory or cpu controller, limits of services and containers are silently not enforced",
		Source: "/proc/self/mountinfo, /proc/self/cgroup, cgroup.controllers; cgroups(7)",
		Run:    runCgroup,
	}
}

func runCgroup(_ context.Context, m *Machine) Result {
	c := m.Cgroup()
	if len(m.Mounts()) == 0 {
		return skip("%s", noMounts)
	}
	if c.Mode == host.CgroupNone {
		return warn("no control groups are mounted").means("Processes cannot be limited.")
	}
	missing := facts.MissingControllers(c)
	have := "controllers: " + cmp.Or(strings.Join(c.Controllers, " "), "none")
	if len(missing) > 0 {
		r := warn("control groups %s lack the controller %s", c.Mode, strings.Join(missing, " and the controller ")).at("", 0, "%s", have)
		for _, word := range strings.Fields(m.Text("/proc/cmdline")) {
			if strings.HasPrefix(word, "cgroup_disable=") {
				r = r.at("/proc/cmdline", 0, "%s", word)
			}
		}
		return r.means("Limits on it, such as MemoryMax= of a service, have no effect. Some kernels need it at boot: cgroup_enable=memory.")
	}
	if c.Mode != host.CgroupV2 {
		return info("control groups are %s", c.Mode).at("", 0, "%s", have).
			means("Go reads cpu limits of both versions since 1.25. systemd dropped the old one in version 258.")
	}
	return ok("control groups v2").at("", 0, "%s", have)
}
