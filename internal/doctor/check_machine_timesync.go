package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/facts"
)

func timesyncCheck() Check {
	return Check{
		ID: "machine.timesync", Group: MachineGroup, Weight: 5,
		Title:  "whether the clock is synchronised",
		Why:    "a clock that drifts makes certificates invalid, and gives builds and caches files from the future",
		Source: "adjtimex(2); running time services in /proc; enabled units of systemd",
		Run:    runTimesync,
	}
}

func runTimesync(ctx context.Context, m *Machine) Result {
	if m.Virt().Container != "" {
		return skip("a container has the clock of its host")
	}
	t := facts.Time(m.Host, true)
	switch {
	case t.Synchronised:
		return ok("the kernel's clock is synchronised")
	case t.Unknown != nil:
		return skip("the kernel does not report whether the clock is synchronised: %v", t.Unknown)
	case t.Running != "":
		return ok("%s is running", t.Running)
	case m.Text("/proc/1/comm") == "":
		return skip("/proc does not show which services run")
	}
	r := warn("no service synchronises the clock")
	fix := m.install(m.byDistro("systemd-timesyncd", "chrony", "chrony"))
	switch {
	case t.Enabled != "" && !facts.SystemdRuns(m.Host):
		return warn("%s is enabled, but systemd does not run here", t.Enabled).
			means("Start a time service, or let the host synchronise the clock.")
	case t.Enabled != "":
		r = warn("%s is enabled, but does not run", t.Enabled)
		fix = "sudo systemctl restart " + t.Enabled
	case t.Startable != "" || m.Exists("/usr/lib/systemd/systemd-timesyncd") || m.Exists("/usr/sbin/chronyd"):
		fix = setNTP // it is installed
	}
	return r.means("The clock may still be right; machine.clock-skew compares it when online.").harden(ctx, m, "time-sync", fix)
}
