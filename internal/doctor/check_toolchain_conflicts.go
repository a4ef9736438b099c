package doctor

import (
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/project"
)

func conflictsCheck() Check {
	return Check{
		ID: "toolchain.conflicts", Group: Toolchain, Weight: 8,
		Title:  "whether .go-version, go.mod and go.work of this project agree",
		Why:    "go refuses to build with an older release than go.mod requires",
		Source: "the version files from the working directory upwards",
		Run: func(_ context.Context, m *Machine) Result {
			survey, err := m.Survey()
			if err != nil {
				r := fail("%s", strings.ReplaceAll(err.Error(), m.Path("/"), "/"))
				for _, hint := range diag.HintsOf(err) {
					r = r.fixWith("%s", hint)
				}
				return r
			}
			if survey.Requirement.IsZero() {
				return ok("no version file requests a release here")
			}
			res, _ := m.Resolution()
			if len(res.Conflicts) == 0 {
				return ok("the version files agree")
			}
			c := res.Conflicts[0]
			want := c.Minimum.Selector.Version()
			r := fail("the pinned release is %s, but go.mod or go.work needs at least %s", c.Version, want).
				at(m.Show(c.Pin.Path), c.Pin.Line, "%s", c.Pin.Requirement).
				at(m.Show(c.Minimum.Origin.Path), c.Minimum.Origin.Line, "%s", c.Minimum.Origin.Requirement)
			if c.Pin.Kind == project.GoWork {
				return r.because("toolchain.workspace").fixWith("go work edit -go=%s %s", want, diag.Word(m.Show(c.Pin.Path)))
			}
			return r.fixWith("vmgo use %s", c.Minimum.Wanted().Text())
		},
	}
}
