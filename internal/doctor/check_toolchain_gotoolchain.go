package doctor

import (
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
)

func gotoolchainCheck() Check {
	return Check{
		ID: "toolchain.gotoolchain", Group: Toolchain, Weight: 6,
		Title:  "GOTOOLCHAIN",
		Why:    "it decides whether go switches to another release, and downloads it",
		Source: "environment, the file of `go env -w`, $GOROOT/go.env",
		Run:    runGotoolchain,
	}
}

func runGotoolchain(_ context.Context, m *Machine) Result {
	s := m.GoEnv("GOTOOLCHAIN")
	stale := m.storedToolchain()
	name, mode, _ := strings.Cut(s.Value, "+")
	switch {
	case s.FromEnv && isToolchainMode(name) && stale.Value != "":
		return where(stale, warn("`go env -w` stored GOTOOLCHAIN=%s for every project", stale.Value)).
			means("Here GOTOOLCHAIN=%s of the environment overrides it. %s", s.Value, storedMeans).unset(m, stale)
	case s.Value == "":
		return ok("local")
	case isToolchainMode(name):
		return ok("%s", s.Value)
	}
	v, err := gover.Parse(name)
	if err != nil || !strings.HasPrefix(name, "go") {
		return where(s, fail("GOTOOLCHAIN=%s is not a value that go understands", s.Value)).unset(m, s)
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
	r := where(s, warn("GOTOOLCHAIN=%s makes every project use that release", s.Value))
	if s.Path == m.GoEnvFile() {
		return r.means(storedMeans).unset(m, s)
	}
	return r.means("It overrides vmgo's version files.").unset(m, s)
}

const storedMeans = "The hook sets GOTOOLCHAIN=local in projects; any other go switches to the stored release, and downloads it, whatever go.mod says."

// storedToolchain returns the release that `go env -w GOTOOLCHAIN` fixed; its
// value is empty where there is none.
func (m *Machine) storedToolchain() (stored goenv.Setting) {
	for _, s := range m.goEnvLines(m.GoEnvFile()) {
		if s.Name == "GOTOOLCHAIN" {
			stored = s
		}
	}
	name, mode, _ := strings.Cut(stored.Value, "+")
	if isToolchainMode(name) || mode != "" {
		return goenv.Setting{}
	}
	return stored
}

// isToolchainMode reports whether a value begins with no release: https://go.dev/doc/toolchain.
func isToolchainMode(name string) bool {
	return name == "local" || name == "path" || name == "auto" || name == "default"
}
