package modpath_test

import (
	"testing"

	"github.com/vmgo/vmgo/internal/modpath"
)

func TestMatchVersion_patternsMayNameOneVersion(t *testing.T) {
	t.Parallel()
	const patterns = "example.com/lib@v1.1.0, example.com/bad,*.corp.example"
	for _, c := range []struct {
		path, version string
		want          bool
	}{
		{"example.com/lib", "v1.1.0", true},
		{"example.com/lib/v2", "v1.1.0", true},
		{"example.com/lib", "v1.0.0", false},
		{"example.com/lib", "", false},
		{"example.com/bad/inner", "v1.0.0", true},
		{"example.com/badge", "v1.0.0", false},
		{"git.corp.example/x", "", true},
	} {
		if got := modpath.MatchVersion(patterns, c.path, c.version); got != c.want {
			t.Errorf("%s %s: %v", c.path, c.version, got)
		}
	}
	if modpath.MatchVersion("", "example.com/lib", "v1.0.0") {
		t.Error("an empty list matches")
	}
}

func TestJoin_leavesOutNone(t *testing.T) {
	t.Parallel()
	if got := modpath.Join("a.example", "", "none", "b.example/*"); got != "a.example,b.example/*" {
		t.Error(got)
	}
}

func TestIsExact_onlyWholeVersionsInCanonicalForm(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"v1.0.0": true, "v1.0": false, "master": false, "v1.0.0+meta": false, "v2.0.0": false, "v2.0.0+incompatible": true, "v0.0.0-20260101000000-0123456789ab": true} {
		if got := modpath.IsExact("example.com/lib", version); got != want {
			t.Errorf("%s: %v", version, got)
		}
	}
}
