package harden

import (
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
)

func timeSyncItem() Item {
	return Item{
		ID:     "time-sync",
		What:   "synchronise the clock with a time server",
		Why:    "a VM that was paused or restored from a snapshot has the wrong time: TLS says that certificates are not valid yet, and go test and make see files from the future.",
		Effect: "the clock follows a time server. With a clock an hour off, downloads fail with x509 errors.",
		Evidence: "measured: Go refuses certificates as not yet valid or expired when the clock is off by more than their margin. " +
			"A paused clock falls behind by the length of the pause",
		On:      Profiles(),
		Undo:    "the service is disabled again, and stopped if it did not run before",
		Desired: timeSyncDesired,
	}
}

func timeSyncDesired(m *Machine) (Desired, error) {
	var w Desired
	if m.container() != "" {
		w.NotApplicable = "the clock of a container is its host's"
		return w, nil
	}
	const own = "systemd-timesyncd.service"
	service := facts.Time(m.Host, m.Live)
	if _, ours := m.baseline[cellKey{Unit, own}]; !ours && !m.linked(own) {
		if done := m.keptAlready(service, &w); done {
			return w, nil
		}
	}
	if !m.HasSystemd() {
		w.NotApplicable = "there is no systemd to start a time service"
		return w, nil
	}
	file := facts.UnitFile(m.Host, own)
	if file == "" {
		w.Blocked = "no time service is installed"
		command := facts.PackagesOf(m.Host).Install("", facts.PackageName(m.Host, "systemd-timesyncd", "chrony", "chrony"))
		if service.Startable != "" {
			w.Blocked = service.Startable + " is installed, but does not start at boot"
			command = "systemctl enable --now " + service.Startable
		}
		if !strings.HasPrefix(command, "#") { // the package manager is known
			w.Advice = []string{m.within(command)}
		}
		return w, nil
	}
	if facts.Masked(m.Host, own) {
		w.Blocked = own + " is masked by an administrator"
		return w, nil
	}
	w.Wants = append(m.enable(own, file), running(own))
	return w, nil
}

// keptAlready reports whether something other than vmgo synchronises the clock. A service
// that is enabled but does not run does not count.
func (m *Machine) keptAlready(service facts.TimeService, w *Desired) bool {
	switch {
	case service.Enabled != "":
		w.Notes = append(w.Notes, service.Enabled+" is enabled")
		if m.Live && !service.Kept() && !m.Systemd() {
			w.NotApplicable = service.Enabled + " is enabled, but systemd does not run here"
		} else if !service.Kept() {
			w.Wants = []Want{running(service.Enabled)}
		}
	case service.Running != "":
		w.Notes = append(w.Notes, service.Running+" is running")
	case service.Synchronised:
		w.Notes = append(w.Notes, "the kernel's clock is synchronised")
	default:
		return false
	}
	return true
}

// linked reports whether vmgo made the links that enable a unit.
func (m *Machine) linked(unit string) bool {
	for key := range m.baseline {
		if key.Kind == Link && strings.HasSuffix(key.Target, "/"+unit) {
			return true
		}
	}
	return false
}
