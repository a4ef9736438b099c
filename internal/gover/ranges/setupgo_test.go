package ranges_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
)

// A version file that actions/setup-go reads too gives the same release there
// and here. https://github.com/actions/setup-go#supported-version-syntax
func TestPick_agreesWithSetupGo(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/setup-go.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var releases []gover.Version
	for _, name := range strings.Fields(lines[1])[1:] {
		releases = append(releases, mustParse(t, name))
	}
	for _, line := range lines[2:] {
		spec, want, _ := strings.Cut(line, "\t")
		selector, err := gover.ParseSelector(spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		got := "none"
		v, ok, err := selector.Pick(releases, ranges.Parse)
		if ok {
			got = v.String()
		}
		if got != want || err != nil {
			t.Errorf("%s: %s, %v; setup-go takes %s", spec, got, err, want)
		}
	}
	if len(lines) < 60 {
		t.Errorf("only %d lines", len(lines))
	}
}
