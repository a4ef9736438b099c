package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/facts"
)

func distroGoCheck() Check {
	return Check{
		ID: "toolchain.distro", Group: Toolchain, Weight: 5,
		Title:  "whether a Go of the distribution or of snap hides vmgo's",
		Why:    "it is usually older, and changes with system updates",
		Source: "PATH; /usr/lib/go-*, /usr/lib/golang, /snap/bin",
		Run:    runDistroGo,
	}
}

func runDistroGo(_ context.Context, m *Machine) Result {
	var foreign []GoOnPath
	hidden := false
	for _, g := range m.Gos() {
		switch g.Kind {
		case ShimGo, StoreGo:
			if len(foreign) > 0 {
				hidden = true
			}
		case DistroGo, SnapGo:
			foreign = append(foreign, g)
		}
	}
	if len(foreign) == 0 {
		return ok("no Go of the distribution is on PATH")
	}
	g := foreign[0]
	if !hidden {
		return ok("a Go of the distribution is on PATH, and does not hide vmgo's").at(g.Path, 0, "%s", describe(g))
	}
	r := warn("%s hides vmgo's go", g.Path).at(g.Path, 0, "%s", describe(g))
	if g.Kind == SnapGo {
		return r.fixWith("sudo snap remove go")
	}
	return r.fixWith("%s", facts.PackagesOf(m.Host).Remove("sudo ", m.distroPackage()))
}

// distroPackage is the name under which the distribution ships Go.
func (m *Machine) distroPackage() string {
	switch rel := m.OSRelease(); {
	case rel.Is("debian"):
		return "golang-go"
	case rel.Is("rhel"), rel.Is("fedora"):
		return "golang"
	}
	return "go"
}
