package doctor

import "context"

func endOfLifeCheck() Check {
	return Check{
		ID: "toolchain.eol", Group: Toolchain, Weight: 4,
		Title:  "installed releases that get no more fixes",
		Why:    "the Go project fixes security problems only in its two newest lines",
		Source: "go.dev/doc/devel/release; the newest release of the cached lists; the installed releases",
		Run:    runEndOfLife,
	}
}

func runEndOfLife(_ context.Context, m *Machine) Result {
	selected := m.Selected()
	if selected.IsZero() && len(m.Releases()) == 0 {
		return skip("no release to check")
	}
	r := ok("every release in use is supported")
	if since := m.endOfLife(selected); !selected.IsZero() && since != "" {
		if m.distroSelected() {
			return info("Go %s of the distribution: no fixes from the Go project since %s", selected, since).
				means("The distribution may fix vulnerabilities itself; the version does not show it.")
		}
		r = warn("Go %s, the active release, has been without fixes since %s", selected, since).fixWith("vmgo outdated")
	}
	for _, rel := range m.Releases() {
		since := m.endOfLife(rel.Version)
		if since == "" || rel.Version == selected {
			continue
		}
		if r.Status == OK {
			r = info("an installed release gets no more fixes")
		}
		r = r.at(rel.GOROOT, 0, "end of life since %s", since)
	}
	return r
}
