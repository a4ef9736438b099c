package shell

import (
	_ "embed" // the hook script
	"strings"
	"unicode/utf8"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.elv
var elvishHook string

//go:embed completion.elv
var elvishCompletion string

// elvish speaks to elvish 0.19 and later. Its hook gets data: nothing that comes from a
// directory is evaluated.
type elvish struct{}

// Name is "elvish".
func (elvish) Name() string { return "elvish" }

// About says where elvish reads what.
func (elvish) About() About {
	return About{
		StartupFile: "~/.config/elvish/rc.elv", Data: true, Suffix: "elv",
		Completion: elvishCompletion, CompletionFile: "~/.config/elvish/lib/vmgo.elv   # then in rc.elv: use vmgo",
		// The module edit: is there at a terminal only.
		Syntax:      []string{"sh", "-c", `(echo 'var edit: = (ns [&])' && cat "$1") >"$1.elv" && elvish -compileonly "$1.elv"`, "sh"},
		Interactive: []string{"elvish", "-norc", "-i"},
	}
}

func (elvish) load(vmgo string) string { return "eval (" + vmgo + " hook elvish | slurp)" }

// key writes the names of the variables, whose values the script joins.
func (elvish) key(t *strings.Builder, n int) { t.WriteString(strings.Join(Variables()[:n], " ")) }

// Quote puts s between double quotes, where elvish knows escapes and no variables.
func (e elvish) Quote(s string) string { return quoted(e, s) }

func (elvish) quote(t *strings.Builder, s string) {
	s, _, _ = strings.Cut(s, "\x00")
	const hex = "0123456789abcdef"
	t.WriteByte('"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			t.Write([]byte{'\\', s[i]})
		case r == utf8.RuneError && size == 1, r < ' ', r == 0x7f:
			t.Write([]byte{'\\', 'x', hex[s[i]>>4], hex[s[i]&15]})
		default:
			t.WriteString(s[i : i+size])
		}
		i += size
	}
	t.WriteByte('"')
}

// Hook returns the script for ~/.config/elvish/rc.elv.
func (e elvish) Hook(p Programs) string { return fill(elvishHook, e, p) }

// Export returns a set-env or unset-env command a line.
func (e elvish) Export(changes []environ.Change) string {
	var t strings.Builder
	for _, change := range changes {
		if change.Value.Set {
			put(&t, "set-env ", change.Name, " ")
			e.quote(&t, change.Value.Text)
		} else {
			put(&t, "unset-env ", change.Name)
		}
		t.WriteByte('\n')
	}
	return t.String()
}

// Update returns data for the script to apply.
func (elvish) Update(u Update) string { return dataUpdate(u) }
