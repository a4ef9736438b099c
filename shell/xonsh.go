package shell

import (
	_ "embed" // the hook script
	"strings"
	"unicode/utf8"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.xsh
var xonshHook string

// xonsh speaks to xonsh 0.13 and later. Its hook gets data: nothing that comes from a
// directory is evaluated.
type xonsh struct{}

// Name is "xonsh".
func (xonsh) Name() string { return "xonsh" }

// About says where xonsh reads what.
func (xonsh) About() About {
	return About{
		StartupFile: "~/.xonshrc", Data: true, Suffix: "xsh",
		// The script is Python.
		Syntax:      []string{"python3", "-c", "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')"},
		Interactive: []string{"xonsh", "--no-rc", "-i"},
	}
}

func (xonsh) load(vmgo string) string { return "execx($(" + vmgo + " hook xonsh))" }

// key writes the names of the variables, whose values the script joins.
func (xonsh) key(t *strings.Builder, n int) { t.WriteString(strings.Join(Variables()[:n], " ")) }

// Quote returns a word of a command: in a string there xonsh would look for variables.
func (xonsh) Quote(s string) string { return "@(" + quoted(python{}, s) + ")" }

// python is the language of the script.
type python struct{ xonsh }

// Quote returns a string literal.
func (p python) Quote(s string) string { return quoted(p, s) }

// quote writes bytes that are not UTF-8 as Python has them in names of files.
func (python) quote(t *strings.Builder, s string) {
	s, _, _ = strings.Cut(s, "\x00")
	const hex = "0123456789abcdef"
	t.WriteByte('"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			t.Write([]byte{'\\', s[i]})
		case r == utf8.RuneError && size == 1:
			t.WriteString(`\udc`)
			t.Write([]byte{hex[s[i]>>4], hex[s[i]&15]})
		case r < ' ', r == 0x7f:
			t.Write([]byte{'\\', 'x', hex[s[i]>>4], hex[s[i]&15]})
		default:
			t.WriteString(s[i : i+size])
		}
		i += size
	}
	t.WriteByte('"')
}

// Hook returns the script for ~/.xonshrc.
func (x xonsh) Hook(p Programs) string { return fill(xonshHook, python{x}, p) }

// Export returns a line of Python a change.
func (xonsh) Export(changes []environ.Change) string {
	var t strings.Builder
	for _, change := range changes {
		if change.Value.Set {
			put(&t, "$", change.Name, " = ", quoted(python{}, change.Value.Text))
		} else {
			put(&t, "${...}.pop(\"", change.Name, "\", None)")
		}
		t.WriteByte('\n')
	}
	return t.String()
}

// Update returns data for the script to apply.
func (xonsh) Update(u Update) string { return dataUpdate(u) }
