package doctor

import (
	"context"
	"runtime"
	"strconv"
	"strings"
)

func goamd64Check() Check {
	return Check{
		ID: "toolchain.goamd64", Group: Toolchain, Weight: 6,
		Title:  "GOAMD64 against this processor",
		Why:    "a program built for a level that the (virtual) processor lacks fails at its start",
		Source: "CPUID; GOAMD64",
		Run: func(_ context.Context, m *Machine) Result {
			s := m.GoEnv("GOAMD64")
			level := m.Sys.CPU().Level
			switch {
			case runtime.GOARCH != "amd64":
				return skip("this is not an amd64 machine")
			case level == 0:
				return skip("the level of the processor is unknown")
			case s.Value == "":
				return ok("GOAMD64 is not set; the processor has level v%d", level)
			}
			word, _, _ := strings.Cut(strings.TrimPrefix(s.Value, "v"), ",")
			want, err := strconv.Atoi(word)
			switch {
			case err != nil || want < 1 || want > 4:
				return where(s, fail("GOAMD64=%s is not a value that go understands", s.Value)).unset(m, s)
			case want > level:
				return where(s, fail("GOAMD64=%s, but this processor has level v%d only", s.Value, level)).
					means("A hypervisor may hide features of the processor: see the CPU model in its settings.").unset(m, s)
			}
			return ok("GOAMD64=%s; the processor has level v%d", s.Value, level)
		},
	}
}
