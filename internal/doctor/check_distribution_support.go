package doctor

import (
	"context"
	"time"
)

func supportCheck() Check {
	return Check{
		ID: "distribution.support", Group: Distribution, Weight: 4,
		Title:  "how long the distribution gets security updates",
		Why:    "after that, holes in TLS libraries, certificates, git and the C compiler stay open",
		Source: "/etc/os-release; the projects' own calendars",
		Run:    runSupport,
	}
}

func runSupport(_ context.Context, m *Machine) Result {
	rel := m.OSRelease()
	if rel.ID == "" {
		return skip("/etc/os-release does not name a distribution")
	}
	d, known := m.knownDistro()
	if !known {
		return skip("%s is not in vmgo's calendar", rel.Pretty)
	}
	today := m.Now().UTC().Format(time.DateOnly)
	last := max(d.until, d.lts)
	switch {
	case today > last:
		return warn("%s has had no updates since %s", rel.Pretty, last).at("/etc/os-release", 0, "%s %s", rel.ID, rel.Version).
			fixWith("%s", upgradeCommand(rel.ID))
	case today > d.until:
		return info("%s: long-term support until %s", rel.Pretty, d.lts).
			means("Full support ended %s; some packages get no fixes.", d.until)
	case m.Now().UTC().AddDate(0, 3, 0).Format(time.DateOnly) > last:
		return info("%s: updates end %s", rel.Pretty, last)
	}
	return ok("%s: until %s", rel.Pretty, d.until)
}

func upgradeCommand(id string) string {
	switch id {
	case "ubuntu":
		return "sudo do-release-upgrade"
	case "debian":
		return "# release notes, chapter Upgrades: https://www.debian.org/releases/stable/releasenotes"
	case "alpine":
		return "# https://wiki.alpinelinux.org/wiki/Upgrading_Alpine"
	}
	return "# move to a newer release of the distribution"
}
