package shell

import (
	"strings"

	"github.com/vmgo/vmgo/internal/environ"
)

// posix is what bash and zsh have in common, and how they say the rest.
type posix struct {
	quoter
	set, unset string // the commands that export a variable and unset it
	withhold   string // the command that sets a variable that is not exported
	setPath    string // the command that gives PATH the text of _vmgo_value, exported or not as before
	// settable is a test whether a variable can be set, with % for its name; it is
	// empty where the command for it fails and nothing worse.
	settable string
	hook     func(t *strings.Builder, u Update) // defines _vmgo_hook
}

// updateSize has room for most updates.
const updateSize = 4 << 10

// update returns one compound command. Where a variable cannot be set, nothing
// but the journal of the session is left of it, and the program is called again
// to put everything back.
func (p posix) update(u Update) string {
	var t strings.Builder
	t.Grow(updateSize)
	t.WriteString("{\n")
	p.changes(&t, u)
	verified := len(u.Changes) > 0 && len(u.Call.Refused) == 0
	if verified {
		t.WriteString("if [[ -n $_vmgo_refused ]]; then\n_vmgo_flags='" + u.Call.lasting() + refusedMark + "'$_vmgo_refused\n_vmgo_update\nelse\n")
	}
	p.session(&t, u)
	if u.tells() {
		put(&t, "_vmgo_flags=", u.Call.lasting(), " _vmgo_said=")
		p.quote(&t, u.Said)
		t.WriteByte('\n')
	}
	p.undo(&t, u)
	p.hook(&t, u)
	if verified {
		t.WriteString("fi\n")
	}
	t.WriteString("}\n")
	return t.String()
}

// changes writes the changes in an order that can stop anywhere: the journal
// knows both states of each variable. The names of those that could not be
// changed are in _vmgo_refused after it.
func (p posix) changes(t *strings.Builder, u Update) {
	if len(u.Changes) == 0 {
		return
	}
	t.WriteString("_vmgo_next=")
	p.quote(t, u.Session)
	put(t, "\n", p.set, " ", environ.SessionVariable, `="$_vmgo_next`, environ.JournalMark)
	if u.Held {
		put(t, "${", environ.SessionVariable, "-}\"")
	} else {
		t.WriteByte('"')
		p.quote(t, u.Before)
	}
	t.WriteString("\n_vmgo_refused=\n{\n")
	for _, change := range u.Changes {
		if change.Value.Set {
			p.change(t, change, u.isMissing(change.Name))
		} else {
			put(t, "{ ", p.guard(change.Name))
			p.clear(t, change.Name)
		}
		put(t, "; } || _vmgo_refused+=", change.Name, ",\n")
	}
	t.WriteString("} 2>/dev/null\n")
}

// change begins a group that sets a variable and looks whether it took the value.
func (p posix) change(t *strings.Builder, change environ.Change, missing bool) {
	name := change.Name
	if missing {
		put(t, "if [[ -n ${", name, "+x} ]]; then ", p.withhold, " ", kept(name), `="$`, name, `"; else `, p.unset, " ", kept(name), "; fi\n")
	}
	t.WriteString("_vmgo_value=")
	p.quote(t, change.Value.Text)
	put(t, "\n{ ", p.guard(name))
	if missing { // bash exports what it then cannot set
		put(t, "{ [[ -z ${", name, "+x} ]] || ", p.withhold, " ", name, `="$`, name, `"; } && `)
	}
	set := p.set + " " + name + `="$_vmgo_value"`
	if name == "PATH" && !missing {
		set = p.setPath
	}
	put(t, set, ` && [[ $`, name, ` == "$_vmgo_value" ]]`)
}

// guard returns the beginning of a list that goes on if the variable can be set.
func (p posix) guard(name string) string {
	if p.settable == "" {
		return ""
	}
	return strings.Replace(p.settable, "%", name, 1) + " && "
}

// session writes the session variable as it is to stay.
func (p posix) session(t *strings.Builder, u Update) {
	switch {
	case u.keeps():
	case u.Session == "":
		put(t, p.unset, " ", environ.SessionVariable, "\n")
	case len(u.Changes) > 0:
		put(t, p.set, " ", environ.SessionVariable, "=\"$_vmgo_next\"\n")
	default:
		put(t, p.set, " ", environ.SessionVariable, "=")
		p.quote(t, u.Session)
		t.WriteByte('\n')
	}
}

// undo defines the function that the script calls when no vmgo-shim
// more. What the user changed meanwhile stays.
func (p posix) undo(t *strings.Builder, u Update) {
	t.WriteString("function _vmgo_undo {\n")
	for _, v := range u.Undo.Vars {
		t.WriteString("if [[ -")
		if v.Ours.Set {
			put(t, "n ${", v.Name, "+x} && $", v.Name, " == ")
			p.quote(t, v.Ours.Text)
		} else {
			put(t, "z ${", v.Name, "+x}")
		}
		put(t, " ]]; then ", p.guard(v.Name))
		if v.Prior.Set {
			put(t, p.set, " ", v.Name, "=")
			p.quote(t, v.Prior.Text)
		} else {
			p.clear(t, v.Name)
		}
		t.WriteString("; fi\n")
	}
	if len(u.Undo.Path) > 0 {
		t.WriteString("_vmgo_value=:$PATH:\nfor _vmgo_name in")
		for _, dir := range u.Undo.Path {
			t.WriteByte(' ')
			p.quote(t, dir)
		}
		t.WriteString("; do _vmgo_value=${_vmgo_value/\":$_vmgo_name:\"/:}; done\n" +
			"_vmgo_value=${_vmgo_value#:} _vmgo_value=${_vmgo_value%:}\n" + p.guard("PATH") + p.setPath + "\n")
	}
	put(t, p.unset, " ", environ.SessionVariable, "\n}\n")
}

// kept is the name of the variable that has, while we have one in the
// environment, what the shell had by its name and did not export.
func kept(name string) string { return "_vmgo_kept_" + name }

// clear writes a command that unsets a variable, or restores it as the shell
// had it when it did not export it.
func (p posix) clear(t *strings.Builder, name string) {
	put(t, "if [[ -n ${", kept(name), "+x} ]]; then ", p.withhold, " ", name, `="$`, kept(name), `" && `, p.unset, " ", kept(name),
		"; else ", p.unset, " ", name, "; fi")
}

// posixKey joins the variables as the scripts of bash and zsh do.
func posixKey(t *strings.Builder, n int) { joinKey(t, n, "${", "-}") }

// posixLoad returns the line that loads the hook in bash and zsh.
func posixLoad(s Shell, vmgo string) string {
	return `eval "$(` + vmgo + " hook " + s.Name() + `)"`
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
