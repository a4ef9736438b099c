package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/goenv"
)

func gopathPermissionsCheck() Check {
	return Check{
		ID: "security.gopath", Group: Security, Weight: 7,
		Title:  "whether everybody may write into GOPATH or the caches",
		Why:    "what another user puts there is compiled into your programs: go build does not check extracted modules again",
		Source: "stat of GOPATH, GOBIN, GOMODCACHE, GOCACHE",
		Run: func(_ context.Context, m *Machine) Result {
			r := ok("nobody else may write there")
			looked := 0
			for _, s := range []goenv.Setting{
				{Name: "GOPATH", Value: m.GOPATH()}, {Name: "GOBIN", Value: m.GOBIN()}, m.GoEnv("GOMODCACHE"), m.GoEnv("GOCACHE"),
			} {
				info, err := m.Stat(s.Value)
				if s.Value == "" || err != nil {
					continue
				}
				looked++
				if info.Mode().Perm()&0o002 == 0 {
					continue
				}
				uid, _ := m.Owner(s.Value)
				r.Status, r.Summary = Fail, "everybody may write there"
				r = r.at(s.Value, 0, "%s, mode %04o", s.Name, modeBits(info.Mode())).closed(m, s.Value, info.Mode(), uid)
			}
			if looked == 0 {
				return skip("none of them exists yet")
			}
			return r
		},
	}
}

func (r Result) withEvidence(e []Evidence) Result {
	r.Evidence = append(r.Evidence, e...)
	return r
}
