package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
)

func selectedCheck() Check {
	return Check{
		ID: "toolchain.selected", Group: Toolchain, Weight: 9,
		Title:  "which Go is selected in this directory",
		Why:    "without it, go is not found or is not the one that the project requests",
		Source: "version files, defaults and stores, as `vmgo current --explain` reads them",
		Run:    runSelected,
	}
}

// wants reports whether a release satisfies a requirement.
func wants(r project.Requirement, v gover.Version) bool {
	if v.IsZero() {
		return false
	}
	if r.Minimum {
		return v.Compare(r.Selector.Version()) >= 0
	}
	return r.Selector.Match(v)
}

func runSelected(_ context.Context, m *Machine) Result {
	r, err := m.Resolution()
	if err != nil {
		switch diag.CodeOf(err) {
		case diag.NoRequirement:
			res := warn("no Go: no release is requested, no default is set, and PATH has no go")
			return res.fixWith("vmgo install --default stable")
		case diag.NotInstalled, diag.BadVersionFile, diag.BadSelector:
			res := fail("%s", err).at(m.Show(r.Requirement.Origin.Path), r.Requirement.Origin.Line, "%s", r.Requirement.Origin.Requirement)
			for _, hint := range diag.HintsOf(err) {
				res = res.fixWith("%s", hint)
			}
			if gos := m.Gos(); diag.CodeOf(err) == diag.NotInstalled && len(gos) > 0 && wants(r.Requirement, gos[0].Version) {
				res.Status, res.Fix = Warn, ""
				if gos[0].GOROOT != "" {
					res = res.fixWith("vmgo adopt %s", diag.Word(gos[0].GOROOT))
				}
				res = res.at(gos[0].Path, 0, "the go on PATH is that release").means("vmgo did not install it, so it is not verified.")
			}
			return res
		}
		return fail("%s", err)
	}
	if r.System {
		return info("the selected go is the one on PATH, which vmgo did not install").at(r.SystemGo, 0, "").
			means("It is not verified.").fixWith("vmgo install --default stable")
	}
	return ok("Go %s, requested by %s", r.Version, m.Show(r.Requirement.Origin.String())).at(r.GOROOT, 0, "")
}
