package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/ui"
)

func gobinCheck() Check {
	return Check{
		ID: "toolchain.gobin", Group: Toolchain, Weight: 3,
		Title:  "whether programs of `go install` are on PATH",
		Why:    "they are put into GOBIN, or into bin in GOPATH, and a shell finds only programs on PATH",
		Source: "GOBIN, GOPATH, PATH",
		Run: func(_ context.Context, m *Machine) Result {
			bin := m.GOBIN()
			switch {
			case bin == "":
				return skip("neither GOBIN nor HOME is set")
			case slices.Contains(strings.Split(m.Env["PATH"], ":"), bin):
				return ok("%s is on PATH", bin)
			case len(m.ReadDir(bin)) == 0:
				return ok("%s is not on PATH, and is empty", bin)
			}
			return warn("%s is not on PATH, and has %s", bin, ui.Count(len(m.ReadDir(bin)), "program")).
				export(m, `PATH="$PATH":`+diag.Word(bin))
		},
	}
}
