package doctor

import "strings"

// distro is a release of a distribution: until when its own project gives
// security updates to everybody, and the glibc it has (empty: musl).
type distro struct {
	id, version string
	until       string // last day
	lts         string // last day of a longer, partial support for everybody
	glibc       string
}

// distros are those that people run Go on. Days as the projects published them:
// wiki.debian.org/DebianReleases and /LTS, ubuntu.com/about/release-cycle,
// centos.org/cl-vs-cs, wiki.almalinux.org/release-notes, alpinelinux.org/releases.
func distros() []distro {
	return []distro{
		{"debian", "10", "2022-09-10", "2024-06-30", "2.28"},
		{"debian", "11", "2024-08-14", "2026-08-31", "2.31"},
		{"debian", "12", "2026-06-10", "2028-06-30", "2.36"},
		{"debian", "13", "2028-08-09", "2030-06-30", "2.41"},
		{"ubuntu", "18.04", "2023-05-31", "", "2.27"},
		{"ubuntu", "20.04", "2025-05-31", "", "2.31"},
		{"ubuntu", "22.04", "2027-04-30", "", "2.35"},
		{"ubuntu", "24.04", "2029-04-30", "", "2.39"},
		{"ubuntu", "26.04", "2031-04-30", "", "2.43"},
		{"centos", "7", "2024-06-30", "", "2.17"},
		{"centos", "8", "2021-12-31", "", "2.28"},
		{"centos", "9", "2027-05-31", "", "2.34"},
		{"centos", "10", "2030-05-31", "", "2.39"},
		{"almalinux", "8", "2029-03-01", "", "2.28"},
		{"almalinux", "9", "2032-05-31", "", "2.34"},
		{"almalinux", "10", "2035-05-31", "", "2.39"},
		{"rocky", "8", "2029-05-31", "", "2.28"},
		{"rocky", "9", "2032-05-31", "", "2.34"},
		{"rocky", "10", "2035-05-31", "", "2.39"},
		{"rhel", "8", "2029-05-31", "", "2.28"},
		{"rhel", "9", "2032-05-31", "", "2.34"},
		{"rhel", "10", "2035-05-31", "", "2.39"},
		{"amzn", "2", "2026-06-30", "", "2.26"},
		{"amzn", "2023", "2029-06-30", "", "2.34"},
		{"alpine", "3.19", "2025-11-01", "", ""},
		{"alpine", "3.20", "2026-04-01", "", ""},
		{"alpine", "3.21", "2026-11-01", "", ""},
		{"alpine", "3.22", "2027-05-01", "", ""},
		{"alpine", "3.23", "2027-11-01", "", ""},
	}
}

// knownDistro returns the row of this machine.
func (m *Machine) knownDistro() (distro, bool) {
	rel := m.OSRelease()
	for _, d := range distros() {
		if d.id == rel.ID && (rel.Version == d.version || strings.HasPrefix(rel.Version, d.version+".")) {
			return d, true
		}
	}
	return distro{}, false
}

// name is how people call it.
func (d distro) name() string {
	names := map[string]string{
		"debian": "Debian", "ubuntu": "Ubuntu", "centos": "CentOS", "almalinux": "AlmaLinux", "rocky": "Rocky Linux",
		"rhel": "RHEL", "amzn": "Amazon Linux", "alpine": "Alpine",
	}
	return names[d.id] + " " + d.version
}
