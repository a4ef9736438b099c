package doctor

import "context"

func entropyCheck() Check {
	return Check{
		ID: "machine.entropy", Group: MachineGroup, Weight: 3,
		Title:  "whether random numbers are ready",
		Why:    "crypto/rand, and so every TLS connection, waits for them",
		Source: "getrandom(2) with GRND_NONBLOCK; entropy_avail is a constant nowadays",
		Run: func(_ context.Context, m *Machine) Result {
			if err := m.Sys.Random(); err != nil {
				return warn("random numbers are not ready yet: %v", err).means("Add a virtio-rng device or, on old kernels, haveged.").
					fixWith("%s", m.install("haveged"))
			}
			return ok("ready")
		},
	}
}
