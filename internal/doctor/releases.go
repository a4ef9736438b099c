package doctor

import "github.com/vmgo/vmgo/internal/gover"

// releaseDay is when the first release of a line came out. Go supports a line
// until two newer ones are out (go.dev/doc/devel/release).
type releaseDay struct {
	minor int
	day   string
}

func releaseDays() []releaseDay {
	return []releaseDay{
		{19, "2022-08-02"}, {20, "2023-02-01"}, {21, "2023-08-08"}, {22, "2024-02-06"}, {23, "2024-08-13"},
		{24, "2025-02-11"}, {25, "2025-08-12"}, {26, "2026-02-10"}, {27, "2026-08-18"},
	}
}

// endOfLife says since when a release gets no more fixes; empty while it does,
// as far as this program or the installed releases can tell.
func (m *Machine) endOfLife(v gover.Version) string {
	days := releaseDays()
	newest := days[len(days)-1].minor
	for _, r := range m.Releases() {
		if r.Version.IsRelease() && !r.Version.IsPrerelease() {
			newest = max(newest, r.Version.Minor())
		}
	}
	if v.Minor()+2 > newest {
		return ""
	}
	for _, d := range days {
		if d.minor == v.Minor()+2 {
			return d.day
		}
	}
	if v.Minor()+2 < days[0].minor {
		return "before " + days[0].day
	}
	return "not long ago"
}

// bypass is a hole through which a module proxy or a checksum database can make
// a go command accept a toolchain that the public log does not vouch for.
type bypass struct {
	id     string
	fixed  []string // the first release of each line that has the fix
	origin string
}

func bypasses() []bypass {
	return []bypass{
		{"CVE-2026-42501", []string{"1.25.10", "1.26.3", "1.27.0"}, "https://go.dev/issue/79070"},
		{"CVE-2026-56864", []string{"1.25.13", "1.26.6", "1.27.0"}, "https://go.dev/issue/80745"},
		{"CVE-2026-56865", []string{"1.25.13", "1.26.6", "1.27.0"}, "GO-2026-6179"},
	}
}

// holes are the bypasses that a release has. Releases before 1.21 never fetch
// another toolchain.
func holes(v gover.Version) []bypass {
	if v.IsZero() || v.Major() == 1 && v.Minor() < 21 {
		return nil
	}
	var open []bypass
	for _, b := range bypasses() {
		if !hasFix(v, b.fixed) {
			open = append(open, b)
		}
	}
	return open
}

func hasFix(v gover.Version, fixed []string) bool {
	for _, text := range fixed {
		f, err := gover.Parse(text)
		if err == nil && v.Lang() == f.Lang() {
			return v.Compare(f) >= 0
		}
	}
	last, err := gover.Parse(fixed[len(fixed)-1])
	return err == nil && v.Compare(last) >= 0
}
