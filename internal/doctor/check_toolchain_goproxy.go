package doctor

import (
	"context"
	"net/url"
	"strings"
)

func goproxySettingCheck() Check {
	return Check{
		ID: "toolchain.goproxy", Group: Toolchain, Weight: 6,
		Title:  "the value of GOPROXY",
		Why:    "modules and toolchains come through it; a misspelt entry fails every download",
		Source: "environment, `go env -w`, $GOROOT/go.env",
		Run:    runGoproxySetting,
	}
}

func runGoproxySetting(_ context.Context, m *Machine) Result {
	s := m.GoEnv("GOPROXY")
	if s.Value == "" {
		return ok("GOPROXY has Go's default")
	}
	entries := strings.FieldsFunc(s.Value, func(r rune) bool { return r == ',' || r == '|' })
	for i, e := range entries {
		if e == "direct" || e == "off" {
			if i+1 < len(entries) {
				return where(s, warn("GOPROXY: entries after %s are never used", e)).unset(m, s)
			}
			continue
		}
		if strings.Contains(e, ";") {
			return where(s, fail("GOPROXY has a semicolon in %q: entries are separated by commas or |", e)).unset(m, s)
		}
		if strings.ContainsAny(e, " \t") {
			return where(s, fail("GOPROXY has a blank in %q", e)).unset(m, s)
		}
		u, err := url.Parse(e)
		switch {
		case err != nil:
			return where(s, fail("GOPROXY has an entry that is not a URL")).unset(m, s)
		case u.Scheme == "http" && !loopback(u.Hostname()):
			return where(s, info("GOPROXY uses plain HTTP for %s", u.Host)).
				means("go.sum and the checksum database still decide what is accepted.")
		case u.Scheme == "file" && !m.Exists(u.Path):
			return where(s, fail("GOPROXY has a directory that does not exist")).unset(m, s)
		case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "file":
			return where(s, fail("GOPROXY has the scheme %q, which go does not know", u.Scheme)).unset(m, s)
		}
	}
	switch {
	case len(entries) == 0:
		return where(s, fail("GOPROXY is empty")).unset(m, s)
	case entries[0] == "off":
		return where(s, info("GOPROXY=off: go downloads nothing"))
	case entries[0] == "direct":
		return where(s, info("GOPROXY=direct: go clones each repository itself")).
			means("This needs git and access to every host, and is slower.")
	}
	return ok("%s", s.Value)
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}
