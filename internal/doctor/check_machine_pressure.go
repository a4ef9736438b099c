package doctor

import "context"

func pressureCheck() Check {
	return Check{
		ID: "machine.pressure", Group: MachineGroup, Weight: 3,
		Title:  "how long work waited for memory or disk",
		Why:    "a machine that waits for memory most of the time looks like slow Go",
		Source: "/proc/pressure (PSI), full avg60",
		Run: func(_ context.Context, m *Machine) Result {
			memory, known := m.Pressure("memory")
			if !known {
				return skip("this kernel does not count waiting (PSI)")
			}
			disk, _ := m.Pressure("io")
			r := ok("work waited %.0f %% of the last minute for memory, %.0f %% for the disk", memory, disk)
			switch {
			case memory > 5:
				r.Status = Warn
				return r.at("/proc/pressure/memory", 0, "full avg60=%.2f", memory).fixWith("vmgo doctor --only machine.sizing,machine.swap")
			case disk > 40:
				r.Status = Warn
				return r.at("/proc/pressure/io", 0, "full avg60=%.2f", disk).fixWith("vmgo doctor --bench --only machine.disk-speed")
			}
			return r
		},
	}
}
