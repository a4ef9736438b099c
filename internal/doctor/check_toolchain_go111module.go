package doctor

import "context"

func go111moduleCheck() Check {
	return Check{
		ID: "toolchain.go111module", Group: Toolchain, Weight: 5,
		Title:  "GO111MODULE",
		Why:    "with off, go ignores go.mod and looks into GOPATH, as before 1.11",
		Source: "environment, the file of `go env -w`",
		Run: func(_ context.Context, m *Machine) Result {
			s := m.GoEnv("GO111MODULE")
			switch s.Value {
			case "", "on":
				return ok("modules are on (GO111MODULE)")
			case "auto":
				return where(s, warn("GO111MODULE=auto: no modules outside a directory with go.mod")).unset(m, s)
			case "off":
				return where(s, fail("GO111MODULE=off: modules are off")).unset(m, s)
			}
			return where(s, fail("GO111MODULE=%s is not a value that go understands", s.Value)).unset(m, s)
		},
	}
}
