package doctor

import (
	"context"
	"strings"
)

func goenvCheck() Check {
	return Check{
		ID: "toolchain.goenv", Group: Toolchain, Weight: 7,
		Title:  "what `go env -w` has written",
		Why:    "these settings hold in every project and no shell shows them",
		Source: "$XDG_CONFIG_HOME/go/env or $GOENV",
		Run:    runGoenv,
	}
}

func runGoenv(_ context.Context, m *Machine) Result {
	file := m.GoEnvFile()
	lines := m.parseGoEnv(file)
	if len(lines) == 0 {
		return ok("nothing")
	}
	r := Result{Status: Info, Summary: plural(len(lines), "setting") + " in " + file}
	for _, s := range lines {
		bad := badEverywhere(s)
		if bad == "" {
			r = r.at(s.Path, s.Line, "%s=%s", s.Name, s.Value)
			continue
		}
		r.worse(Warn)
		r = r.at(s.Path, s.Line, "%s=%s  # %s", s.Name, s.Value, bad).mend("go env -u %s", s.Name).
			safely(dropLine(s.Path, s.Line, m.rawLine(s.Path, s.Line)))
	}
	if r.Status == Warn {
		r.Summary = "go env -w has left settings that break projects"
	}
	return r
}

// badEverywhere says why a setting should not hold in every project.
func badEverywhere(s GoSetting) string {
	switch {
	case s.Name == "GOTOOLCHAIN" && strings.HasPrefix(s.Value, "go1"):
		return "pins a toolchain for every project"
	case s.Name == "GOFLAGS" && strings.Contains(s.Value, "-mod=vendor"):
		return "fails wherever there is no vendor directory, and for go install"
	case s.Name == "GO111MODULE" && s.Value != "on":
		return "modules have been the default since 1.16"
	case s.Name == "GOSUMDB" && s.Value == "off":
		return "new modules are not checked against the public log"
	case (s.Name == "GONOSUMDB" || s.Name == "GOPRIVATE" || s.Name == "GOINSECURE") && matchesAll(s.Value):
		return "exempts every module"
	}
	return ""
}

// matchesAll says whether a list of patterns matches every module.
func matchesAll(patterns string) bool {
	for p := range strings.SplitSeq(patterns, ",") {
		if p == "*" || p == "*.*" {
			return true
		}
	}
	return false
}
