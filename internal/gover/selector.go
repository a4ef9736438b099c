package gover

import (
	"errors"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// Kind says what a Selector asks for.
type Kind uint8

// The kinds of selectors. The zero Selector has kind None and asks for nothing.
const (
	None   Kind = iota
	Exact       // one release: 1.22.5, 1.23rc1, 1.20.0
	Prefix      // the newest patch of a line: 1.22, or of all lines: 1
	Alias       // latest, stable, oldstable
	System      // the go that PATH has without vmgo
	Range       // >=1.21 <1.23, ~1.22.3, ^1.21
)

// The aliases.
const (
	aliasLatest    = "latest"
	aliasStable    = "stable"
	aliasOldstable = "oldstable"
	wordSystem     = "system"
)

// Selector is what a person or a file asks for.
type Selector struct {
	kind    Kind
	text    string
	version Version // of Exact and Prefix
	parts   int     // numbers that a Prefix names: 1 or 2
}

// RangeParser turns the text of a Range into a test for releases. It is
// ranges.Parse everywhere but in the lean program, which does not link it.
type RangeParser func(text string) (match func(Version) bool, err error)

// ErrNeedsRanges says that a range was to be decided without a RangeParser:
// the lean program then hands over to vmgo.
var ErrNeedsRanges = errors.New("a range needs a range parser")

// maxSelector bounds the text of a selector; the longest sensible range is far below.
const maxSelector = 256

// ParseSelector reads a selector. Two numbers are always a line of releases:
// "1.20" is the newest 1.20.x, "1.20.0" is the release called 1.20. What other
// tools write for the same is taken too: v1.22.5, 1.22.x, 1.22.*, 1.23.0-rc.1.
// The error is a *diag.Error with code bad-selector that suggests the nearest meaning.
func ParseSelector(s string) (Selector, error) {
	text := strings.Trim(s, " \t")
	switch {
	case text == "" || len(text) > maxSelector:
		return Selector{}, badSelector(text)
	case text == aliasLatest || text == aliasStable || text == aliasOldstable:
		return Selector{kind: Alias, text: text}, nil
	case text == wordSystem:
		return SystemSelector(), nil
	case looksLikeRange(text):
		if _, err := ParseRange(text); err != nil {
			return Selector{}, err
		}
		return Selector{kind: Range, text: text}, nil
	}
	v, numbers, ok := parseWritten(text)
	if !ok {
		return Selector{}, badSelector(text)
	}
	if numbers < 3 {
		return Selector{kind: Prefix, text: text, version: v, parts: numbers}, nil
	}
	return Selector{kind: Exact, text: text, version: v}, nil
}

// ExactSelector asks for the release v and no other. A language version that
// was never a release (1.22) gives the Prefix.
func ExactSelector(v Version) Selector {
	if v.IsZero() {
		return Selector{}
	}
	if !v.IsRelease() {
		return PrefixSelector(v)
	}
	text := v.text
	for strings.Count(text, ".") < 2 && !v.IsPrerelease() {
		text += ".0"
	}
	return Selector{kind: Exact, text: text, version: v}
}

// SystemSelector asks for the go that PATH has without vmgo.
func SystemSelector() Selector { return Selector{kind: System, text: wordSystem} }

// PrefixSelector asks for the newest patch of v's line.
func PrefixSelector(v Version) Selector {
	if v.IsZero() {
		return Selector{}
	}
	lang := v.Lang()
	text := lang.text
	if lang.minor == 0 {
		text += ".0"
	}
	return Selector{kind: Prefix, text: text, version: lang, parts: 2}
}

// Kind says what s asks for.
func (s Selector) Kind() Kind { return s.kind }

// Text returns the selector as it was written, without the space around it.
func (s Selector) Text() string { return s.text }

// Version returns the release of an Exact and the language version of a Prefix;
// it is zero for the others.
func (s Selector) Version() Version { return s.version }

// IsZero reports whether s asks for nothing.
func (s Selector) IsZero() bool { return s.kind == None }

// Match reports whether the release v is one that an Exact or Prefix accepts.
// It is false for the other kinds, which need Pick.
func (s Selector) Match(v Version) bool {
	switch s.kind {
	case Exact:
		return v == s.version
	case Prefix:
		return v.IsRelease() && !v.IsPrerelease() && v.major == s.version.major &&
			(s.parts == 1 || v.minor == s.version.minor)
	default:
		return false
	}
}

// Pick finds the newest of the candidates that s accepts. Prereleases count
// only where s names one: an Exact prerelease itself, and in a Range those of
// the lines of which it names a prerelease. ok is false when none fits, and
// always for System. A Range needs a parser; without one the error is
// [ErrNeedsRanges].
func (s Selector) Pick(candidates []Version, ranges RangeParser) (v Version, ok bool, err error) {
	match := s.Match
	switch s.kind {
	case None, System:
		return Version{}, false, nil
	case Alias:
		match = s.aliasMatch(candidates)
	case Range:
		if ranges == nil {
			return Version{}, false, ErrNeedsRanges
		}
		if match, err = ranges(s.text); err != nil {
			return Version{}, false, err
		}
	}
	v, ok = Newest(candidates, match)
	return v, ok, nil
}

// aliasMatch accepts every release for latest and stable; for oldstable those
// of the line just before that of the newest release.
func (s Selector) aliasMatch(candidates []Version) func(Version) bool {
	released := func(v Version) bool { return v.IsRelease() && !v.IsPrerelease() }
	if s.text != aliasOldstable {
		return released
	}
	latest, _ := Newest(candidates, released)
	return func(v Version) bool {
		return released(v) && v.major == latest.major && v.minor == latest.minor-1
	}
}

// Newest finds the highest of the candidates that match.
func Newest(candidates []Version, match func(Version) bool) (best Version, ok bool) {
	for _, v := range candidates {
		if (!ok || v.Compare(best) > 0) && match(v) {
			best, ok = v, true
		}
	}
	return best, ok
}

func badSelector(s string) error {
	if s == "" {
		return diag.New(diag.BadSelector, "an empty version", suggest(s)...)
	}
	return diag.New(diag.BadSelector, "not a version: "+quote(s), suggest(s)...)
}
