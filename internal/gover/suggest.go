package gover

import "strings"

// quote shows foreign text in an error: in quotation marks, cut to a line that
// fits a terminal. diag makes control bytes harmless when it prints.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		return `"` + s[:most] + `..."`
	}
	return `"` + s + `"`
}

// suggest returns the hint for text that is no selector: the nearest meaning
// where there is one, else what a selector looks like.
func suggest(s string) []string {
	if near := nearest(s); near != "" {
		if near == wordSystem {
			return []string{"vmgo exec system -- go version   # did you mean system?"}
		}
		return []string{"vmgo list-remote " + near + "   # did you mean " + near + "?"}
	}
	return []string{"vmgo list-remote --all   # a version looks like 1.22.5, 1.22, 1.23rc1, latest or '>=1.21 <1.23'"}
}

// nearest guesses what was meant; the answer is always a valid selector or empty.
func nearest(s string) string {
	if len(s) > maxSelector {
		return ""
	}
	if low, high, found := strings.Cut(s, " - "); found {
		if low, high = nearestVersion(low), nearestVersion(high); low != "" && high != "" {
			return "'>=" + low + " <=" + high + "'"
		}
	}
	s = strings.ToLower(strings.Trim(s, "\"'`@ \t\r\n"))
	switch s {
	case aliasLatest, aliasStable, aliasOldstable, wordSystem:
		return s
	case "lts", "current", "newest", "release", "*", "x":
		return aliasLatest
	case "old-stable", "previous":
		return aliasOldstable
	}
	return nearestVersion(s)
}

// nearestVersion takes off what people put around a version in other tools: v,
// go-, quotes, wildcards, needless zeros, semver's prerelease notation, suffixes.
func nearestVersion(s string) string {
	for _, prefix := range []string{"golang", "go", "v", "@", "-", ":", " "} {
		s = strings.TrimPrefix(s, prefix)
	}
	digits := 0
	for digits < len(s) && (s[digits] == '.' || '0' <= s[digits] && s[digits] <= '9') {
		digits++
	}
	numbers := trimZeros(strings.Trim(s[:digits], "."))
	rest := strings.TrimLeft(s[digits:], "-.")
	for _, name := range []string{"rc", "beta"} {
		if number, found := strings.CutPrefix(rest, name); found {
			candidate := strings.TrimSuffix(numbers, ".0") + name + strings.TrimLeft(number, "-.")
			if v, ok := parse(candidate); ok {
				return v.text
			}
		}
	}
	if v, ok := parse(numbers); ok && v.major == 1 {
		return numbers
	}
	return ""
}

// trimZeros takes needless zeros off each number, and what follows the third.
func trimZeros(s string) string {
	parts := strings.Split(s, ".")
	parts = parts[:min(len(parts), 3)]
	for i, part := range parts {
		for len(part) > 1 && part[0] == '0' {
			part = part[1:]
		}
		parts[i] = part
	}
	return strings.Join(parts, ".")
}
