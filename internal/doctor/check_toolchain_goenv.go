package doctor

import (
	"context"
	"strings"
)

func goenvCheck() Check {
	return Check{
		ID: "toolchain.goenv", Group: Toolchain, Weight: 4,
		Title:  "what `go env -w` has written",
		Why:    "these settings hold in every project and no shell shows them; the environment goes before them",
		Source: "$XDG_CONFIG_HOME/go/env or $GOENV",
		Run:    runGoenv,
	}
}

// runGoenv lists the file. What single settings do is judged by the checks of
// their names; here it is about those that do not have the effect they seem to.
func runGoenv(_ context.Context, m *Machine) Result {
	file := m.GoEnvFile()
	lines := m.parseGoEnv(file)
	if len(lines) == 0 {
		return ok("nothing")
	}
	r := Result{Status: Info, Summary: plural(len(lines), "setting") + " in " + file}
	hidden := 0
	seen := map[string]bool{}
	for _, s := range lines {
		note := ""
		switch value := m.Env[s.Name]; {
		case value != "" && value != s.Value:
			note = "hidden: the environment has " + value
		case seen[s.Name]:
			note = "hidden by the line before with the same name"
		case s.Name != strings.ToUpper(s.Name):
			note = "no variable of go"
		}
		seen[s.Name] = true
		if note == "" {
			r = r.at(s.Path, s.Line, "%s=%s", s.Name, s.Value)
			continue
		}
		hidden++
		r = r.at(s.Path, s.Line, "%s=%s  # %s", s.Name, s.Value, note)
	}
	if hidden > 0 {
		r.Status, r.Summary = Warn, plural(hidden, "setting")+" of go env -w without effect"
		return r.mend("go env -changed").means("Decide which of the two you mean, and take the other away.")
	}
	return r
}
