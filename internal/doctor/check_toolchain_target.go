package doctor

import (
	"context"
	"runtime"
)

func targetCheck() Check {
	return Check{
		ID: "toolchain.target", Group: Toolchain, Weight: 7,
		Title:  "whether GOOS or GOARCH is left over from a cross build",
		Why:    "go build makes programs for another machine, and go run and go test cannot start them",
		Source: "GOOS, GOARCH: environment and `go env -w`",
		Run: func(_ context.Context, m *Machine) Result {
			r := ok("programs are built for this machine")
			for _, native := range [][2]string{{"GOOS", runtime.GOOS}, {"GOARCH", runtime.GOARCH}} {
				s := m.GoEnv(native[0])
				if s.Value == "" || s.Value == native[1] {
					continue
				}
				r.worse(Warn)
				r.Summary = "programs are built for another machine than this one"
				r = where(s, r).unset(m, s)
			}
			if r.Status == OK {
				return r
			}
			return r.means("Set it for one command instead: GOOS=windows go build.")
		},
	}
}
