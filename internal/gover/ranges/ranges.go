// Package ranges decides version ranges such as ">=1.21 <1.23". It is the one
// importer of semver, and is not linked into the lean program.
//
// Go's versions are not semantic versions, so both sides are converted first:
//
//	Go         semantic version
//	1.22.5     1.22.5
//	1.20.0     1.20.0 (the release called 1.20)
//	1.23rc1    1.23.0-rc.1
//	1.23beta2  1.23.0-beta.2
//
// A bound of two numbers is a line of releases, as everywhere in vmgo: >1.21
// begins with 1.22.0, <=1.21 and =1.21 take every 1.21.x, <1.21 ends before
// it. ~1.22.3 stays in its line (1.22.3 and later patches), ^1.21 in its major.
// Every range of npm's takes the same release as there; testdata/setup-go.txt
// holds it to that, because actions/setup-go reads the same files.
package ranges

import (
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

var _ gover.RangeParser = Parse

// Parse makes a test for releases out of a range. A prerelease passes only
// where the range names a prerelease of the same line.
func Parse(text string) (match func(gover.Version) bool, err error) {
	alternatives, err := gover.ParseRange(text)
	if err != nil {
		return nil, err
	}
	named := map[gover.Version]bool{} // lines of which a prerelease is named
	groups := make([]string, 0, len(alternatives))
	for _, bounds := range alternatives {
		terms := make([]string, 0, len(bounds))
		for _, bound := range bounds {
			if bound.Version.IsPrerelease() {
				named[bound.Version.Lang()] = true
			}
			terms = append(terms, term(bound))
		}
		groups = append(groups, strings.Join(terms, ", "))
	}
	constraints, err := semver.NewConstraint(strings.Join(groups, " || "))
	if err != nil {
		return nil, diag.Wrap(diag.BadSelector, err, "not a version range: "+strconv.Quote(text))
	}
	constraints.IncludePrerelease = true // which ones may pass is decided here
	return func(v gover.Version) bool {
		if !v.IsRelease() || v.IsPrerelease() && !named[v.Lang()] {
			return false
		}
		return constraints.Check(convert(v))
	}, nil
}

// term writes one bound in semver's notation.
func term(b gover.Bound) string {
	major, minor := strconv.Itoa(b.Version.Major()), strconv.Itoa(b.Version.Minor())
	switch {
	case b.Numbers == 3:
		return b.Op + convert(b.Version).String()
	case b.Op == ">=" || b.Op == "<":
		// Go holds 1.23rc1 above 1.23, so a line begins with its prereleases.
		return b.Op + major + "." + minor + ".0-0"
	case b.Numbers == 1:
		return b.Op + major
	default:
		return b.Op + major + "." + minor
	}
}

// convert returns the semantic version that has v's place in the order of
// releases.
func convert(v gover.Version) *semver.Version {
	var prerelease string
	if v.IsPrerelease() {
		stage := strings.TrimLeft(v.String(), "0123456789.")
		name := strings.TrimRight(stage, "0123456789")
		prerelease = name + "." + stage[len(name):]
	}
	return semver.New(uint64(v.Major()), uint64(v.Minor()), uint64(max(v.Patch(), 0)), prerelease, "")
}
