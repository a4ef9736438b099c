package doctor

import "context"

func entropyCheck() Check {
	return Check{
		ID: "machine.entropy", Group: MachineGroup, Weight: 3,
		Title:  "whether random numbers are ready",
		Why:    "crypto/rand, and so every TLS connection, waits until they are",
		Source: "getrandom(2) with GRND_NONBLOCK; entropy_avail is a constant nowadays",
		Run: func(_ context.Context, m *Machine) Result {
			if err := m.Sys.Random(); err != nil {
				return warn("not yet: %v", err).means("A virtio-rng device, or haveged on old kernels, ends the wait.").
					mend("%s", m.install("haveged"))
			}
			return ok("ready")
		},
	}
}
