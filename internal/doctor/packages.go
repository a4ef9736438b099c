package doctor

import (
	"io/fs"
	"slices"
	"strings"
)

// packageManager knows the commands of a distribution.
type packageManager struct{ add, drop string }

func (p packageManager) install(names ...string) string {
	return p.add + " " + strings.Join(names, " ")
}
func (p packageManager) remove(name string) string { return p.drop + " " + name }

// packages returns the commands of this distribution.
func (m *Machine) packages() packageManager {
	switch rel := m.OSRelease(); {
	case rel.Is("debian"):
		add := "sudo apt-get install -y"
		if !m.knowsPackages() {
			add = "sudo apt-get update && " + add
		}
		return packageManager{add, "sudo apt-get remove"}
	case rel.Is("rhel"), rel.Is("fedora"), rel.Is("amzn"):
		return packageManager{"sudo dnf install -y", "sudo dnf remove"}
	case rel.Is("alpine"):
		return packageManager{"sudo apk add", "sudo apk del"}
	case rel.Is("arch"):
		return packageManager{"sudo pacman -S --needed", "sudo pacman -R"}
	case rel.Is("suse"), rel.Is("opensuse"):
		return packageManager{"sudo zypper install", "sudo zypper remove"}
	}
	return packageManager{"# with your package manager, install:", "# with your package manager, remove:"}
}

// knowsPackages reports whether apt has lists of packages, which images lack.
func (m *Machine) knowsPackages() bool {
	return slices.ContainsFunc(m.ReadDir("/var/lib/apt/lists"), func(e fs.DirEntry) bool { return strings.Contains(e.Name(), "_Packages") })
}
