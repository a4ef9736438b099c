package doctor

import (
	"context"
	"path/filepath"
	"strings"
)

func pkgConfigCheck() Check {
	return Check{
		ID: "distribution.pkg-config", Group: Distribution, Weight: 3,
		Title:  "pkg-config",
		Why:    "packages with a #cgo pkg-config line ask it where C libraries are",
		Source: "PKG_CONFIG, PATH; #cgo lines of the project",
		Run: func(_ context.Context, m *Machine) Result {
			name := m.GoEnv("PKG_CONFIG").Value
			if name == "" {
				name = "pkg-config"
			}
			install := m.install(m.byDistro("pkg-config", "pkgconf-pkg-config", "pkgconf"))
			asks := m.asksPkgConfig()
			switch found := m.findProgram(name); {
			case found != "":
				return ok("%s", found)
			case asks != "":
				return fail("missing, and this project asks it").at(asks, 0, "#cgo pkg-config").mend("%s", install)
			}
			return info("missing; only cgo packages with C libraries need it").mend("%s", install)
		},
	}
}

func (m *Machine) asksPkgConfig() string {
	file := m.usesCgo()
	if file == "" {
		return ""
	}
	for _, f := range m.goFiles(filepath.Dir(file)) {
		if strings.Contains(m.Head(f, 64<<10), "#cgo pkg-config:") {
			return f
		}
	}
	return ""
}
