package gover

import (
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// Bound is one comparison of a range, such as >=1.21.
type Bound struct {
	Op      string // one of = != > >= < <= ~ ^
	Version Version
	// Numbers counts what was written: with one or two the bound is a line of
	// releases (1.20 and all its patches), with three or a prerelease it is 3
	// and means one release.
	Numbers int
}

// rangeChars are those of which any makes a selector a range.
const rangeChars = "<>=!~^|,"

func looksLikeRange(s string) bool {
	return strings.ContainsAny(s, rangeChars) || strings.Contains(s, hyphen)
}

// hyphen is between the ends of a range of npm's: 1.21 - 1.23.
const hyphen = " - "

// ParseRange reads the grammar of ranges: comparisons separated by spaces or
// commas, all of which must hold, and alternatives of them separated by "||". A
// version without a comparison is that release, or that line of releases; the
// range "1.21 - 1.23" has both ends. What the comparisons mean is told by the
// package ranges.
func ParseRange(s string) ([][]Bound, error) {
	if len(s) > maxSelector {
		return nil, badRange(s, "too long")
	}
	var alternatives [][]Bound
	for _, alternative := range strings.Split(s, "||") {
		bounds, reason := parseBounds(alternative)
		if reason != "" {
			return nil, badRange(s, reason)
		}
		alternatives = append(alternatives, bounds)
	}
	return alternatives, nil
}

func parseBounds(s string) (bounds []Bound, reason string) {
	if low, high, found := strings.Cut(s, hyphen); found {
		low, high = strings.Trim(low, " \t"), strings.Trim(high, " \t")
		if strings.ContainsAny(low+high, " \t"+rangeChars) {
			return nil, "a range with a hyphen has a version at each end"
		}
		s = ">=" + low + " <=" + high
	}
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			break
		}
		end := 0
		for end < len(s) && strings.IndexByte("<>=!~^", s[end]) >= 0 {
			end++
		}
		op := s[:end]
		switch op {
		case "=", "!=", ">", ">=", "<", "<=", "~", "^":
		case "":
			op = "="
		case "~>":
			op = "~"
		default:
			return nil, quote(op) + " is not a comparison"
		}
		s = strings.TrimLeft(s[end:], " \t")
		end = strings.IndexAny(s, " \t,"+"<>=!~^|")
		if end < 0 {
			end = len(s)
		}
		v, numbers, ok := parseWritten(s[:end])
		if !ok {
			return nil, quote(s[:end]) + " is not a Go version"
		}
		bounds = append(bounds, Bound{Op: op, Version: v, Numbers: numbers})
		s = strings.TrimLeft(s[end:], " \t")
		if rest, comma := strings.CutPrefix(s, ","); comma {
			if s = rest; strings.Trim(rest, " \t") == "" {
				return nil, "nothing after the comma"
			}
		}
	}
	if len(bounds) == 0 {
		return nil, "an alternative is empty"
	}
	return bounds, ""
}

func badRange(s, reason string) error {
	return diag.New(diag.BadSelector, "not a version range: "+quote(s)+": "+reason,
		"vmgo list-remote '>=1.21 <1.23'   # other ranges: '~1.22.3', '^1.21'")
}
