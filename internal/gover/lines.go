package gover

import "strconv"

// Lines is what is known of the release lines of Go (1.22, 1.23, …): which is the
// newest that is out. Go supports a line until two newer ones are out
// (go.dev/doc/devel/release).
type Lines struct{ newest int }

// KnownLines returns what this program knows of the lines, and what published
// releases show: a list of releases, or those that are installed. Prereleases do
// not count.
func KnownLines(published ...Version) Lines {
	days := lineDays()
	known := Lines{days[len(days)-1].minor}
	for _, v := range published {
		if v.IsRelease() && !v.IsPrerelease() {
			known.newest = max(known.newest, v.Minor())
		}
	}
	return known
}

// Ended reports whether the line of a version gets no more fixes.
func (l Lines) Ended(v Version) bool { return v.Minor() <= l.newest-2 }

// EndOfLife returns since when the line of a version gets no more fixes, as what
// follows "since": a day, or words where this program does not know the day; ""
// while it gets them.
func (l Lines) EndOfLife(v Version) string {
	if !l.Ended(v) {
		return ""
	}
	days := lineDays()
	for _, d := range days {
		if d.minor == v.Minor()+2 {
			return d.day
		}
	}
	if v.Minor()+2 < days[0].minor {
		return "before " + days[0].day
	}
	return "the release of 1." + strconv.Itoa(v.Minor()+2)
}

// lineDay is the day on which the first release of a line came out.
type lineDay struct {
	minor int
	day   string
}

// lineDays is in order, without gaps. The days are those of go.dev/doc/devel/release.
func lineDays() []lineDay {
	return []lineDay{
		{19, "2022-08-02"}, {20, "2023-02-01"}, {21, "2023-08-08"}, {22, "2024-02-06"}, {23, "2024-08-13"},
		{24, "2025-02-11"}, {25, "2025-08-12"}, {26, "2026-02-10"}, {27, "2026-08-18"},
	}
}
