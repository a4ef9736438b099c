package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/ui"
)

func goenvCheck() Check {
	return Check{
		ID: "toolchain.goenv", Group: Toolchain, Weight: 4,
		Title:  "what `go env -w` has written",
		Why:    "these settings apply in every project and no shell shows them; the environment takes precedence",
		Source: "$XDG_CONFIG_HOME/go/env or $GOENV",
		Run:    runGoenv,
	}
}

// runGoenv lists the file. What single settings do is judged by the checks of
// their names; here it is about those that do not have the effect they seem to.
func runGoenv(_ context.Context, m *Machine) Result {
	file := m.GoEnvFile()
	lines := m.goEnvLines(file)
	ignored := m.ignoredLines(file, lines)
	if len(lines)+len(ignored) == 0 {
		return ok("nothing")
	}
	r := Result{Status: Info, Summary: ui.Count(len(lines), "setting") + " in " + file}
	hidden := 0
	for i, s := range lines {
		note := ""
		switch value := m.Env[s.Name]; {
		case value != "" && value != s.Value:
			note = "hidden: the environment has " + value
		case slices.ContainsFunc(lines[i+1:], func(later goenv.Setting) bool { return later.Name == s.Name }):
			note = "hidden by a later line with the same name"
		case s.Name != strings.ToUpper(s.Name):
			note = "not a variable of go"
		}
		if note == "" {
			r = where(s, r)
			continue
		}
		hidden++
		r = r.at(s.Path, s.Line, "%s=%s  # %s", s.Name, s.Value, note)
	}
	for _, line := range ignored {
		r = r.at(file, line, "%s  # not a variable of go", m.rawLine(file, line))
	}
	if hidden += len(ignored); hidden > 0 {
		r.Status, r.Summary = Warn, ui.Count(hidden, "setting")+" of go env -w without effect"
		return r.fixWith("go env -changed").means("Keep the value that you want, and remove the other.")
	}
	return r
}

// ignoredLines returns the numbers of the lines that set nothing, though they are
// neither empty nor comments.
func (m *Machine) ignoredLines(file string, settings []goenv.Setting) []int {
	var ignored []int
	for i, line := range m.Lines(file) {
		line = strings.TrimSpace(line)
		sets := slices.ContainsFunc(settings, func(s goenv.Setting) bool { return s.Line == i+1 })
		if !sets && line != "" && !strings.HasPrefix(line, "#") {
			ignored = append(ignored, i+1)
		}
	}
	return ignored
}
