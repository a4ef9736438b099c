package harden

import (
	"os"
	"path"
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
		Wish: func(m *Machine) (Wish, error) {
			if !m.Host.IsProgram(shimProgram) {
				return Wish{NotApplicable: shimProgram + " is not installed"}, nil
			}
			var w Wish
			for _, name := range []string{"go", "gofmt"} {
				target := "/usr/local/bin/" + name
				// Another link to the shim is as good, and not ours to change.
				if text, err := os.Readlink(m.real(target)); err == nil && path.Base(text) == path.Base(shimProgram) {
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
