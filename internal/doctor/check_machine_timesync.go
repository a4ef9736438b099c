package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/facts"
)

func timesyncCheck() Check {
	return Check{
		ID: "machine.timesync", Group: MachineGroup, Weight: 5,
		Title:  "whether something keeps the clock right",
		Why:    "a clock that drifts makes certificates invalid, and builds and caches see files of the future",
		Source: "adjtimex(2); running time services in /proc; enabled units of systemd",
		Run:    runTimesync,
	}
}

func runTimesync(ctx context.Context, m *Machine) Result {
	if m.Virt().Container != "" {
		return skip("a container has the clock of the machine around it")
	}
	t := facts.Time(m.Host, true)
	switch {
	case t.Synchronised:
		return ok("the kernel's clock is synchronised")
	case t.Unknown != nil:
		return skip("the kernel does not tell: %v", t.Unknown)
	case t.Running != "":
		return ok("%s is running", t.Running)
	case m.Text("/proc/1/comm") == "":
		return skip("/proc does not tell which services run")
	}
	r := warn("nothing keeps the clock right")
	fix := m.install(m.byDistro("systemd-timesyncd", "chrony", "chrony"))
	switch {
	case t.Enabled != "" && !facts.SystemdRuns(m.Host):
		return warn("%s is enabled, but systemd does not run here", t.Enabled).
			means("Whoever starts the programs of this machine has to keep its clock right, or start a time service.")
	case t.Enabled != "":
		r = warn("%s starts at boot, but does not run", t.Enabled)
		fix = "sudo systemctl restart " + t.Enabled
	case t.Startable != "" || m.Exists("/usr/lib/systemd/systemd-timesyncd") || m.Exists("/usr/sbin/chronyd"):
		fix = setNTP // it is installed
	}
	return r.means("The clock may be right all the same; machine.clock-skew compares it when online.").harden(ctx, m, "time-sync", fix)
}
