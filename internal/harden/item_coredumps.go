package harden

import (
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
)

func coreDumpsItem() Item {
	return Item{
		ID:   "core-dumps",
		What: "write no core dumps",
		Why:  "a core dump of a Go service has its whole heap, with keys, tokens and customers' data, on the disk.",
		Effect: "no process of a new login or of a restarted service can leave one. " +
			"dlv core then has no dump to open; the stack trace of a panic is still printed.",
		Evidence: "measured with Go 1.26: a panic dumps only if the soft limit is not 0 and GOTRACEBACK=crash; Debian's soft limit is 0 and Go's default is not crash, so there are none anyway. " +
			"With both, a program of 100 MB left a dump of 104 MB which had a token of its memory 102 times; with a hard limit of 0 it left none",
		OffWhy: "Go programs dump only with GOTRACEBACK=crash, which is set only where the dump is wanted",
		Needs:  NeedsLogin,
		Desired: func(m *Machine) (Desired, error) {
			var w Desired
			if m.Host.Exists("/etc/security") {
				w.Wants = append(w.Wants, m.part(limitsFile, "*    hard core 0\nroot hard core 0\n"))
				w.Older = func() string {
					return m.olderSessions(host.LimitCoreFile, func(has host.Rlimit) bool { return has.Hard == 0 })
				}
			}
			if m.HasSystemd() {
				w.Wants = append(w.Wants, m.part(managerFile, "[Manager]\nDefaultLimitCORE=0\n"))
			}
			if facts.UnitFile(m.Host, "systemd-coredump.socket") != "" {
				w.Wants = append(w.Wants, m.file("/etc/systemd/coredump.conf.d/60-vmgo.conf", ownHeader+"[Coredump]\nStorage=none\nProcessSizeMax=0\n"))
			}
			if len(w.Wants) == 0 {
				w.NotApplicable = "there is neither pam_limits nor systemd"
			}
			return w, nil
		},
	}
}
