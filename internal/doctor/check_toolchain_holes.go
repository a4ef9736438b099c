package doctor

import (
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
)

func holesCheck() Check {
	return Check{
		ID: "toolchain.holes", Group: Toolchain, Weight: 8,
		Title:  "releases whose own fetching of toolchains can be deceived",
		Why:    "a module proxy can make them run a toolchain that the public log does not vouch for",
		Source: "Go vulnerability reports (CVE-2026-42501, CVE-2026-56864, CVE-2026-56865); GOTOOLCHAIN",
		Run:    runHoles,
	}
}

func runHoles(_ context.Context, m *Machine) Result {
	v := m.InForce()
	if v.IsZero() {
		return skip("no release to judge")
	}
	open := holes(v)
	if len(open) == 0 {
		return ok("Go %s has none that is known", v)
	}
	var ids []string
	for _, b := range open {
		ids = append(ids, b.id)
	}
	list := strings.Join(ids, ", ")
	s := m.GoEnv("GOTOOLCHAIN")
	if s.Value == "" || s.Value == "local" || s.Value == "path" || strings.HasSuffix(s.Value, "+path") {
		return info("Go %s has %s, but GOTOOLCHAIN=%s keeps it from fetching", v, list, orLocal(s.Value))
	}
	r := s.where(warn("Go %s with GOTOOLCHAIN=%s can be given a false toolchain (%s)", v, s.Value, list))
	for _, b := range open {
		r = r.at(b.origin, 0, "%s, mended in %s", b.id, strings.Join(b.fixed, ", "))
	}
	if newer := fixedIn(v, open); !newer.IsZero() {
		r = r.mend("vmgo install %s", newer)
	}
	return r.mend("export GOTOOLCHAIN=local")
}

func orLocal(s string) string {
	if s == "" {
		return "local"
	}
	return s
}

// fixedIn is the first release of v's line that has every fix; zero if the
// line is too old to get one.
func fixedIn(v gover.Version, open []bypass) gover.Version {
	var best gover.Version
	for _, b := range open {
		for _, text := range b.fixed {
			if f, err := gover.Parse(text); err == nil && f.Lang() == v.Lang() && f.Compare(best) > 0 {
				best = f
			}
		}
	}
	return best
}
