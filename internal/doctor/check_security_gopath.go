package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/goenv"
)

func gopathPermissionsCheck() Check {
	return Check{
		ID: "security.gopath", Group: Security, Weight: 7,
		Title:  "whether all users may write to GOPATH or the caches",
		Why:    "files that another user puts there are compiled into your programs: go build does not check extracted modules again",
		Source: "stat of GOPATH, GOBIN, GOMODCACHE, GOCACHE",
		Run: func(_ context.Context, m *Machine) Result {
			r := ok("nobody else may write to GOPATH or the caches")
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
				r.Status, r.Summary = Fail, "all users may write to a directory of go"
				r = r.at(s.Value, 0, "%s, mode %04o", s.Name, modeBits(info.Mode())).closed(m, s.Value, info.Mode(), uid)
			}
			if looked == 0 {
				return skip("GOPATH and the caches do not exist yet")
			}
			return r
		},
	}
}

func (r Result) withEvidence(e []Evidence) Result {
	r.Evidence = append(r.Evidence, e...)
	return r
}
