package doctor

import (
	"context"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
)

func pathGoCheck() Check {
	return Check{
		ID: "toolchain.path", Group: Toolchain, Weight: 6,
		Title:  "how many different go programs PATH has, and which comes first",
		Why:    "a go that stands before vmgo's runs whatever directory you are in",
		Source: "PATH, with every link followed",
		Run:    runPathGo,
	}
}

func runPathGo(_ context.Context, m *Machine) Result {
	gos := m.Gos()
	if len(gos) == 0 {
		return info("no go on PATH").means("Shims make go available to every kind of session.").mend("vmgo shims")
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
		return list(ok("one go: %s", first.Path))
	case ours == 0:
		return list(ok("%d different go programs; vmgo's comes first", len(gos)))
	case ours < 0:
		return list(warn("%d different go programs on PATH, none of them vmgo's", len(gos))).
			means("Which one runs depends on the order of PATH, and that differs between kinds of sessions.").
			mend("vmgo shims")
	}
	return list(warn("%s comes before vmgo's go", first.Path)).
		mend("export PATH=%s:$PATH", diag.Word(filepath.Dir(gos[ours].Path)))
}

// describe says in a few words what a go on PATH is.
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
