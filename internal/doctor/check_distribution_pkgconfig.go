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
		Why:    "packages with a #cgo pkg-config line use it to find C libraries",
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
				return fail("pkg-config is missing, and this project uses it").at(asks, 0, "#cgo pkg-config").fixWith("%s", install)
			}
			return info("pkg-config is missing; only cgo packages with C libraries need it").fixWith("%s", install)
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
