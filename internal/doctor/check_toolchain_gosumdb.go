package doctor

import (
	"context"
	"strings"
)

func gosumdbCheck() Check {
	return Check{
		ID: "toolchain.gosumdb", Group: Toolchain, Weight: 7,
		Title:  "whether new modules are verified against the checksum database",
		Why:    "without it, the server of a module decides its contents when it is first used",
		Source: "GOSUMDB, GONOSUMDB, GOPRIVATE: environment and `go env -w`",
		Run:    runGosumdb,
	}
}

func runGosumdb(_ context.Context, m *Machine) Result {
	if s := m.GoEnv("GOSUMDB"); s.Value == "off" {
		return where(s, warn("the checksum database is off")).unset(m, s)
	}
	for _, name := range []string{"GONOSUMDB", "GOPRIVATE"} {
		if s := m.GoEnv(name); s.IsSet() && matchesAll(s.Value) {
			return where(s, warn("%s exempts every module from the checksum database", name)).
				unset(m, s).means("List only your own modules: %s=git.example.com/team.", name)
		}
	}
	if value := m.Env["GONOSUMCHECK"]; value != "" {
		return warn("GONOSUMCHECK is not a variable that go reads").at("environment", 0, "GONOSUMCHECK=%s", value).fixWith("unset GONOSUMCHECK")
	}
	return ok("%s", m.GoEnv("GOSUMDB").Value)
}

// matchesAll reports whether a list of patterns matches every module.
func matchesAll(patterns string) bool {
	for p := range strings.SplitSeq(patterns, ",") {
		if p == "*" || p == "*.*" {
			return true
		}
	}
	return false
}
