package doctor

import (
	"context"
	"strings"
)

func hookOrderCheck() Check {
	return Check{
		ID: "hook.order", Group: Hook, Weight: 5,
		Title:  "the hook's place among direnv, starship and others",
		Why:    "prompts that are set up later may drop it, and PATH lines after it put other programs in front",
		Source: "order of the lines of the file that loads the hook",
		Run:    runHookOrder,
	}
}

func runHookOrder(_ context.Context, m *Machine) Result {
	var hook Assignment
	r := ok("it is the last of them")
	for _, a := range m.Startup() {
		switch {
		case hookLine(a.Text):
			hook = a
		case hook.Path != a.Path:
		case promptTool(a.Text) != "":
			r.worse(Warn)
			r = r.at(a.Path, a.Line, "%s  # %s sets up its prompt after vmgo", a.Text, promptTool(a.Text))
		case a.Name == "PATH" && frontGo(m, a.Value):
			r.worse(Warn)
			r = r.at(a.Path, a.Line, "%s  # puts another go in front", a.Text)
		}
	}
	if hook.Path == "" {
		return skip("no startup file loads the hook")
	}
	if r.Status == OK {
		return r.at(hook.Path, hook.Line, "%s", hook.Text)
	}
	r.Summary = "lines after the hook may undo it"
	return r.at(hook.Path, hook.Line, "%s", hook.Text).
		mend("sed -i -e '%dh;%dd' -e '$G' %s", hook.Line, hook.Line, shellQuote(hook.Path)).
		means("The command moves the hook to the end of the file.")
}

// promptTool names a program that takes the prompt over.
func promptTool(text string) string {
	for _, tool := range []string{"starship init", "zoxide init", "oh-my-posh init", "direnv hook", "mise activate", "goenv init"} {
		if strings.Contains(text, tool) {
			name, _, _ := strings.Cut(tool, " ")
			return name
		}
	}
	return ""
}

// frontGo says whether a new value of PATH has, before the old one, a directory
// with a go that is not ours.
func frontGo(m *Machine, value string) bool {
	for part := range strings.SplitSeq(value, ":") {
		if strings.Contains(part, "$PATH") || strings.Contains(part, "${PATH") {
			return false
		}
		part = m.expandHome(part)
		if strings.HasPrefix(part, "/") && m.IsProgram(part+"/go") && m.identify(part+"/go").Kind != ShimGo {
			return true
		}
	}
	return false
}
