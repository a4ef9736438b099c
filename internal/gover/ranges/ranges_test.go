package ranges_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
)

const releases = "1 1.19.13 1.20rc3 1.20 1.20.14 1.21rc2 1.21.0 1.21.13 1.22beta1 1.22rc1 1.22rc2 1.22.0 1.22.3 1.22.12 1.23rc1 1.23.0 1.23.4 2.1.0"

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{">=1.21 <1.23", "1.21.0 1.21.13 1.22.0 1.22.3 1.22.12"},
		{">=1.21, <1.23", "1.21.0 1.21.13 1.22.0 1.22.3 1.22.12"},
		{">= 1.21 < 1.23", "1.21.0 1.21.13 1.22.0 1.22.3 1.22.12"},
		{">=go1.21 <go1.22", "1.21.0 1.21.13"},
		{">=1.21.0 <1.22.0", "1.21.0 1.21.13"},
		{">1.22", "1.23.0 1.23.4 2.1.0"},
		{">1.22.3 <2", "1.22.12 1.23.0 1.23.4"},
		{"<1.20", "1 1.19.13"},
		{"<=1.20", "1 1.19.13 1.20 1.20.14"},
		{"<1.20.0", "1 1.19.13"},
		{"<=1.20.0", "1 1.19.13 1.20"},
		{"=1.22", "1.22.0 1.22.3 1.22.12"},
		{"=1.22.3", "1.22.3"},
		{"=1", "1 1.19.13 1.20 1.20.14 1.21.0 1.21.13 1.22.0 1.22.3 1.22.12 1.23.0 1.23.4"},
		{"=1.20.0", "1.20"},
		{">=1.22 !=1.22.3 <2", "1.22.0 1.22.12 1.23.0 1.23.4"},
		{">=1.22 !=1.22 <2", "1.23.0 1.23.4"},
		{"~1.22.3", "1.22.3 1.22.12"},
		{"~1.22", "1.22.0 1.22.3 1.22.12"},
		{"^1.21", "1.21.0 1.21.13 1.22.0 1.22.3 1.22.12 1.23.0 1.23.4"},
		{"^1.22.3", "1.22.3 1.22.12 1.23.0 1.23.4"},
		{"~1.20 || ~1.23", "1.20 1.20.14 1.23.0 1.23.4"},
		{">=1.23 || <1.20", "1 1.19.13 1.23.0 1.23.4 2.1.0"},
		{">1.23 <1.22", ""},
		// A prerelease passes where the range names one of its line.
		{">=1.22rc1 <1.23", "1.22rc1 1.22rc2 1.22.0 1.22.3 1.22.12"},
		{">=1.22beta1 <1.22.3", "1.22beta1 1.22rc1 1.22rc2 1.22.0"},
		{">1.22rc1 <=1.22.0", "1.22rc2 1.22.0"},
		{">=1.22rc1 <1.24", "1.22rc1 1.22rc2 1.22.0 1.22.3 1.22.12 1.23.0 1.23.4"},
		{">=1.21 <1.22rc2", "1.21.0 1.21.13 1.22beta1 1.22rc1"},
		{"=1.22rc1", "1.22rc1"},
		{"~1.22rc2", "1.22rc2 1.22.0 1.22.3 1.22.12"},
		{"^1.23rc1", "1.23rc1 1.23.0 1.23.4"},
		{">=1.22 <=1.22rc1", "1.22beta1 1.22rc1"}, // Go holds 1.22 below its prereleases
		{">=1.20rc1 <1.21", "1.20rc3 1.20 1.20.14"},
	} {
		match, err := ranges.Parse(test.text)
		if err != nil {
			t.Errorf("Parse(%q): %v", test.text, err)
			continue
		}
		var got []string
		for _, s := range strings.Fields(releases) {
			v, err := gover.Parse(s)
			if err != nil {
				t.Fatal(err)
			}
			if match(v) {
				got = append(got, s)
			}
		}
		if want := strings.Fields(test.want); !slices.Equal(got, want) {
			t.Errorf("%q matches\n     %q\nwant %q", test.text, got, want)
		}
		for _, none := range []gover.Version{{}, mustParse(t, "1.22")} {
			if match(none) {
				t.Errorf("%q matches %q, which is no release", test.text, none)
			}
		}
	}
}

func mustParse(t *testing.T, s string) gover.Version {
	t.Helper()
	v, err := gover.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "latest", ">=01.22", ">=1.22.5.x", ">=vv1.22", ">=1.22.1-rc.1", "=>1.22", ">=1.22 ||", ">= ",
		">=1.21 - 1.23", "1.21 - ", "1.21 - 1.22 <1.23", ">~1.22", ">=1.9.2rc2", strings.Repeat(">=1.22 ", 100),
	} {
		if _, err := ranges.Parse(text); diag.CodeOf(err) != diag.BadSelector || len(diag.HintsOf(err)) == 0 {
			t.Errorf("Parse(%q): %v", text, err)
		}
	}
}
