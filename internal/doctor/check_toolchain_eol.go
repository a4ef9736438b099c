package doctor

import "context"

func endOfLifeCheck() Check {
	return Check{
		ID: "toolchain.eol", Group: Toolchain, Weight: 4,
		Title:  "installed releases that get no more fixes",
		Why:    "the Go project fixes security holes in its two newest lines only",
		Source: "go.dev/doc/devel/release; the newest release that a list named; the installed releases",
		Run:    runEndOfLife,
	}
}

func runEndOfLife(_ context.Context, m *Machine) Result {
	inForce := m.InForce()
	if inForce.IsZero() && len(m.Releases()) == 0 {
		return skip("no release to judge")
	}
	r := ok("every release in use is supported")
	if since := m.endOfLife(inForce); !inForce.IsZero() && since != "" {
		if m.distroInForce() {
			return info("Go %s of the distribution: no fixes from the Go project since %s", inForce, since).
				means("The distribution may fix holes by itself; its version does not tell.")
		}
		r = warn("Go %s, the active release, has been without fixes since %s", inForce, since).mend("vmgo outdated")
	}
	for _, rel := range m.Releases() {
		since := m.endOfLife(rel.Version)
		if since == "" || rel.Version == inForce {
			continue
		}
		if r.Status == OK {
			r = info("a release that is installed gets no more fixes")
		}
		r = r.at(rel.GOROOT, 0, "end of life since %s", since)
	}
	return r
}
