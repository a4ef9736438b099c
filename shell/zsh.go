package shell

import (
	_ "embed" // the hook script
	"strings"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.zsh
var zshHook string

//go:embed completion.zsh
var zshCompletion string

// zsh speaks to zsh 5.0 and later.
type zsh struct{}

// Name is "zsh".
func (zsh) Name() string { return "zsh" }

// About says where zsh reads what.
func (zsh) About() About {
	return About{
		StartupFile: "~/.zshrc",
		Completion:  zshCompletion, CompletionFile: "a directory of your fpath, as the file _vmgo",
		Syntax:      []string{"zsh", "-n"},
		Interactive: []string{"zsh", "-f", "-i"},
	}
}

func (z zsh) load(vmgo string) string { return posixLoad(z, vmgo) }

func (zsh) key(t *strings.Builder, n int) { posixKey(t, n) }

// Quote puts s between single quotes.
func (z zsh) Quote(s string) string { return quoted(z, s) }

// quote spells out a text with a newline, which cannot stand between quotes
// under the option CSH_JUNKIE_QUOTES.
func (zsh) quote(t *strings.Builder, s string) {
	if s, _, _ = strings.Cut(s, "\x00"); strings.Contains(s, "\n") {
		spell(t, s)
	} else {
		single(t, s)
	}
}

// Hook returns the script for ~/.zshrc. It is read and run under zsh's own
// defaults, which stick to the functions that it defines (and to those that
// these define): no alias and no option of the user reaches into them. What is
// read under the user's options is one command with a quoted line for each line
// of the script.
func (z zsh) Hook(p Programs) string {
	var t strings.Builder
	t.WriteString(`\builtin 'emulate' 'zsh' '-o' 'no_aliases' '-o' 'no_xtrace' '-c' `)
	for line := range strings.Lines(fill(zshHook, z, p)) {
		single(&t, strings.TrimSuffix(line, "\n"))
		t.WriteString(`$'\n'` + "\\\n")
	}
	t.WriteString("\n")
	return t.String()
}

// Export returns an export or unset command a line.
func (z zsh) Export(changes []environ.Change) string { return posixExport(z, changes) }

// Update redefines the function that runs at the prompt.
func (z zsh) Update(u Update) string {
	return posix{
		quoter: z, set: `\builtin export`, unset: `\builtin unset -v`, withhold: "typeset -g +x",
		setPath:  `PATH="$_vmgo_value"`,
		settable: "[[ ${(t)%} != *readonly* ]]", hook: z.prompt,
	}.update(u)
}

// prompt: zsh keeps the status of the last command from its hooks by itself.
func (z zsh) prompt(t *strings.Builder, u Update) {
	t.WriteString("function _vmgo_hook {\n")
	if u.Watch == nil {
		t.WriteString("_vmgo_update\n")
	} else {
		t.WriteString(`{ [[ "$PWD|`)
		posixKey(t, u.Call.variables())
		t.WriteString(`" == `)
		z.quote(t, u.Call.Dir+"|"+u.Call.Key)
		t.WriteString(" ]]")
		// In zsh a file that is not there is neither newer nor older.
		posixTests(t, z, u, "-e")
		t.WriteString("; } || _vmgo_update\n")
	}
	t.WriteString("return 0\n}\n")
}
