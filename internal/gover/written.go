package gover

import "strings"

// parseWritten reads a version as people and other tools write it: 1.22.5,
// go1.22.5, v1.22.5, a line of releases as 1.22.x or 1.22.*, a prerelease as
// 1.23.0-rc.1. numbers counts those that are named: with one or two the version
// is a line of releases; a prerelease has 3.
func parseWritten(s string) (v Version, numbers int, ok bool) {
	bare, found := strings.CutPrefix(s, "go")
	if !found {
		bare = strings.TrimPrefix(s, "v")
	}
	core, wildcards := cutWildcards(bare)
	if v, ok = parse(plainPrerelease(core)); !ok {
		return Version{}, 0, false
	}
	numbers = strings.Count(core, ".") + 1
	if v.IsPrerelease() {
		numbers = 3
	}
	return v, numbers, wildcards == 0 || numbers+wildcards <= 3
}

// cutWildcards takes the wildcards off the end of 1.22.x, 1.22.* and 1.x.x.
func cutWildcards(s string) (rest string, count int) {
	for {
		end := len(s) - 2
		if end < 0 || s[end] != '.' || strings.IndexByte("xX*", s[end+1]) < 0 {
			return s, count
		}
		s, count = s[:end], count+1
	}
}

// plainPrerelease turns the notation of semantic versions, 1.23.0-rc.1, into
// Go's own, 1.23rc1. setup-go's users write 1.23.0-rc1 as well.
func plainPrerelease(s string) string {
	core, stage, found := strings.Cut(s, "-")
	if !found {
		return s
	}
	for _, name := range []string{"rc", "beta"} {
		if number, found := strings.CutPrefix(stage, name); found && strings.Count(core, ".") == 2 {
			if line, first := strings.CutSuffix(core, ".0"); first {
				return line + name + strings.TrimPrefix(number, ".")
			}
		}
	}
	return s
}
