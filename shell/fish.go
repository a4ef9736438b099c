package shell

import (
	_ "embed" // the hook script
	"strings"
	"unicode/utf8"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.fish
var fishHook string

// fish speaks to fish 3.1 and later.
type fish struct{}

// Name is "fish".
func (fish) Name() string { return "fish" }

// Quote puts s between single quotes, where fish knows \' and \\, with bytes
// that are no UTF-8 written \XHH outside of them.
func (fish) Quote(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	const hex = "0123456789abcdef"
	b := []byte{'\''}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1, isPrivate(r):
			b = append(b, '\'')
			for ; size > 0; size, i = size-1, i+1 {
				b = append(b, '\\', 'X', hex[s[i]>>4], hex[s[i]&15])
			}
			b = append(b, '\'')
			continue
		case r == '\'' || r == '\\':
			b = append(b, '\\')
		}
		b = append(b, s[i:i+size]...)
		i += size
	}
	return string(append(b, '\''))
}

// isPrivate says whether fish uses the character for its own purposes.
func isPrivate(r rune) bool {
	return 0xE000 <= r && r <= 0xF8FF || 0xFDD0 <= r && r <= 0xFDEF || r&0xFFFE == 0xFFFE
}

// Hook gives the script for ~/.config/fish/config.fish.
func (f fish) Hook(p Programs) string { return fill(fishHook, f, p) }

// Export gives a set command a line.
func (f fish) Export(changes []environ.Change) string {
	var t strings.Builder
	for _, change := range changes {
		if change.Value.Set {
			t.WriteString("set -gx " + change.Name + " " + f.value(change) + "\n")
		} else {
			t.WriteString("set -eg " + change.Name + "\n")
		}
	}
	return t.String()
}

// value gives the elements of PATH as such: it is a list to fish.
func (f fish) value(change environ.Change) string {
	if change.Name != "PATH" {
		return f.Quote(change.Value.Text)
	}
	var words []string
	for _, dir := range strings.Split(change.Value.Text, ":") {
		words = append(words, f.Quote(dir))
	}
	return strings.Join(words, " ")
}

// Update defines _vmgo_unchanged. The functions that are bound to events stay
// as they are: defining one anew would change their order.
func (f fish) Update(u Update) string {
	var t strings.Builder
	t.WriteString("begin\n")
	f.changes(&t, u)
	t.WriteString("builtin set -g _vmgo_said " + f.Quote(u.Said) + "\nbuiltin set -g _vmgo_flags ''\n" +
		"function _vmgo_unchanged\n")
	if u.Watch == nil {
		t.WriteString("builtin return 1\n")
	} else {
		t.WriteString(`builtin test "$PWD|` + fishKey() + `" = ` + f.Quote(u.Call.Dir+"|"+u.Call.Key))
		for _, v := range u.Equal {
			t.WriteString("\nand builtin test \"$" + v.Name + "\" = " + f.Quote(v.Value.Text))
		}
		for _, dir := range u.Holds {
			t.WriteString("\nand builtin contains -- " + f.Quote(dir) + " $PATH")
		}
		for _, w := range inOrder(u.Watch) {
			path, stamp := f.Quote(w.Path), f.Quote(w.Stamp)
			t.WriteString("\nand builtin test ")
			switch w.Kind {
			case Absent:
				t.WriteString("! -e " + path)
			case Present:
				t.WriteString("-e " + path)
			case Same:
				t.WriteString("-e " + path + " -a ! " + path + " -nt " + stamp + " -a ! " + path + " -ot " + stamp)
			}
		}
		t.WriteByte('\n')
	}
	t.WriteString("end\nend\n")
	return t.String()
}

// changes writes the changes so that they can stop anywhere: the journal knows
// both states of each variable. A variable that fish has universally shows
// through again when our global one is gone; only what it does not give is set.
func (f fish) changes(t *strings.Builder, u Update) {
	if len(u.Changes) > 0 {
		t.WriteString("builtin set -gx " + environ.SessionVariable + " " + f.Quote(u.Journal) + "\n")
	}
	for _, change := range u.Changes {
		name := change.Name
		switch {
		case name == "PATH" && change.Value.Set:
			t.WriteString("builtin set -gx PATH " + f.value(change) + "\n")
		case change.Value.Set:
			value := f.Quote(change.Value.Text)
			t.WriteString("builtin set -eg " + name + "\nbuiltin set -qx " + name + "; and builtin test \"$" + name + "\" = " + value +
				"; or builtin set -gx " + name + " " + value + "\n")
		default:
			t.WriteString("builtin set -eg " + name + "\nbuiltin set -qx " + name + "; and builtin set -gu " + name + "\n")
		}
	}
	if u.Session == "" {
		t.WriteString("builtin set -eg " + environ.SessionVariable + "\n")
	} else {
		t.WriteString("builtin set -gx " + environ.SessionVariable + " " + f.Quote(u.Session) + "\n")
	}
}

// fishKey joins the variables as the script does.
func fishKey() string { return "$" + strings.Join(Variables(), "|$") }
