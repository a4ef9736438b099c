package doctor

import (
	"context"
	"strings"
)

func holesCheck() Check {
	return Check{
		ID: "toolchain.holes", Group: Toolchain, Weight: 8,
		Title:  "whether the selected go has known holes in downloading toolchains",
		Why:    "a module proxy can make it run a toolchain that is not in the checksum database",
		Source: "Go vulnerability reports (CVE-2026-42501, CVE-2026-56864, CVE-2026-56865); GOTOOLCHAIN",
		Run:    runHoles,
	}
}

func runHoles(_ context.Context, m *Machine) Result {
	v := m.Selected()
	if v.IsZero() {
		return skip("no release to check")
	}
	if !v.SwitchesUnsafely() {
		return ok("Go %s has no known hole in downloading toolchains", v)
	}
	s := m.GoEnv("GOTOOLCHAIN")
	if _, mode, _ := strings.Cut(s.Value, "+"); s.Value != "auto" && mode != "auto" {
		return info("Go %s has known holes in downloading toolchains, but GOTOOLCHAIN=%s prevents downloads", v, orLocal(s.Value))
	}
	if m.distroSelected() {
		return where(s, info("Go %s of the distribution has known holes in downloading toolchains, unless the distribution fixed them", v)).
			means("GOTOOLCHAIN=local prevents downloads.")
	}
	r := where(s, warn("Go %s with GOTOOLCHAIN=%s can download a forged toolchain", v, s.Value))
	for _, b := range bypasses() {
		r = r.at(b.origin, 0, "%s", b.id)
	}
	if patch, exists := safePatch(v); exists {
		return r.fixWith("vmgo install %s", patch)
	}
	return r.fixWith("%s", m.setGo("GOTOOLCHAIN", "local")).means("Its line got no fix.")
}

func orLocal(s string) string {
	if s == "" {
		return "local"
	}
	return s
}
