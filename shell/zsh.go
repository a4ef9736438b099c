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
func (z zsh) Quote(s string) string { return quoted(z, s) }

func (zsh) quote(t *strings.Builder, s string) { single(t, s) }

// Hook gives the script for ~/.zshrc. It is read and run under zsh's own
// defaults, which stick to the functions that it defines (and to those that
// these define): no alias and no option of the user reaches into them.
func (z zsh) Hook(p Programs) string {
	return `\builtin 'emulate' 'zsh' '-o' 'no_aliases' '-o' 'no_xtrace' '-c' ` + z.Quote(fill(zshHook, z, p)) + "\n"
}

// Export gives an export or unset command a line.
func (z zsh) Export(changes []environ.Change) string { return posixExport(z, changes) }

// Update redefines the function that runs at the prompt. zsh keeps the status
// of the last command from its hooks by itself.
func (z zsh) Update(u Update) string {
	var t strings.Builder
	t.Grow(updateSize)
	t.WriteString("{\n")
	posixChanges(&t, z, u)
	if u.tells() {
		t.WriteString("typeset -g _vmgo_flags= _vmgo_said=")
		z.quote(&t, u.Said)
		t.WriteByte('\n')
	}
	t.WriteString("function _vmgo_hook {\n")
	if u.Watch == nil {
		t.WriteString("_vmgo_update\n")
	} else {
		t.WriteString(`{ [[ "$PWD|`)
		posixKey(&t)
		t.WriteString(`" == `)
		z.quote(&t, u.Call.Dir+"|"+u.Call.Key)
		t.WriteString(" ]]")
		// In zsh a file that is not there is neither newer nor older.
		posixTests(&t, z, u, "-e")
		t.WriteString("; } || _vmgo_update\n")
	}
	t.WriteString("return 0\n}\n}\n")
	return t.String()
}
