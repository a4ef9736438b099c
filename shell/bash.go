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
func (bash) Quote(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	if strings.ContainsAny(s, "\x01\x7f") {
		return spelled(s)
	}
	return single(s)
}

// spelled gives s as $'...' of printable ASCII.
func spelled(s string) string {
	b := []byte("$'")
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '\'' || c == '\\':
			b = append(b, '\\', c)
		case ' ' <= c && c <= '~':
			b = append(b, c)
		default:
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		}
	}
	return string(append(b, '\''))
}

// Hook gives the script for ~/.bashrc.
func (b bash) Hook(p Programs) string { return fill(bashHook, b, p) }

// Export gives an export or unset command a line.
func (b bash) Export(changes []environ.Change) string { return posixExport(b, changes) }

// Update redefines the very function that runs at the prompt, so that a prompt
// with nothing changed is one call and one test.
func (b bash) Update(u Update) string {
	var t strings.Builder
	t.Grow(1 << 12)
	t.WriteString("{\n")
	posixChanges(&t, b, u)
	flags := ""
	if u.Call.Coarse {
		flags = "s"
	}
	t.WriteString("_vmgo_said=" + b.Quote(u.Said) + " _vmgo_flags=" + flags + "\n" +
		"function _vmgo_hook {\n\\local _vmgo_status=\"$?\"\n")
	if u.Watch == nil {
		t.WriteString("_vmgo_update\n")
	} else {
		// [ compares byte by byte, where [[ would obey nocasematch.
		t.WriteString(`{ \[ "$PWD|` + posixKey() + `" = ` + b.Quote(u.Call.Dir+"|"+u.Call.Key) + " ]")
		posixTests(&t, b, u, "")
		t.WriteString("; } || _vmgo_update\n")
	}
	t.WriteString("\\return \"$_vmgo_status\"\n}\n}\n")
	return t.String()
}

// posixKey joins the variables as the script does.
func posixKey() string {
	var key strings.Builder
	for i, name := range Variables() {
		if i > 0 {
			key.WriteByte('|')
		}
		key.WriteString("${" + name + "-}")
	}
	return key.String()
}

// posixTests writes the rest of the test for bash and zsh: " && [[ ... ]]".
// A shell's -nt and -ot tell apart what differs by a nanosecond, so "neither"
// is "the same time". stampTest is what the shell needs besides where a file
// that does not exist is neither newer nor older.
func posixTests(t *strings.Builder, s Shell, u Update, stampTest string) {
	var tests []string
	for _, v := range u.Equal {
		tests = append(tests, `"${`+v.Name+`-}" == `+s.Quote(v.Value.Text))
	}
	for _, dir := range u.Holds {
		tests = append(tests, ":$PATH: == *:"+s.Quote(dir)+":*")
	}
	for _, w := range inOrder(u.Watch) {
		path, stamp := s.Quote(w.Path), s.Quote(w.Stamp)
		switch w.Kind {
		case Absent:
			tests = append(tests, "! -e "+path)
		case Present:
			tests = append(tests, "-e "+path)
		case Same:
			tests = append(tests, "-e "+path)
			if stampTest != "" {
				tests = append(tests, stampTest+" "+stamp)
			}
			tests = append(tests, "! "+path+" -nt "+stamp, "! "+path+" -ot "+stamp)
		}
	}
	if len(tests) > 0 {
		t.WriteString(" && [[ " + strings.Join(tests, " && ") + " ]]")
	}
}

// posixChanges writes the changes in an order that can stop anywhere: the
// journal knows both states of each variable.
func posixChanges(t *strings.Builder, s Shell, u Update) {
	if len(u.Changes) > 0 {
		t.WriteString(`\builtin export ` + environ.SessionVariable + "=" + s.Quote(u.Journal) + "\n")
		set, unset := split(u.Changes)
		if len(unset) > 0 {
			t.WriteString(`\builtin unset -v ` + strings.Join(unset, " ") + "\n")
		}
		if len(set) > 0 {
			t.WriteString(`\builtin export`)
			for _, change := range set {
				t.WriteString(" " + change.Name + "=" + s.Quote(change.Value.Text))
			}
			t.WriteByte('\n')
		}
	}
	if u.Session == "" {
		t.WriteString(`\builtin unset -v ` + environ.SessionVariable + "\n")
	} else {
		t.WriteString(`\builtin export ` + environ.SessionVariable + "=" + s.Quote(u.Session) + "\n")
	}
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
