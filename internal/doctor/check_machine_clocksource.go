package doctor

import (
	"context"
	"slices"
	"strings"
)

func clocksourceCheck() Check {
	return Check{
		ID: "machine.clocksource", Group: MachineGroup, Weight: 3,
		Title:  "which clock source the kernel uses",
		Why:    "hpet and acpi_pm need a system call and an access to a device; time.Now then costs a microsecond or more",
		Source: "/sys/devices/system/clocksource/clocksource0; measured: 65 ns with tsc",
		Run:    runClocksource,
	}
}

func runClocksource(_ context.Context, m *Machine) Result {
	const dir = "/sys/devices/system/clocksource/clocksource0/"
	current := m.Text(dir + "current_clocksource")
	switch current {
	case "":
		return skip("the kernel does not report a value")
	case "hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit":
	default:
		return ok("%s", current)
	}
	available := strings.Fields(m.Text(dir + "available_clocksource"))
	r := warn("%s is a slow clock source", current).at(dir+"current_clocksource", 0, "%s (of %s)", current, strings.Join(available, " "))
	for _, better := range []string{"kvm-clock", "hyperv_clocksource_tsc_page", "tsc"} {
		if slices.Contains(available, better) {
			return r.fixWith("echo %s | sudo tee %scurrent_clocksource", better, dir)
		}
	}
	return r.means("The hypervisor offers no better one; change its settings.")
}
