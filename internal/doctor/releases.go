package doctor

import (
	"strconv"

	"github.com/vmgo/vmgo/internal/gover"
)

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
// [gover.Version.SwitchesUnsafely] says which releases have them.
type bypass struct{ id, origin string }

func bypasses() []bypass {
	return []bypass{
		{"CVE-2026-42501", "https://go.dev/issue/79070"},
		{"CVE-2026-56864", "https://go.dev/issue/80745"},
		{"CVE-2026-56865", "https://pkg.go.dev/vuln/GO-2026-6179"},
	}
}

// safePatch is the first patch of v's line that has no such hole; false if the
// line got none.
func safePatch(v gover.Version) (gover.Version, bool) {
	for patch := max(v.Patch(), 0); patch < 100; patch++ {
		p, err := gover.Parse(v.Lang().String() + "." + strconv.Itoa(patch))
		if err == nil && !p.SwitchesUnsafely() {
			return p, true
		}
	}
	return gover.Version{}, false
}
