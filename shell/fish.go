package shell

import (
	_ "embed" // the hook script
	"strings"
	"unicode/utf8"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.fish
var fishHook string

//go:embed completion.fish
var fishCompletion string

// fish speaks to fish 3.1 and later.
type fish struct{}

// Name is "fish".
func (fish) Name() string { return "fish" }

// About says where fish reads what.
func (fish) About() About {
	return About{
		StartupFile: "~/.config/fish/config.fish",
		Completion:  fishCompletion, CompletionFile: "~/.config/fish/completions/vmgo.fish",
		Syntax:      []string{"fish", "--no-config", "-n"},
		Interactive: []string{"fish", "--no-config", "-i"},
	}
}

func (fish) load(vmgo string) string { return vmgo + " hook fish | source" }

func (fish) key(t *strings.Builder, n int) { joinKey(t, n, "$", "") }

// Quote puts s between single quotes, where fish knows \' and \\, with bytes
// that are no UTF-8 written \XHH outside of them.
func (f fish) Quote(s string) string { return quoted(f, s) }

func (fish) quote(t *strings.Builder, s string) {
	s, _, _ = strings.Cut(s, "\x00")
	const hex = "0123456789abcdef"
	t.WriteByte('\'')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1, isPrivate(r):
			t.WriteByte('\'')
			for ; size > 0; size, i = size-1, i+1 {
				t.Write([]byte{'\\', 'X', hex[s[i]>>4], hex[s[i]&15]})
			}
			t.WriteByte('\'')
			continue
		case r == '\'' || r == '\\':
			t.WriteByte('\\')
		}
		t.WriteString(s[i : i+size])
		i += size
	}
	t.WriteByte('\'')
}

// isPrivate reports whether fish uses the character for its own purposes.
func isPrivate(r rune) bool {
	return 0xE000 <= r && r <= 0xF8FF || 0xFDD0 <= r && r <= 0xFDEF || r&0xFFFE == 0xFFFE
}

// Hook returns the script for ~/.config/fish/config.fish.
func (f fish) Hook(p Programs) string { return fill(fishHook, f, p) }

// Export returns a set command a line.
func (f fish) Export(changes []environ.Change) string {
	var t strings.Builder
	for _, change := range changes {
		if change.Value.Set {
			put(&t, "set -gx ", change.Name)
			f.value(&t, change)
		} else {
			put(&t, "set -eg ", change.Name)
		}
		t.WriteByte('\n')
	}
	return t.String()
}

// value returns the elements of PATH as such: it is a list to fish.
func (f fish) value(t *strings.Builder, change environ.Change) {
	rest, more := change.Value.Text, true
	for more {
		word := rest
		if more = change.Name == "PATH"; more {
			word, rest, more = strings.Cut(rest, ":")
		}
		t.WriteByte(' ')
		f.quote(t, word)
	}
}

// Update defines _vmgo_unchanged. The functions that are bound to events stay
// as they are: defining one anew would change their order.
func (f fish) Update(u Update) string {
	var t strings.Builder
	t.Grow(updateSize)
	t.WriteString("begin\n")
	f.changes(&t, u)
	if u.tells() {
		t.WriteString("builtin set -g _vmgo_flags ''\nbuiltin set -g _vmgo_said ")
		f.quote(&t, u.Said)
		t.WriteByte('\n')
	}
	f.undo(&t, u)
	t.WriteString("function _vmgo_unchanged\n")
	if u.Watch == nil {
		t.WriteString("builtin return 1\n")
	} else {
		f.tests(&t, u)
	}
	t.WriteString("end\nend\n")
	return t.String()
}

func (f fish) tests(t *strings.Builder, u Update) {
	t.WriteString(`builtin test "$PWD|`)
	f.key(t, u.Call.variables())
	t.WriteString(`" = `)
	f.quote(t, u.Call.Dir+"|"+u.Call.Key)
	for _, v := range u.Equal {
		put(t, "\nand builtin test \"$", v.Name, "\" = ")
		f.quote(t, v.Value.Text)
	}
	for _, dir := range u.Holds {
		t.WriteString("\nand builtin contains -- ")
		f.quote(t, dir)
		t.WriteString(" $PATH")
	}
	for w := range u.presences() {
		t.WriteString("\nand builtin test -e ")
		f.quote(t, w.Path)
		if w.Kind == Same {
			for _, than := range []string{" -nt ", " -ot "} {
				t.WriteString(" -a ! ")
				f.quote(t, w.Path)
				t.WriteString(than)
				f.quote(t, w.Stamp)
			}
		}
	}
	spelled, deep := u.absences()
	for _, path := range spelled {
		t.WriteString("\nand builtin test ! -e ")
		f.quote(t, path)
	}
	t.WriteByte('\n')
	for _, l := range deep {
		f.levels(t, l)
	}
}

// levels writes a loop over directories, which ends the function where there
// is a file that should not be.
func (f fish) levels(t *strings.Builder, l levels) {
	t.WriteString("or builtin return 1\nset -l dir ")
	f.quote(t, l.above)
	t.WriteString("\nfor name in")
	for _, name := range l.dirs {
		t.WriteByte(' ')
		f.quote(t, name)
	}
	t.WriteString("\nset dir \"$dir/$name\"\n")
	between := "builtin test "
	for _, name := range l.names {
		put(t, between, "! -e \"$dir/\"")
		f.quote(t, name)
		between = " -a "
	}
	t.WriteString("; or builtin return 1\nend\n")
}

// changes writes the changes so that they can stop anywhere: the journal knows
// both states of each variable. A variable that fish has universally shows
// through again when our global one is gone; only what it does not give is set.
func (f fish) changes(t *strings.Builder, u Update) {
	if u.keeps() {
		return
	}
	const set = "builtin set -gx " + environ.SessionVariable
	t.WriteString("builtin set -l next ")
	f.quote(t, u.Session)
	t.WriteByte('\n')
	if len(u.Changes) > 0 {
		put(t, set, ` "$next`, environ.JournalMark)
		if u.Held {
			put(t, "$", environ.SessionVariable, "\"\n")
		} else {
			t.WriteByte('"')
			f.quote(t, u.Before)
			t.WriteByte('\n')
		}
	}
	for _, change := range u.Changes {
		if change.Value.Set && u.isMissing(change.Name) {
			keeper := kept(change.Name)
			put(t, "builtin set -eg ", keeper, "\nbuiltin set -qg ", change.Name, "; and builtin set -gu ", keeper, " $", change.Name, "\n")
		}
		f.change(t, change)
	}
	if u.Session == "" {
		put(t, "builtin set -eg ", environ.SessionVariable, "\n")
	} else {
		put(t, set, " $next\n")
	}
}

func (f fish) change(t *strings.Builder, change environ.Change) {
	name := change.Name
	switch {
	case name == "PATH" && change.Value.Set:
		t.WriteString("builtin set -l scope -gx\nbuiltin set -qu PATH; and builtin set scope -gu\nbuiltin set $scope PATH")
		f.value(t, change)
		t.WriteByte('\n')
	case change.Value.Set:
		put(t, "builtin set -eg ", name, "\nbuiltin set -qx ", name, "; and builtin test \"$", name, "\" =")
		f.value(t, change)
		put(t, "; or builtin set -gx ", name)
		f.value(t, change)
		t.WriteByte('\n')
	default:
		keeper := kept(name)
		put(t, "builtin set -eg ", name, "\nif builtin set -qg ", keeper, "\nbuiltin set -gu ", name, " $", keeper, "\nbuiltin set -eg ", keeper,
			"\nelse if builtin set -qx ", name, "\nbuiltin set -gu ", name, "\nend\n")
	}
}

// undo defines the function that the script calls when no vmgo-shim
// more. What the user changed meanwhile stays.
func (f fish) undo(t *strings.Builder, u Update) {
	t.WriteString("function _vmgo_undo\n")
	for _, v := range u.Undo.Vars {
		if v.Ours.Set {
			put(t, "if builtin test \"$", v.Name, "\" = ")
			f.quote(t, v.Ours.Text)
		} else {
			put(t, "if not builtin set -qx ", v.Name)
		}
		t.WriteByte('\n')
		f.change(t, environ.Change{Name: v.Name, Value: v.Prior})
		t.WriteString("end\n")
	}
	for _, dir := range u.Undo.Path {
		t.WriteString("if builtin set -l i (builtin contains -i -- ")
		f.quote(t, dir)
		t.WriteString(" $PATH)\nbuiltin set -e PATH[$i]\nend\n")
	}
	put(t, "builtin set -eg ", environ.SessionVariable, "\nend\n")
}
