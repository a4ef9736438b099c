package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/diag"
)

func copiedGoCheck() Check {
	return Check{
		ID: "toolchain.copy", Group: Toolchain, Weight: 7,
		Title:  "whether a go on PATH is a copied binary",
		Why:    "since 1.21 a go outside its tree fails with \"'go' binary is trimmed and GOROOT is not set\"",
		Source: "the directory above each go on PATH, which must have VERSION and pkg/tool",
		Run:    runCopiedGo,
	}
}

func runCopiedGo(_ context.Context, m *Machine) Result {
	gos := m.Gos()
	if len(gos) == 0 {
		return skip("no go on PATH")
	}
	for i, g := range gos {
		if g.Kind != CopiedGo {
			continue
		}
		r := warn("%s is a binary without its tree", g.Path)
		if i == 0 {
			r.worse(Fail)
		}
		return r.at(g.Path, 0, "%s", describe(g)).
			means("It was copied; use a link instead.").fixWith("rm %s && vmgo shims", diag.Word(g.Path))
	}
	return ok("every go on PATH is in its tree or a link")
}
