package doctor

import "context"

func timesyncCheck() Check {
	return Check{
		ID: "machine.timesync", Group: MachineGroup, Weight: 5,
		Title:  "whether something keeps the clock right",
		Why:    "a clock that drifts makes certificates invalid, and builds and caches see files of the future",
		Source: "adjtimex(2); running time services in /proc",
		Run:    runTimesync,
	}
}

func runTimesync(_ context.Context, m *Machine) Result {
	if m.Virt().Container != "" {
		return skip("a container has the clock of the machine around it")
	}
	synchronised, err := m.Sys.ClockSynchronised()
	if err != nil {
		return skip("the kernel does not tell: %v", err)
	}
	if synchronised {
		return ok("the kernel's clock is synchronised")
	}
	// vmtoolsd, VBoxService and the like step the clock without telling the kernel.
	for _, name := range []string{"chronyd", "systemd-timesyn", "ntpd", "ntp-daemon", "VBoxService", "vmtoolsd", "openntpd"} {
		if m.running(name) {
			return ok("%s is running", name)
		}
	}
	if m.Text("/proc/1/comm") == "" {
		return skip("/proc does not tell which services run")
	}
	mend := m.packages().install(m.byDistro("systemd-timesyncd", "chrony", "chrony"))
	if m.Exists("/usr/lib/systemd/systemd-timesyncd") || m.Exists("/usr/sbin/chronyd") {
		mend = "sudo timedatectl set-ntp true" // it is installed
	}
	return warn("nothing keeps the clock right").means("The clock may be right all the same; machine.clock-skew compares it when online.").
		mend("%s", mend)
}

// running says whether a process of that name exists; the kernel keeps 15
// bytes of a name.
func (m *Machine) running(name string) bool {
	for _, entry := range m.ReadDir("/proc") {
		if c := entry.Name()[0]; c >= '1' && c <= '9' && m.Text("/proc/"+entry.Name()+"/comm") == name {
			return true
		}
	}
	return false
}
