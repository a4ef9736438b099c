package doctor

import (
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func hookOrderCheck() Check {
	return Check{
		ID: "hook.order", Group: Hook, Weight: 6,
		Title:  "lines that remove the hook again",
		Why:    "the hook works with direnv, starship, mise and zoxide in either order, but not with a line that replaces what runs at the prompt",
		Source: "assignments of PROMPT_COMMAND and precmd_functions after the hook, in the file that loads it",
		Run:    runHookOrder,
	}
}

func runHookOrder(_ context.Context, m *Machine) Result {
	var hook Assignment
	r := ok("none")
	for _, a := range m.Startup() {
		switch {
		case hookLine(a.Text):
			hook = a
		case hook.Path == a.Path && replacesPrompt(a):
			r.worse(Warn)
			r = r.at(a.Path, a.Line, "%s", a.Text)
		}
	}
	if hook.Path == "" {
		return skip("no startup file loads the hook")
	}
	r = r.at(hook.Path, hook.Line, "%s", hook.Text)
	if r.Status == OK {
		return r
	}
	r.Summary = "a line after the hook replaces what runs at the prompt"
	return r.fixWith("sed -i -e '%dh;%dd' -e '$G' %s", hook.Line, hook.Line, diag.Word(hook.Path)).
		means("The command moves the hook to the end of the file.")
}

// replacesPrompt reports whether a line assigns the list of what runs at the
// prompt without keeping what is in it.
func replacesPrompt(a Assignment) bool {
	switch a.Name {
	case "PROMPT_COMMAND":
		return !strings.Contains(a.Value, "$PROMPT_COMMAND") && !strings.Contains(a.Value, "${PROMPT_COMMAND")
	case "precmd_functions":
		return !strings.Contains(a.Value, "$precmd_functions") && !strings.Contains(a.Value, "${precmd_functions")
	}
	return false
}
