package doctor

import (
	"strconv"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
)

// endOfLife returns the date since which a release gets no more fixes, "" while it gets them:
// by the rule of `vmgo list` and `vmgo outdated`.
func (m *Machine) endOfLife(v gover.Version) string {
	known := []gover.Version{release.KeptNewest(m.realLayout().Cache)}
	for _, r := range m.Releases() {
		known = append(known, r.Version)
	}
	return gover.KnownLines(known...).EndOfLife(v)
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
