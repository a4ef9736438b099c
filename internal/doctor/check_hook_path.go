package doctor

import (
	"context"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
)

func hookPathCheck() Check {
	return Check{
		ID: "hook.path", Group: Hook, Weight: 6,
		Title:  "whether PATH is still as the hook set it",
		Why:    "a directory put in front of it later has another go than GOROOT",
		Source: "PATH and GOROOT of this process",
		Run: func(_ context.Context, m *Machine) Result {
			if !m.session().set {
				return skip("the hook has not changed this shell")
			}
			r, err := m.Resolution()
			gos := m.Gos()
			switch {
			case err != nil || r.GOROOT == "":
				return skip("no release of vmgo is selected here")
			case len(gos) == 0:
				return fail("PATH has no go, though the hook is loaded").fixWith("exec $SHELL")
			case gos[0].GOROOT == r.GOROOT:
				return ok("%s is the first go on PATH", filepath.Dir(gos[0].Path))
			case gos[0].Kind == ShimGo:
				return ok("a shim is the first go on PATH")
			}
			return fail("%s comes before %s", gos[0].Path, r.GOROOT+"/bin").
				at(gos[0].Path, 0, "%s", describe(gos[0])).
				at(r.GOROOT, 0, "the selected release").
				fixWith("export PATH=%s:$PATH", diag.Word(r.GOROOT+"/bin"))
		},
	}
}
