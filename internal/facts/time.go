package facts

import "github.com/vmgo/vmgo/internal/host"

// TimeService is what keeps the clock of a machine right.
type TimeService struct {
	Synchronised bool   // by what the kernel has been told (adjtimex(2))
	Unknown      error  // why the kernel does not tell
	Running      string // the process of a time service or of guest tools, which step the clock without telling the kernel
	Enabled      string // the systemd unit of a time service that starts at boot
	Startable    string // such a unit that is installed and could be enabled
}

// Kept reports whether something keeps the clock right at this moment.
func (t TimeService) Kept() bool { return t.Synchronised || t.Running != "" }

// Time looks for a time service. The kernel and the processes are read only on a
// running machine, not on an image.
func Time(h host.Host, running bool) TimeService {
	var t TimeService
	if running {
		t.Synchronised, t.Unknown = h.Sys.ClockSynchronised()
		t.Running = timeProcess(h)
	}
	for _, unit := range []string{
		"systemd-timesyncd.service", "chrony.service", "chronyd.service", "ntpsec.service", "ntp.service", "ntpd.service", "openntpd.service",
	} {
		switch {
		case UnitFile(h, unit) == "" || Masked(h, unit):
		case Enabled(h, unit) && t.Enabled == "":
			t.Enabled = unit
		case t.Startable == "":
			t.Startable = unit
		}
	}
	return t
}

// timeProcess returns the name of a process that keeps the clock right; the kernel
// keeps 15 bytes of a name.
func timeProcess(h host.Host) string {
	names := map[string]bool{}
	for _, entry := range h.ReadDir("/proc") {
		if c := entry.Name()[0]; c >= '1' && c <= '9' {
			names[h.Text("/proc/"+entry.Name()+"/comm")] = true
		}
	}
	for _, name := range []string{"chronyd", "systemd-timesyn", "ntpd", "ntp-daemon", "VBoxService", "vmtoolsd", "openntpd"} {
		if names[name] {
			return name
		}
	}
	return ""
}
