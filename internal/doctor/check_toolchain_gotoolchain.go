package doctor

import (
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
)

func gotoolchainCheck() Check {
	return Check{
		ID: "toolchain.gotoolchain", Group: Toolchain, Weight: 6,
		Title:  "GOTOOLCHAIN",
		Why:    "it decides whether go replaces itself by another release, fetched or not",
		Source: "environment, the file of `go env -w`, $GOROOT/go.env",
		Run:    runGotoolchain,
	}
}

func runGotoolchain(_ context.Context, m *Machine) Result {
	s := m.GoEnv("GOTOOLCHAIN")
	name, mode, _ := strings.Cut(s.Value, "+")
	switch {
	case s.Value == "":
		return ok("local")
	case name == "local" || name == "path" || name == "auto" || name == "default":
		return ok("%s", s.Value)
	}
	v, err := gover.Parse(name)
	if err != nil || !strings.HasPrefix(name, "go") {
		return where(s, fail("GOTOOLCHAIN=%s is nothing that go understands", s.Value)).unset(m, s)
	}
	if mode == "auto" || mode == "path" {
		return where(s, info("GOTOOLCHAIN=%s: at least Go %s", s.Value, v))
	}
	survey, _ := m.Survey()
	for _, minimum := range survey.Minimums {
		if v.Compare(minimum.Selector.Version()) < 0 {
			return where(s, fail("GOTOOLCHAIN=%s, but %s requests %s", s.Value, m.Show(minimum.Origin.Path), minimum.Selector.Text())).
				at(m.Show(minimum.Origin.Path), minimum.Origin.Line, "%s", minimum.Origin.Requirement).unset(m, s)
		}
	}
	return where(s, warn("GOTOOLCHAIN=%s makes every project use that release", s.Value)).
		means("vmgo's pin is overridden by it.").unset(m, s)
}
