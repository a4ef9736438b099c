package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
)

func nofileCheck() Check {
	return Check{
		ID: "machine.open-files", Group: MachineGroup, Weight: 3,
		Title:  "how many files a process may open",
		Why:    "Go raises the soft limit to the hard one itself, so only the hard one counts",
		Source: "/proc/self/limits; os package since Go 1.19",
		Run: func(ctx context.Context, m *Machine) Result {
			l, known := m.Rlimit(host.LimitOpenFiles)
			switch {
			case !known:
				return skip("/proc/self/limits cannot be read")
			case l.Hard < facts.EnoughFiles:
				return warn("a process may open no more than %d files", l.Hard).at("/proc/self/limits", 0, "%s %d %d", host.LimitOpenFiles, l.Soft, l.Hard).
					harden(ctx, m, "login-limits", `echo '* hard nofile 65536' | sudo tee /etc/security/limits.d/50-nofile.conf`).
					means("Services have a limit of their own: LimitNOFILE= in the unit.")
			}
			return ok("soft %s, hard %s", limitText(l.Soft), limitText(l.Hard))
		},
	}
}

func limitText(n uint64) string {
	if n == host.Infinite {
		return "unlimited"
	}
	return fmtUint(n)
}
