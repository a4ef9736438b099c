package doctor

import (
	"context"
	"strings"
)

func holesCheck() Check {
	return Check{
		ID: "toolchain.holes", Group: Toolchain, Weight: 8,
		Title:  "whether the release's own fetching of toolchains can be deceived",
		Why:    "a module proxy can make it run a toolchain that the public log does not vouch for",
		Source: "Go vulnerability reports (CVE-2026-42501, CVE-2026-56864, CVE-2026-56865); GOTOOLCHAIN",
		Run:    runHoles,
	}
}

func runHoles(_ context.Context, m *Machine) Result {
	v := m.InForce()
	if v.IsZero() {
		return skip("no release to judge")
	}
	if !v.SwitchesUnsafely() {
		return ok("Go %s has none that is known", v)
	}
	s := m.GoEnv("GOTOOLCHAIN")
	if _, mode, _ := strings.Cut(s.Value, "+"); s.Value != "auto" && mode != "auto" {
		return info("Go %s has known ones, but GOTOOLCHAIN=%s keeps it from fetching", v, orLocal(s.Value))
	}
	if m.distroInForce() {
		return where(s, info("Go %s of the distribution has known ones, unless the distribution fixed them", v)).
			means("GOTOOLCHAIN=local keeps it from fetching.")
	}
	r := where(s, warn("Go %s with GOTOOLCHAIN=%s can be given a false toolchain", v, s.Value))
	for _, b := range bypasses() {
		r = r.at(b.origin, 0, "%s", b.id)
	}
	if patch, exists := safePatch(v); exists {
		return r.mend("vmgo install %s", patch)
	}
	return r.mend("%s", m.setGo("GOTOOLCHAIN", "local")).means("Its line got no patch against that.")
}

func orLocal(s string) string {
	if s == "" {
		return "local"
	}
	return s
}
