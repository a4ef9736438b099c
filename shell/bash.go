package shell

import (
	_ "embed" // the hook script
	"strings"

	"github.com/vmgo/vmgo/internal/environ"
)

//go:embed hook.bash
var bashHook string

// bash speaks to bash 4.0 and later.
type bash struct{}

// Name is "bash".
func (bash) Name() string { return "bash" }

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

// spell gives s as $'...' of printable ASCII.
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

// Hook gives the script for ~/.bashrc.
func (b bash) Hook(p Programs) string { return fill(bashHook, b, p) }

// Export gives an export or unset command a line.
func (b bash) Export(changes []environ.Change) string { return posixExport(b, changes) }

// Update redefines the very function that runs at the prompt, so that a prompt
// with nothing changed is one call and one test.
func (b bash) Update(u Update) string {
	var t strings.Builder
	t.Grow(updateSize)
	t.WriteString("{\n")
	posixChanges(&t, b, u)
	if u.tells() {
		t.WriteString("_vmgo_said=")
		b.quote(&t, u.Said)
		t.WriteString(" _vmgo_flags=")
		if u.Call.Coarse {
			t.WriteByte('s')
		}
		t.WriteByte('\n')
	}
	t.WriteString("function _vmgo_hook {\n\\local _vmgo_status=\"$?\"\n")
	if u.Watch == nil {
		t.WriteString("_vmgo_update\n")
	} else {
		// [ compares byte by byte, where [[ would obey nocasematch.
		t.WriteString(`{ \[ "$PWD|`)
		posixKey(&t)
		t.WriteString(`" = `)
		b.quote(&t, u.Call.Dir+"|"+u.Call.Key)
		t.WriteString(" ]")
		posixTests(&t, b, u, "")
		t.WriteString("; } || _vmgo_update\n")
	}
	t.WriteString("\\return \"$_vmgo_status\"\n}\n}\n")
	return t.String()
}

// updateSize has room for most updates.
const updateSize = 4 << 10

// posixKey joins the variables as the script does.
func posixKey(t *strings.Builder) {
	for i, name := range Variables() {
		if i > 0 {
			t.WriteByte('|')
		}
		put(t, "${", name, "-}")
	}
}

// posixTests writes the rest of the test for bash and zsh: " && [[ ... ]]".
// A shell's -nt and -ot tell apart what differs by a nanosecond, so "neither"
// is "the same time". stampTest is what the shell needs besides where a file
// that does not exist is neither newer nor older.
func posixTests(t *strings.Builder, q quoter, u Update, stampTest string) {
	between := " && [[ "
	test := func(before, path, after string) {
		put(t, between, before)
		q.quote(t, path)
		t.WriteString(after)
		between = " && "
	}
	for _, v := range u.Equal {
		test(`"${`+v.Name+`-}" == `, v.Value.Text, "")
	}
	for _, dir := range u.Holds {
		test(":$PATH: == *:", dir, ":*")
	}
	for w := range u.presences() {
		test("-e ", w.Path, "")
		if w.Kind == Same {
			if stampTest != "" {
				test(stampTest+" ", w.Stamp, "")
			}
			for _, than := range []string{" -nt ", " -ot "} {
				test("! ", w.Path, than)
				q.quote(t, w.Stamp)
			}
		}
	}
	spelled, deep := u.absences()
	for _, path := range spelled {
		test("! -e ", path, "")
	}
	if between == " && " {
		t.WriteString(" ]]")
	}
	for _, l := range deep {
		posixLevels(t, q, l)
	}
}

// posixLevels writes a loop over directories; a file that should not be there
// ends it and empties the variable.
func posixLevels(t *strings.Builder, q quoter, l levels) {
	t.WriteString(" && {\n\\local _vmgo_name= _vmgo_dir=")
	q.quote(t, l.above)
	t.WriteString("\nfor _vmgo_name in")
	for _, name := range l.dirs {
		t.WriteByte(' ')
		q.quote(t, name)
	}
	t.WriteString("; do\n_vmgo_dir+=/$_vmgo_name\n")
	between := "[["
	for _, name := range l.names {
		put(t, between, " ! -e $_vmgo_dir/")
		q.quote(t, name)
		between = " &&"
	}
	t.WriteString(" ]] || { _vmgo_dir=; break; }\ndone\n[[ -n $_vmgo_dir ]]\n}")
}

// posixChanges writes the changes in an order that can stop anywhere: the
// journal knows both states of each variable.
func posixChanges(t *strings.Builder, q quoter, u Update) {
	if u.keeps() {
		return
	}
	const export, session = `\builtin export`, " " + environ.SessionVariable + "="
	if len(u.Changes) == 0 {
		posixSession(t, q, u.Session)
		return
	}
	t.WriteString("_vmgo_next=")
	q.quote(t, u.Session)
	put(t, "\n", export, session, `"$_vmgo_next`, environ.JournalMark)
	if u.Held {
		put(t, "${", environ.SessionVariable, "-}\"")
	} else {
		t.WriteByte('"')
		q.quote(t, u.Before)
	}
	t.WriteByte('\n')
	for _, command := range []string{`\builtin unset -v`, export} {
		begun := false
		for _, change := range u.Changes {
			if change.Value.Set != (command == export) {
				continue
			}
			if !begun {
				t.WriteString(command)
				begun = true
			}
			put(t, " ", change.Name)
			if change.Value.Set {
				t.WriteByte('=')
				q.quote(t, change.Value.Text)
			}
		}
		if begun {
			t.WriteByte('\n')
		}
	}
	if u.Session == "" {
		posixSession(t, q, "")
	} else {
		put(t, export, session, "\"$_vmgo_next\"\n")
	}
}

// posixSession writes the session variable as such.
func posixSession(t *strings.Builder, q quoter, session string) {
	if session == "" {
		put(t, `\builtin unset -v `, environ.SessionVariable, "\n")
		return
	}
	put(t, `\builtin export `, environ.SessionVariable, "=")
	q.quote(t, session)
	t.WriteByte('\n')
}

func posixExport(s Shell, changes []environ.Change) string {
	var t strings.Builder
	for _, change := range changes {
		if change.Value.Set {
			t.WriteString("export " + change.Name + "=" + s.Quote(change.Value.Text) + "\n")
		} else {
			t.WriteString("unset " + change.Name + "\n")
		}
	}
	return t.String()
}
