package vulndb

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func database(t *testing.T, entries ...string) *Database {
	t.Helper()
	d := &Database{}
	for _, text := range entries {
		e := &Entry{}
		if err := json.Unmarshal([]byte(text), e); err != nil {
			t.Fatal(err)
		}
		d.Entries = append(d.Entries, e)
	}
	d.index()
	return d
}

// Ranges are half open, may stand in any order, and prereleases are in order.
func TestDatabase_Affecting_ranges(t *testing.T) {
	t.Parallel()
	d := database(t, `{"id":"A","affected":[{"package":{"name":"m"},"ranges":[{"type":"SEMVER","events":
		[{"introduced":"1.22.0-0"},{"fixed":"1.22.2"},{"introduced":"0"},{"fixed":"1.21.9"}]}]},
		{"package":{"name":"m"},"ranges":[{"type":"SEMVER","events":[{"introduced":"1.30.0"}]}]}]}`)
	for version, want := range map[string]string{
		"v1.0.0": "v1.21.9", "v1.21.8": "v1.21.9", "v1.21.9": "-", "v1.21.99": "-", "v1.22.0-rc.1": "v1.22.2", "v1.22.1": "v1.22.2",
		"v1.22.2": "-", "v1.29.9": "-", "v1.30.0": "", "v1.31.0": "", "": "-", "(devel)": "-",
	} {
		got := "-"
		if matches := d.Affecting(Module{"m", version}, "", ""); len(matches) == 1 {
			got = matches[0].Fixed
		}
		if got != want {
			t.Errorf("Affecting(%q) is fixed in %q, want %q", version, got, want)
		}
	}
	if matches := d.Affecting(Module{"m/v2", "v1.0.0"}, "", ""); len(matches) != 0 {
		t.Errorf("another module is affected: %v", matches)
	}
}

// Entries may be for some platforms, without ranges, or withdrawn.
func TestDatabase_Affecting_entries(t *testing.T) {
	t.Parallel()
	d := database(t,
		`{"id":"windows","affected":[{"package":{"name":"m"},"ecosystem_specific":{"imports":[{"path":"m/w","goos":["windows"]}]}}]}`,
		`{"id":"arm","affected":[{"package":{"name":"m"},"ecosystem_specific":{"imports":[{"path":"m/a","goarch":["arm64"]},{"path":"m/b","goarch":["arm"]}]}}]}`,
		`{"id":"git","affected":[{"package":{"name":"m"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}]}`,
		`{"id":"gone","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"name":"m"}}]}`)
	for platform, want := range map[[2]string][]string{
		{"", ""}: {"windows", "arm", "git"}, {"linux", "amd64"}: {"git"}, {"windows", "arm"}: {"windows", "arm", "git"},
	} {
		var got []string
		for _, match := range d.Affecting(Module{"m", "v1.0.0"}, platform[0], platform[1]) {
			got = append(got, match.Entry.ID)
		}
		if len(got) != len(want) {
			t.Errorf("on %v: %v, want %v", platform, got, want)
		}
	}
}

func TestKept_damaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Kept(dir); !isAbsent(err) {
		t.Errorf("an empty directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, snapshotName), []byte("no zip"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Kept(dir); err == nil || isAbsent(err) {
		t.Errorf("a damaged file: %v", err)
	}
}

func TestDatabase_Made(t *testing.T) {
	t.Parallel()
	d := &Database{Version: "v0.0.0-20261105234957-e22db6528018"}
	if want := time.Date(2026, 11, 5, 23, 49, 57, 0, time.UTC); !d.Made().Equal(want) {
		t.Errorf("Made() = %v, want %v", d.Made(), want)
	}
	if d := (&Database{Version: "v1.0.0"}); !d.Made().IsZero() {
		t.Errorf("Made() of a release = %v", d.Made())
	}
}
