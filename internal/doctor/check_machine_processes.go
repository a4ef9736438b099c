package doctor

import (
	"context"
	"strconv"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
)

func processesCheck() Check {
	return Check{
		ID: "machine.processes", Group: MachineGroup, Weight: 3,
		Title:  "how many processes and threads may exist",
		Why:    "a Go program that cannot start a thread ends with \"runtime: failed to create new OS thread\"",
		Source: "/proc/self/limits, pids.max up the tree of control groups",
		Run:    runProcesses,
	}
}

func runProcesses(ctx context.Context, m *Machine) Result {
	const enough = facts.EnoughProcesses
	r := ok("enough")
	if l, known := m.Rlimit(host.LimitProcesses); known {
		r = r.at("/proc/self/limits", 0, "%s %s", host.LimitProcesses, limitText(l.Soft))
		if l.Soft < enough && m.UID != 0 { // root is exempt
			r.worse(Warn)
			if l.Hard >= enough {
				r = r.fixWith("ulimit -u %s", limitText(l.Hard))
			} else { // only root raises that one
				r = r.harden(ctx, m, "login-limits", "echo '"+m.userName()+" - nproc 4096' | sudo tee /etc/security/limits.d/50-nproc.conf")
			}
		}
	}
	for _, l := range m.PidLimits(m.Cgroup()) {
		r = r.at(l.Path, 0, "%.0f", l.Value)
		if l.Value < enough {
			r.worse(Warn)
			r = r.fixWith("echo 4096 | sudo tee %s", l.Path)
		}
	}
	if len(r.Evidence) == 0 {
		return skip("/proc/self/limits cannot be read")
	}
	if l, known := m.Rlimit(host.LimitAddressSpace); known && l.Soft != host.Infinite {
		r.worse(Warn)
		r = r.at("/proc/self/limits", 0, "%s %s", host.LimitAddressSpace, size(l.Soft)).
			means("Go reserves far more address space than it uses.").fixWith("ulimit -v unlimited")
	}
	if r.Status == Warn {
		r.Summary = "a limit is too low for Go programs"
	}
	return r
}

func fmtUint(n uint64) string { return strconv.FormatUint(n, 10) }
