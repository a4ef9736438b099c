package gover

import (
	"testing"
	"time"
)

func TestLineDays_areInOrder(t *testing.T) {
	t.Parallel()
	days := lineDays()
	for i, d := range days {
		if _, err := time.Parse(time.DateOnly, d.day); err != nil {
			t.Error(err)
		}
		if i > 0 && (d.minor != days[i-1].minor+1 || d.day <= days[i-1].day) {
			t.Errorf("1.%d does not follow 1.%d", d.minor, days[i-1].minor)
		}
	}
}

func TestLines_endOfLife(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ published, version, since string }{
		{"", "1.27.1", ""},
		{"", "1.26.8", ""},
		{"", "1.25.13", "2026-08-18"},
		{"", "1.25rc1", "2026-08-18"},
		{"", "1.20.14", "2024-02-06"},
		{"", "1.4", "before 2022-08-02"},
		{"1.23.1", "1.22.5", "2025-02-11"}, // an old list does not make a line young again
		{"1.28.0", "1.26.8", "the release of 1.28"},
		{"1.28.0", "1.27.4", ""},
		{"1.28rc2", "1.26.8", ""},
	} {
		var published []Version
		if c.published != "" {
			published = append(published, parsed(t, c.published))
		}
		if got := KnownLines(published...).EndOfLife(parsed(t, c.version)); got != c.since {
			t.Errorf("%s, of which %q is published: end of life %q, want %q", c.version, c.published, got, c.since)
		}
	}
}

// parsed returns the version that text is.
func parsed(t *testing.T, text string) Version {
	t.Helper()
	v, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
