package doctor

import "context"

func goinsecureCheck() Check {
	return Check{
		ID: "toolchain.goinsecure", Group: Toolchain, Weight: 5,
		Title:  "GOINSECURE",
		Why:    "the modules that match may be fetched over plain HTTP, which others on the network can change",
		Source: "environment, the file of `go env -w`",
		Run: func(_ context.Context, m *Machine) Result {
			s := m.GoEnv("GOINSECURE")
			switch {
			case s.Value == "":
				return ok("not set")
			case matchesAll(s.Value):
				return where(s, warn("GOINSECURE allows plain HTTP for every module")).unset(m, s)
			}
			return where(s, info("GOINSECURE allows plain HTTP for %s", s.Value))
		},
	}
}
