package harden

import (
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/host"
)

func cgroupItem() Item {
	return Item{
		ID:   "cgroup-v2",
		What: "run with control groups v2 only",
		Why:  "MemoryHigh=, memory pressure and per-service swap limits exist in v2 only.",
		Effect: "limits of services work in full (vmgo harden service). The Go runtime itself does not read memory limits in either version, in no release up to 1.27.4; " +
			"it reads the CPU quota in both, since 1.25.",
		Evidence: "measured: a Go program with 60 MB of live heap under MemoryMax=100M and no GOMEMLIMIT was killed",
		On:       Profiles(),
		Needs:    NeedsReboot,
		Undo:     "harden does not change it: it needs a kernel argument, and harden does not edit the boot loader",
		Desired:  cgroupDesired,
	}
}

func cgroupDesired(m *Machine) (Desired, error) {
	if !m.Live {
		return Desired{NotApplicable: "an image has no control groups before it runs"}, nil
	}
	group := m.Host.Cgroup()
	switch group.Mode {
	case host.CgroupV2:
		if missing := strings.Join(facts.MissingControllers(group), ", "); missing != "" {
			return Desired{Blocked: "control groups v2 lack the controller " + missing + ", so limits on it have no effect; the kernel's command line or the host decides"}, nil
		}
		return Desired{Notes: []string{"control groups v2 are active, with all controllers that limits need"}}, nil
	case host.CgroupNone:
		return Desired{NotApplicable: "no control groups are mounted"}, nil
	}
	w := Desired{Blocked: "control groups are " + group.Mode + " here; changing it needs a kernel argument and a reboot, which harden leaves to you"}
	if m.container() != "" {
		w.Blocked = "control groups are " + group.Mode + " here; in a container the host decides"
		return w, nil
	}
	if w.Advice = m.bootWith(unified); w.Advice == nil {
		w.Notes = []string{"the kernel argument is " + unified + "; the boot loader's configuration passes it"}
	}
	return w, nil
}

const unified = "systemd.unified_cgroup_hierarchy=1" // systemd(1)

// bootWith returns the commands that add a kernel argument and start the machine
// with it; none where the boot loader is neither the one of grubby(8) nor that of
// update-grub(8), which reads /etc/default/grub.d.
func (m *Machine) bootWith(argument string) []string {
	if _, ok := m.Program("grubby"); ok {
		return []string{"grubby --update-kernel=ALL --args=" + diag.Word(argument), "systemctl reboot"}
	}
	if _, ok := m.Program("update-grub"); !ok {
		return nil
	}
	setting := diag.Word(`GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ` + argument + `"`)
	return []string{
		"mkdir -p /etc/default/grub.d", "echo " + setting + " >/etc/default/grub.d/90-cgroup.cfg",
		"update-grub", "systemctl reboot",
	}
}
