package shell

import (
	_ "embed" // the hook script
	"strings"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.zsh
var zshHook string

// zsh speaks to zsh 5.0 and later.
type zsh struct{}

// Name is "zsh".
func (zsh) Name() string { return "zsh" }

// Quote puts s between single quotes.
func (zsh) Quote(s string) string { return single(s) }

// Hook gives the script for ~/.zshrc. It is read and run under zsh's own
// defaults, which stick to the functions that it defines (and to those that
// these define): no alias and no option of the user reaches into them.
func (z zsh) Hook(p Programs) string {
	return `\builtin 'emulate' 'zsh' '-o' 'no_aliases' '-o' 'no_xtrace' '-c' ` + single(fill(zshHook, z, p)) + "\n"
}

// Export gives an export or unset command a line.
func (z zsh) Export(changes []environ.Change) string { return posixExport(z, changes) }

// Update redefines the function that runs at the prompt. zsh keeps the status
// of the last command from its hooks by itself.
func (z zsh) Update(u Update) string {
	var t strings.Builder
	t.WriteString("{\n")
	posixChanges(&t, z, u)
	t.WriteString("typeset -g _vmgo_said=" + z.Quote(u.Said) + " _vmgo_flags=\nfunction _vmgo_hook {\n")
	if u.Watch == nil {
		t.WriteString("_vmgo_update\n")
	} else {
		t.WriteString(`{ [[ "$PWD|` + posixKey() + `" == ` + z.Quote(u.Call.Dir+"|"+u.Call.Key) + " ]]")
		// In zsh a file that is not there is neither newer nor older.
		posixTests(&t, z, u, "-e")
		t.WriteString("; } || _vmgo_update\n")
	}
	t.WriteString("return 0\n}\n}\n")
	return t.String()
}
