package doctor

import "context"

func goinsecureCheck() Check {
	return Check{
		ID: "toolchain.goinsecure", Group: Toolchain, Weight: 5,
		Title:  "GOINSECURE",
		Why:    "the modules it names may be fetched over plain HTTP, which anyone on the way can change",
		Source: "environment, the file of `go env -w`",
		Run: func(_ context.Context, m *Machine) Result {
			s := m.GoEnv("GOINSECURE")
			switch {
			case s.Value == "":
				return ok("not set")
			case matchesAll(s.Value):
				return where(s, warn("every module may come over plain HTTP")).unset(m, s)
			}
			return where(s, info("for %s", s.Value))
		},
	}
}
