package audit

import (
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/vulndb"
)

// fix returns the command that gets the fixed version of a module to where the
// subject is; "" where no version has the fix.
func (a Auditor) fix(s *Subject, m vulndb.Module, fixed string) string {
	std := m.Path == vulndb.Std || m.Path == vulndb.Toolchain
	program := diag.Word(s.Package) // what a program says of itself may be anything
	switch {
	case fixed == "":
		return ""
	case s.Kind == Release:
		return a.upgrade(s, fixed)
	case s.Kind == Project:
		return "cd " + diag.Word(s.Path) + " && go get " + m.Path + "@" + fixed
	case s.Owner != "":
		return "apt-get install --only-upgrade " + s.Owner
	case s.Tool != "" && std:
		return "vmgo upgrade && vmgo tools sync " + s.Tool + a.oldest(fixed)
	case s.Tool != "":
		return "vmgo tools upgrade " + s.Tool
	case s.GOBIN && known(s.Main.Version):
		return "go install " + program + "@latest" + a.with(std, m, fixed)
	case std:
		return "go build " + program + a.oldest(fixed) + source(s)
	case m.Path == s.Main.Path:
		return "git checkout " + fixed + " && go build " + program + "   # in the source of " + m.Path
	}
	return "go get " + m.Path + "@" + fixed + " && go build " + program + "   # in the source of " + s.Main.Path
}

// upgrade is the fix of a release: the patch of its line, as long as the line
// gets some.
func (a Auditor) upgrade(s *Subject, fixed string) string {
	v, err := gover.Parse(release(fixed))
	switch {
	case err != nil || v.Lang() != s.Go.Lang():
		return "vmgo install latest   # the line " + s.Go.Lang().String() + " has no fix"
	case s.Managed:
		return "vmgo upgrade"
	}
	return "vmgo install " + s.Go.Lang().String() + "   # " + s.Path + " is not vmgo's: remove it, or take it off PATH"
}

// oldest names the release from which on a program is built with the fix.
func (a Auditor) oldest(fixed string) string { return "   # by Go " + release(fixed) + " or later" }

func (a Auditor) with(std bool, m vulndb.Module, fixed string) string {
	if std {
		return a.oldest(fixed)
	}
	return "   # a version with " + m.Path + " " + fixed + " or later"
}

func source(s *Subject) string {
	if s.Main.Path == "" {
		return ""
	}
	return ", in the source of " + s.Main.Path
}

func known(version string) bool { return version != "" && version != "(devel)" }

// release returns the name of a release for a version of the standard library:
// 1.22.5 for v1.22.5, 1.23rc2 for v1.23.0-rc.2.
func release(version string) string {
	name, pre, found := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	if !found || pre == "0" {
		return name
	}
	return strings.TrimSuffix(name, ".0") + strings.Replace(pre, ".", "", 1)
}

// StdVersion returns the version of the standard library of a release, as the
// vulnerability database writes it; "" for the zero version.
func StdVersion(v gover.Version) string {
	if v.IsZero() {
		return ""
	}
	text := v.String()
	for _, stage := range []string{"rc", "beta"} {
		if name, number, found := strings.Cut(text, stage); found {
			return "v" + threeParts(name) + "-" + stage + "." + number
		}
	}
	return "v" + threeParts(text)
}

func threeParts(version string) string {
	for strings.Count(version, ".") < 2 {
		version += ".0"
	}
	return version
}
