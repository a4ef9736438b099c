package gover_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
)

func TestParseSelector(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in      string
		kind    gover.Kind
		text    string
		version string
	}{
		{"1.22.5", gover.Exact, "1.22.5", "1.22.5"},
		{"go1.22.5", gover.Exact, "go1.22.5", "1.22.5"},
		{" \t1.22.5\t ", gover.Exact, "1.22.5", "1.22.5"},
		{"1.22.0", gover.Exact, "1.22.0", "1.22.0"},
		{"1.20.0", gover.Exact, "1.20.0", "1.20"},
		{"1.0.0", gover.Exact, "1.0.0", "1"},
		{"1.23rc1", gover.Exact, "1.23rc1", "1.23rc1"},
		{"go1.18beta1", gover.Exact, "go1.18beta1", "1.18beta1"},
		{"1.22", gover.Prefix, "1.22", "1.22"},
		{"go1.22", gover.Prefix, "go1.22", "1.22"},
		{"1.20", gover.Prefix, "1.20", "1.20"},
		{"1", gover.Prefix, "1", "1"},
		{"go1", gover.Prefix, "go1", "1"},
		{"1.0", gover.Prefix, "1.0", "1"},
		{"latest", gover.Alias, "latest", ""},
		{"stable", gover.Alias, "stable", ""},
		{"oldstable", gover.Alias, "oldstable", ""},
		{"system", gover.System, "system", ""},
		{">=1.21 <1.23", gover.Range, ">=1.21 <1.23", ""},
		{">= 1.21, < 1.23", gover.Range, ">= 1.21, < 1.23", ""},
		{"~1.22.3", gover.Range, "~1.22.3", ""},
		{"^1.21", gover.Range, "^1.21", ""},
		{"=1.22.5", gover.Range, "=1.22.5", ""},
		{"!=1.22.5", gover.Range, "!=1.22.5", ""},
		{">go1.22rc1", gover.Range, ">go1.22rc1", ""},
		{"~1.20 || >=1.22", gover.Range, "~1.20 || >=1.22", ""},
	} {
		s, err := gover.ParseSelector(test.in)
		if err != nil {
			t.Errorf("ParseSelector(%q): %v", test.in, err)
			continue
		}
		if s.Kind() != test.kind || s.Text() != test.text || s.Version().String() != test.version || s.IsZero() {
			t.Errorf("ParseSelector(%q) = kind %d, text %q, version %q", test.in, s.Kind(), s.Text(), s.Version())
		}
	}
}

func TestParseSelectorRefuses(t *testing.T) {
	t.Parallel()
	const form = "a version looks like"
	for _, test := range []struct{ in, hint string }{
		{"", form}, {"   ", form}, {"junk", form}, {"../../etc", form}, {"/etc/passwd", form}, {"$(reboot)", form},
		{"1.22\n1.23", "1.22"}, {"1.22\x00", "1.22"}, {strings.Repeat("1", 5000), form}, {"é", form}, {"ref:main", form},
		{"V1.22", "did you mean 1.22?"},
		{"1.22.", "did you mean 1.22?"},
		{"1.22.5.x", "did you mean 1.22.5?"},
		{"1.x.x.x", "did you mean 1?"},
		{"1.x.5", "did you mean 1?"},
		{"vgo1.22", form},
		{"gov1.22", "did you mean 1.22?"},
		{"1.23.1-rc.1", "did you mean 1.23.1?"},
		{"1.23.0-rc", "did you mean 1.23.0?"},
		{"1.23.0-rc..1", "did you mean 1.23rc1?"},
		{"x", "did you mean latest?"},
		{"01.22.5", "did you mean 1.22.5?"},
		{"1.022.05", "did you mean 1.22.5?"},
		{"1.22.5.1", "did you mean 1.22.5?"},
		{"1.22.5-custom", "did you mean 1.22.5?"},
		{"1.23-rc1", "did you mean 1.23rc1?"},
		{"1.23.rc1", "did you mean 1.23rc1?"},
		{"1.23RC1", "did you mean 1.23rc1?"},
		{"golang1.22", "did you mean 1.22?"},
		{"golang-1.22.5", "did you mean 1.22.5?"},
		{"go-1.22.5", "did you mean 1.22.5?"},
		{"go@1.22.5", "did you mean 1.22.5?"},
		{"@1.22.5", "did you mean 1.22.5?"},
		{"go 1.22.5", "did you mean 1.22.5?"},
		{"go:1.22.5", "did you mean 1.22.5?"},
		{"GO1.22.5", "did you mean 1.22.5?"},
		{`"1.22.5"`, "did you mean 1.22.5?"},
		{"'1.22.5'", "did you mean 1.22.5?"},
		{"1.22.5 linux/amd64", "did you mean 1.22.5?"},
		{"1.9.2rc2", "did you mean 1.9.2?"},
		{"Latest", "did you mean latest?"},
		{"@latest", "did you mean latest?"},
		{"lts", "did you mean latest?"},
		{"*", "did you mean latest?"},
		{"old-stable", "did you mean oldstable?"},
		{"SYSTEM", "did you mean system?"},
		{">=", "other ranges"}, {">=1.21 <", "other ranges"}, {"1.21 - <1.23", "other ranges"},
		{">=1.21 - 1.23", "other ranges"}, {">=01.21", "other ranges"}, {"=>1.21", "other ranges"}, {">=1.21 ||", "other ranges"},
		{"|| 1.21", "other ranges"}, {">=1.21,", "other ranges"}, {",>=1.21", "other ranges"},
		{">=1.21 | <1.23", "other ranges"}, {"==1.21", "other ranges"}, {">=latest", "other ranges"},
		{"<<<<<<< HEAD", "other ranges"}, {">=1.22.5.x", "other ranges"}, {">=" + strings.Repeat("1", 5000), ""},
	} {
		s, err := gover.ParseSelector(test.in)
		if err == nil {
			t.Errorf("ParseSelector(%q) = %q", test.in, s.Text())
			continue
		}
		hints := strings.Join(diag.HintsOf(err), "\n")
		if diag.CodeOf(err) != diag.BadSelector || !strings.Contains(hints, test.hint) || hints == "" {
			t.Errorf("ParseSelector(%q): code %q, hints %q; want %q", test.in, diag.CodeOf(err), hints, test.hint)
		}
		if len(err.Error()) > 200 {
			t.Errorf("ParseSelector(%.20q...): the message has %d bytes", test.in, len(err.Error()))
		}
	}
}

// versionsOf parses a list for the tests of Pick.
func versionsOf(t testing.TB, list string) (versions []gover.Version) {
	t.Helper()
	for _, s := range strings.Fields(list) {
		versions = append(versions, parse(t, s))
	}
	return versions
}

func TestPick(t *testing.T) {
	t.Parallel()
	const all = "1.22.5 1.20rc2 1.20 1.20.14 1.21.0 1.22rc2 1.22.12 1.21rc4 1.21.13 1.24rc1 1.23.4 1.19.13 1.24beta1"
	for _, test := range []struct{ selector, from, want string }{
		{"1.22.5", all, "1.22.5"}, {"go1.22.5", all, "1.22.5"}, {"1.22.6", all, ""},
		{"1.22", all, "1.22.12"}, {"go1.22", all, "1.22.12"}, {"1.20", all, "1.20.14"}, {"1.20.0", all, "1.20"},
		{"1.20", "1.20", "1.20"}, {"1.20", "1.20rc2", ""}, {"1.20", "1.20rc2 1.20", "1.20"}, {"1.20.0", "1.20.14", ""},
		{"1", all, "1.23.4"}, {"1", "2.1.0", ""}, {"1.0", "1 1.0.3 1.1", "1.0.3"}, {"1.2", all, ""}, {"1.2", "1.2.2", "1.2.2"},
		{"1.24", all, ""}, {"1.24rc1", all, "1.24rc1"}, {"1.24beta1", all, "1.24beta1"}, {"1.24rc2", all, ""},
		{"latest", all, "1.23.4"}, {"stable", all, "1.23.4"}, {"oldstable", all, "1.22.12"},
		{"latest", "", ""}, {"latest", "1.24rc1", ""}, {"oldstable", "1.23.4", ""}, {"oldstable", "", ""},
		{"oldstable", "1.23.4 1.21.3", ""}, {"oldstable", "1.24rc1 1.23.4 1.22.1", "1.22.1"},
		{"system", all, ""},
		{">=1.21 <1.23", all, "1.22.12"}, {"~1.22.3", all, "1.22.12"}, {"^1.21", all, "1.23.4"}, {">1.24", all, ""},
	} {
		s, err := gover.ParseSelector(test.selector)
		if err != nil {
			t.Fatal(err)
		}
		v, ok, err := s.Pick(versionsOf(t, test.from), ranges.Parse)
		if err != nil || v.String() != test.want || ok != (test.want != "") {
			t.Errorf("%q from %q = %q, %t, %v; want %q", test.selector, test.from, v, ok, err, test.want)
		}
	}
}

func TestPickWithoutRangeParser(t *testing.T) {
	t.Parallel()
	s, err := gover.ParseSelector("^1.21")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Pick(versionsOf(t, "1.22.5"), nil); !errors.Is(err, gover.ErrNeedsRanges) {
		t.Errorf("Pick without a parser: %v", err)
	}
	if s.Match(parse(t, "1.22.5")) {
		t.Error("Match decided a range")
	}
	if _, ok, err := (gover.Selector{}).Pick(versionsOf(t, "1.22.5"), nil); ok || err != nil {
		t.Errorf("the zero selector picked something: %v", err)
	}
}

func TestMadeSelectors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ version, exact, prefix string }{
		{"1.22.5", "1.22.5", "1.22"}, {"1.22.0", "1.22.0", "1.22"}, {"1.20", "1.20.0", "1.20"}, {"1.20.3", "1.20.3", "1.20"},
		{"1.23rc1", "1.23rc1", "1.23"}, {"1.22", "1.22", "1.22"}, {"1", "1.0.0", "1.0"}, {"1.0.3", "1.0.3", "1.0"},
	} {
		v := parse(t, test.version)
		for _, made := range []struct {
			selector gover.Selector
			want     string
		}{{gover.ExactSelector(v), test.exact}, {gover.PrefixSelector(v), test.prefix}} {
			read, err := gover.ParseSelector(made.selector.Text())
			if made.selector.Text() != made.want || err != nil || read != made.selector {
				t.Errorf("for %s: made %q, want %q; reads back as %+v, %v", v, made.selector.Text(), made.want, read, err)
			}
		}
		if v.IsRelease() && !gover.ExactSelector(v).Match(v) {
			t.Errorf("the exact selector of %s does not match it", v)
		}
	}
	if !gover.ExactSelector(gover.Version{}).IsZero() || !gover.PrefixSelector(gover.Version{}).IsZero() {
		t.Error("the zero version made a selector")
	}
	if read, err := gover.ParseSelector("system"); err != nil || read != gover.SystemSelector() {
		t.Errorf("system reads as %+v, %v", read, err)
	}
}

// FuzzSelector: a selector reads back from its text as itself, what an error
// suggests is a selector, and a range that the grammar takes can be decided.
func FuzzSelector(f *testing.F) {
	for _, s := range []string{
		"1.22.5", "go1.20", "1.20.0", "1", "1.23rc1", "latest", "oldstable", "system", ">=1.21 <1.23", "~1.22.3 || ^1.24",
		"v1.22.5", "1.22.x", "1.23.0-rc.1", "", "../../etc", "=>1.2", "1.21 - 1.23", "<1.2,>1.3", "!=1.21rc1",
	} {
		f.Add(s)
	}
	candidates := versionsOf(f, strings.Join(ordered, " "))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := gover.ParseSelector(text)
		if err != nil {
			for _, hint := range diag.HintsOf(err) {
				if _, meant, found := strings.Cut(hint, "# did you mean "); found {
					meant = strings.Trim(meant, "'?")
					if _, err := gover.ParseSelector(meant); err != nil {
						t.Fatalf("for %q the hint %q is no selector", text, hint)
					}
				}
			}
			return
		}
		again, err := gover.ParseSelector(s.Text())
		if err != nil || again != s {
			t.Fatalf("%q reads back as %+v, %v", s.Text(), again, err)
		}
		v, ok, err := s.Pick(candidates, ranges.Parse)
		if err != nil {
			t.Fatalf("%q cannot be decided: %v", text, err)
		}
		if ok && s.Kind() != gover.Exact && s.Kind() != gover.Range && v.IsPrerelease() {
			t.Fatalf("%q picked the prerelease %s", text, v)
		}
	})
}
