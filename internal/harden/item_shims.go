package harden

import (
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/fsx"
)

const shimProgram = "/usr/local/bin/vmgo-shim"

func shimsItem() Item {
	return Item{
		ID:   "shims",
		What: "make go and gofmt in /usr/local/bin vmgo's shims",
		Why:  "a program in /usr/local/bin is found where no shell start-up file is read: ssh host command, zsh, cron, services, editors.",
		Effect: "go is found everywhere but in user crontabs (PATH=/usr/bin:/bin) and, on EL 8 and 9, under sudo (item sudo-path), " +
			"and is the version that the working directory asks for.",
		Evidence: "measured with sshd, sudo, cron and su on Debian 12",
		On:       Profiles(),
		Desired: func(m *Machine) (Desired, error) {
			if !m.Host.IsProgram(shimProgram) {
				return Desired{NotApplicable: shimProgram + " is not installed"}, nil
			}
			var w Desired
			if reason := m.othersMayChange(shimProgram); reason != "" {
				w.Blocked = reason + ", and it would be the go of all users"
				return w, nil
			}
			for _, name := range []string{"go", "gofmt"} {
				target := "/usr/local/bin/" + name
				// Another link to the shim is as good, and not ours to change.
				if facts.IsShim(m.Host, target) {
					if _, ours := m.baseline[cellKey{Link, target}]; !ours {
						continue
					}
				}
				w.Wants = append(w.Wants, link(target, "vmgo-shim"))
			}
			return w, nil
		},
	}
}

// othersMayChange returns who besides the machine's owner can change a program;
// empty if nobody can.
func (m *Machine) othersMayChange(program string) string {
	owners := facts.Owners(m.Host, m.Owner)
	look := func(p string) (fsx.Entry, error) { return fsx.LookIn(m.Host, p) }
	unsafe, err := owners.Program(program, false, look)
	switch {
	case err != nil:
		return err.Error()
	case len(unsafe) > 0:
		return unsafe[0].Reason
	}
	return ""
}
