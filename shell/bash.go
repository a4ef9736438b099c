package shell

import (
	_ "embed" // the hook script
	"strings"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.bash
var bashHook string

//go:embed completion.bash
var bashCompletion string

// bash speaks to bash 4.0 and later.
type bash struct{}

// Name is "bash".
func (bash) Name() string { return "bash" }

// About says where bash reads what.
func (bash) About() About {
	return About{
		StartupFile: "~/.bashrc",
		Completion:  bashCompletion, CompletionFile: "~/.local/share/bash-completion/completions/vmgo",
		Syntax:      []string{"bash", "--norc", "-n"},
		Interactive: []string{"bash", "--norc", "--noprofile", "-i"},
	}
}

func (b bash) load(vmgo string) string { return posixLoad(b, vmgo) }

func (bash) key(t *strings.Builder, n int) { posixKey(t, n) }

// Quote puts s between single quotes. The two characters by which bash marks
// quoting within itself get lost there after bytes that are no UTF-8, so s is
// spelled out where it has one.
func (b bash) Quote(s string) string { return quoted(b, s) }

func (bash) quote(t *strings.Builder, s string) {
	s, _, _ = strings.Cut(s, "\x00")
	if strings.ContainsAny(s, "\x01\x7f") {
		spell(t, s)
	} else {
		single(t, s)
	}
}

// spell returns s as $'...' of printable ASCII.
func spell(t *strings.Builder, s string) {
	t.WriteString("$'")
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '\'' || c == '\\':
			t.WriteByte('\\')
			t.WriteByte(c)
		case ' ' <= c && c <= '~':
			t.WriteByte(c)
		default:
			t.Write([]byte{'\\', '0' + c>>6, '0' + c>>3&7, '0' + c&7})
		}
	}
	t.WriteByte('\'')
}

// Hook returns the script for ~/.bashrc.
func (b bash) Hook(p Programs) string { return fill(bashHook, b, p) }

// Export returns an export or unset command a line.
func (b bash) Export(changes []environ.Change) string { return posixExport(b, changes) }

// Update redefines the very function that runs at the prompt, so that a prompt
// with nothing changed is one call and one test.
func (b bash) Update(u Update) string {
	return posix{
		quoter: b, set: `\builtin export`, unset: `\builtin unset -v`, withhold: `\builtin export -n`,
		setPath: `\builtin printf -v PATH %s "$_vmgo_value"`, // an assignment to a readonly PATH would end the function
		hook:    b.prompt,
	}.update(u)
}

func (b bash) prompt(t *strings.Builder, u Update) {
	t.WriteString("function _vmgo_hook {\n\\local _vmgo_status=\"$?\"\n")
	if u.Watch == nil {
		t.WriteString("_vmgo_update\n")
	} else {
		// [ compares byte by byte, where [[ would obey nocasematch.
		t.WriteString(`{ \[ "$PWD|`)
		posixKey(t, u.Call.variables())
		t.WriteString(`" = `)
		b.quote(t, u.Call.Dir+"|"+u.Call.Key)
		t.WriteString(" ]")
		posixTests(t, b, u, "")
		t.WriteString("; } || _vmgo_update\n")
	}
	t.WriteString("\\return \"$_vmgo_status\"\n}\n")
}
