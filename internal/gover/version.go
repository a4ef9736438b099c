// Package gover holds Go versions as values: their grammar, Go's own order of
// them, and the selectors by which people and files ask for one.
//
// It is linked into the lean program, so it uses neither fmt nor regexp, and it
// never touches the operating system.
package gover

import (
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// Version is one Go version: a release such as 1.22.5 or 1.23rc1, or a
// language version such as 1.22. Versions that Go's order holds equal (1.20
// and 1.20.0, 1 and 1.0) are the same value, so == compares them. The zero
// Version is none.
type Version struct {
	text  string // canonical, without "go"
	major int32
	minor int32
	patch int32 // noPatch for language versions from 1.21 on and for prereleases
	stage stage
	pre   int32 // the number after beta or rc
}

// stage orders what a version is before its release; the order is Go's.
type stage uint8

const (
	final stage = iota
	beta
	rc
)

const (
	noPatch = -1
	// firstPatched is the minor from which on 1.N is the language version and
	// 1.N.0 its first release; up to 1.20 the first release was called 1.N.
	firstPatched = 21
	// maxDigits bounds each number so that it fits an int32. Go itself knows no
	// bound; no release comes near this one.
	maxDigits = 9
)

// Parse reads a version, with or without the prefix "go". Only Go's own
// spelling is taken: no leading zeros, no "v", no suffix, and no prerelease of
// a patch (1.9.2rc2).
func Parse(s string) (Version, error) {
	v, ok := parse(strings.TrimPrefix(s, "go"))
	if !ok {
		return Version{}, badVersion(s)
	}
	return v, nil
}

func parse(s string) (Version, bool) {
	v := Version{patch: noPatch}
	var ok bool
	if v.major, s, ok = cutNumber(s); !ok || v.major == 0 {
		return Version{}, false
	}
	if s == "" {
		v.patch = 0
		return v.canonical(), true
	}
	if s[0] != '.' {
		return Version{}, false
	}
	if v.minor, s, ok = cutNumber(s[1:]); !ok {
		return Version{}, false
	}
	switch {
	case s == "":
		if v.minor < firstPatched {
			v.patch = 0
		}
	case s[0] == '.':
		v.patch, s, ok = cutNumber(s[1:])
	case strings.HasPrefix(s, "rc"):
		v.stage = rc
		v.pre, s, ok = cutNumber(s[len("rc"):])
	case strings.HasPrefix(s, "beta"):
		v.stage = beta
		v.pre, s, ok = cutNumber(s[len("beta"):])
	}
	if !ok || s != "" {
		return Version{}, false
	}
	return v.canonical(), true
}

// cutNumber takes a decimal number without needless zeros off the front of s.
func cutNumber(s string) (n int32, rest string, ok bool) {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		if i == maxDigits {
			return 0, s, false
		}
		n = n*10 + int32(s[i]-'0')
		i++
	}
	if i == 0 || s[0] == '0' && i > 1 {
		return 0, s, false
	}
	return n, s[i:], true
}

// canonical fills in the text that Go uses for the release.
func (v Version) canonical() Version {
	buf := make([]byte, 0, len("1.22.12"))
	buf = strconv.AppendInt(buf, int64(v.major), 10)
	dropZero := v.minor < firstPatched && v.patch == 0
	if v.minor != 0 || !dropZero {
		buf = append(buf, '.')
		buf = strconv.AppendInt(buf, int64(v.minor), 10)
	}
	switch {
	case v.stage == rc:
		buf = strconv.AppendInt(append(buf, "rc"...), int64(v.pre), 10)
	case v.stage == beta:
		buf = strconv.AppendInt(append(buf, "beta"...), int64(v.pre), 10)
	case v.patch != noPatch && !dropZero:
		buf = strconv.AppendInt(append(buf, '.'), int64(v.patch), 10)
	}
	v.text = string(buf)
	return v
}

// String returns the version without "go": "1.22.5", "1.23rc1", "1.20". It is
// empty for the zero Version.
func (v Version) String() string { return v.text }

// Toolchain returns the name that Go uses for the release: "go1.22.5".
func (v Version) Toolchain() string {
	if v.IsZero() {
		return ""
	}
	return "go" + v.text
}

// IsZero reports whether v is no version at all.
func (v Version) IsZero() bool { return v.text == "" }

// IsRelease reports whether v can name something that was released, betas and
// candidates included. Since 1.21 two numbers (1.22) name the language only;
// up to 1.20 they name the first release as well.
func (v Version) IsRelease() bool {
	return !v.IsZero() && (v.patch != noPatch || v.stage != final)
}

// IsPrerelease reports whether v is a beta or a release candidate.
func (v Version) IsPrerelease() bool { return v.stage != final }

// Lang returns the language version: 1.22 for 1.22.5 and for 1.22rc1.
func (v Version) Lang() Version {
	if v.IsZero() {
		return v
	}
	lang := Version{major: v.major, minor: v.minor, patch: noPatch}
	if lang.minor < firstPatched {
		lang.patch = 0
	}
	return lang.canonical()
}

// Major returns the first number.
func (v Version) Major() int { return int(v.major) }

// Minor returns the second number: 22 for 1.22.5.
func (v Version) Minor() int { return int(v.minor) }

// Patch returns the third number: 5 for 1.22.5, 0 for 1.20. It is -1 for
// language versions and prereleases, which have none.
func (v Version) Patch() int { return int(v.patch) }

// Compare orders versions as Go does: 1.21 < 1.21rc1 < 1.21.0, but 1.20rc1 <
// 1.20. The zero Version is below all others. The result is negative, zero or
// positive.
func (v Version) Compare(w Version) int {
	for _, pair := range [...][2]int32{
		{v.major, w.major}, {v.minor, w.minor}, {v.patch, w.patch},
		{int32(v.stage), int32(w.stage)}, {v.pre, w.pre},
	} {
		if pair[0] != pair[1] {
			if pair[0] < pair[1] {
				return -1
			}
			return +1
		}
	}
	return 0
}

func badVersion(s string) error {
	return diag.New(diag.BadSelector, "not a Go version: "+quote(s), suggest(s)...)
}
