package cmd

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestBuild_isWhatTheGoCommandRecorded has no version for what has none: nothing is
// made up.
func TestBuild_isWhatTheGoCommandRecorded(t *testing.T) {
	t.Parallel()
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-28T07:34:36Z"}}
	for _, c := range []struct {
		version  string
		settings []debug.BuildSetting
		want     string
	}{
		{"v0.1.0", vcs, "v0.1.0 (0123456789ab of 2026-11-28, "},
		{"v0.1.0", nil, "v0.1.0 ("},
		{"v0.1.1-0.20261128073436-0123456789ab+dirty", vcs, "v0.1.1-0.20261128073436-0123456789ab+dirty (0123456789ab of 2026-11-28, "},
		{"(devel)", nil, "devel ("},
		{"", nil, "devel ("},
	} {
		got := buildOf(&debug.BuildInfo{Main: debug.Module{Version: c.version}, Settings: c.settings}).String()
		if want := c.want + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + ")"; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
