package facts

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/host"
)

// Packages has the commands of a distribution's package manager, as root runs them.
type Packages struct {
	update, add, drop []string
}

// PackagesOf returns the commands of a machine's distribution.
func PackagesOf(h host.Host) Packages {
	words := strings.Fields
	switch rel := h.OSRelease(); {
	case rel.Is("debian"):
		p := Packages{add: words("apt-get install -y"), drop: words("apt-get remove")}
		if !hasAptLists(h) {
			p.update = words("apt-get update")
		}
		return p
	case redHat(rel):
		return Packages{add: words("dnf install -y"), drop: words("dnf remove")}
	case rel.Is("alpine"):
		return Packages{add: words("apk add"), drop: words("apk del")}
	case rel.Is("arch"):
		return Packages{add: words("pacman -S --needed"), drop: words("pacman -R")}
	case rel.Is("suse"), rel.Is("opensuse"):
		return Packages{add: words("zypper install"), drop: words("zypper remove")}
	}
	return Packages{}
}

// Install returns the command that installs packages. sudo goes before each
// program; it is empty for root.
func (p Packages) Install(sudo string, names ...string) string {
	if p.add == nil {
		return "# with your package manager, install: " + strings.Join(names, " ")
	}
	command := sudo + strings.Join(append(slices.Clone(p.add), names...), " ")
	if p.update != nil {
		command = sudo + strings.Join(p.update, " ") + " && " + command
	}
	return command
}

// Remove returns the command that removes a package.
func (p Packages) Remove(sudo, name string) string {
	if p.drop == nil {
		return "# with your package manager, remove: " + name
	}
	return sudo + strings.Join(p.drop, " ") + " " + name
}

// PackageName returns the name that a package has on a machine's distribution.
func PackageName(h host.Host, debian, redhat, alpine string) string {
	switch rel := h.OSRelease(); {
	case rel.Is("alpine"):
		return alpine
	case redHat(rel):
		return redhat
	}
	return debian
}

func redHat(rel host.OSRelease) bool { return rel.Is("rhel") || rel.Is("fedora") || rel.Is("amzn") }

// hasAptLists reports whether apt has lists of packages, which images lack.
func hasAptLists(h host.Host) bool {
	return slices.ContainsFunc(h.ReadDir("/var/lib/apt/lists"), func(e fs.DirEntry) bool { return strings.Contains(e.Name(), "_Packages") })
}
