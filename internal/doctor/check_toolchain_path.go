package doctor

import (
	"context"
	"strings"
)

func pathGoCheck() Check {
	return Check{
		ID: "toolchain.path", Group: Toolchain, Weight: 6,
		Title:  "how many different go programs PATH has, and which comes first",
		Why:    "a go before vmgo's runs in every directory",
		Source: "PATH, with every link followed",
		Run:    runPathGo,
	}
}

func runPathGo(_ context.Context, m *Machine) Result {
	gos := m.Gos()
	if len(gos) == 0 {
		return info("no go on PATH").means("Shims make go available in every kind of session.").fixWith("vmgo shims")
	}
	list := func(r Result) Result {
		for _, g := range gos {
			r = r.at(g.Path, 0, "%s", describe(g))
		}
		return r
	}
	first := gos[0]
	ours := -1
	for i, g := range gos {
		if g.Kind == ShimGo || g.Kind == StoreGo {
			ours = i
			break
		}
	}
	switch {
	case len(gos) == 1:
		return list(ok("PATH has one go: %s", first.Path))
	case ours == 0:
		return list(ok("PATH has %d different go programs; vmgo's comes first", len(gos)))
	case ours < 0:
		r := list(warn("PATH has %d different go programs, none of them vmgo's", len(gos))).
			means("Which one runs depends on the order of PATH, and that differs between kinds of sessions.")
		if dir := dirOf(first.Path); comesBefore(m.Env["PATH"], dir, localBin) {
			r = r.moveAside(m, dir) // shims would stand behind it
		}
		return r.fixWith("vmgo shims")
	}
	r := list(warn("%s comes before vmgo's go", first.Path))
	dir := dirOf(first.Path)
	if _, found := m.lineFor(dir); found || strings.HasSuffix(dir, "/.asdf/shims") {
		return r.moveAside(m, dir)
	}
	return r.prepend(m, dirOf(gos[ours].Path))
}

// describe returns in a few words what a go on PATH is.
func describe(g GoOnPath) string {
	text := string(g.Kind)
	if !g.Version.IsZero() {
		text += " " + g.Version.String()
	}
	if g.Real != g.Path {
		text += " -> " + g.Real
	}
	return text
}
