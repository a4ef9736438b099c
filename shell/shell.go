// Package shell speaks the languages of the shells: values go in, text to be
// evaluated comes out. It does no input or output of its own and is linked into
// the lean program.
//
// A shell gets text from us three times. [Shell.Hook] is the script for its
// start-up file. At the first prompt, and whenever the script finds that
// something has changed, it runs `vmgo-shim hook`, and [Shell.Update] is what
// that answers: the changes of the environment, and the test, in builtins
// only, by which later prompts find that nothing changed. [Shell.Export] is for
// people: `vmgo env`.
//
// Whatever text is meant for eval is whole or not run at all: an update is one
// compound command, so that a part of it is a syntax error.
package shell

import (
	_ "embed" // the hook scripts
	"iter"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
)

// Shell is one shell's language.
type Shell interface {
	// Name is the word for it on our command line: "bash".
	Name() string
	// Quote returns a word that the shell reads as s, whatever bytes s has; only
	// NUL cannot be carried, and ends the text.
	Quote(s string) string
	// Hook returns the script for the start-up file.
	Hook(p Programs) string
	// Update returns the text that the hook evaluates, or the data that it applies.
	Update(u Update) string
	// Export returns a line a change, in the given order.
	Export(changes []environ.Change) string
	// About returns what is known of the shell beside its language.
	About() About
	// load returns the line that loads the hook of a program, quoted by now.
	load(vmgo string) string
	// key writes how the script joins the values of Variables.
	key(t *strings.Builder, variables int)
}

// Programs are the absolute paths that a hook calls.
type Programs struct {
	Vmgo string
	Shim string // vmgo-shim; where it is missing the hook takes Vmgo
}

// Update is the answer to one call of the hook.
type Update struct {
	Call Call
	// Changes are what the environment needs, PATH among them and without the
	// session variable.
	Changes []environ.Change
	// Missing are those of the changed variables that the environment has not. The
	// shell may have one that it does not export, and gets it back.
	Missing []string
	// Undo is what the shell is to undo by itself when it finds no program.
	Undo environ.Undo
	// Session is what the session variable has to hold after the changes. While
	// they are made it holds a journal: Session, the mark, and Before.
	Session, Before string
	// Held says that the variable holds Before now, so that it need not be told.
	Held bool
	// Said is to be handed back at the next call.
	Said string
	// Holds are directories that PATH must have; the program is called again
	// when one is gone.
	Holds []string
	// Equal are variables that must keep this value.
	Equal []environ.Change
	// Watch is what has to be as it is now. Nil means that the next prompt
	// calls the program again whatever it finds.
	Watch []Watch
}

// Watch is a path that an answer depends on, and how it has to stay.
type Watch struct {
	Path string
	Kind Kind
	// Stamp, for Same, is a file with exactly the time of modification that Path has.
	Stamp string
	// Text, for Holding and Leading, and Names, for Listing, are what Path has.
	Text  string
	Names []string
}

// Kind says how a watched path has to stay.
type Kind uint8

// The kinds, in the order in which a prompt tests them. Same is for shells that get
// text, the last three for those that get data.
const (
	Same    Kind = iota // there, and not modified
	Present             // there
	Absent              // not there
	Holding             // a regular file with this text
	Listing             // a directory with these entries, besides hidden ones
	Leading             // a link that leads to this path in the end
)

// Variables lists the environment variables, besides PWD and PATH, on which
// the answer to the hook depends. They are compared at every prompt. New ones go
// to the end: the script of an older vmgo compares fewer.
func Variables() []string {
	return []string{"VMGO_VERSION", "VMGO_ROOT", "VMGO_GOPATH", "VMGO_MODCACHE", "VMGO_GOTOOLCHAIN", "VMGO_GOROOT",
		"VMGO_SHOW", "GOWORK", "VMGO_GOBIN"}
}

// Call is what a hook tells the program, as its arguments after "hook".
type Call struct {
	Shell string
	// Fresh is set at the first prompt of a shell, which finds the environment
	// as start-up files left it.
	Fresh bool
	Dir   string // $PWD of the shell
	Key   string // the values of Variables, as the script joined them
	Said  string // what an earlier Update said was said
	// Coarse is set where the shell compares times by whole seconds.
	Coarse bool
	// Refused are variables that the answer before this one could not set.
	Refused []string
}

// Protocol is the newest version of what the script and the program say to one
// another. Version 1 has no number.
const Protocol = "2"

// refusedMark begins the names of variables among the flags, which the script
// hands on as the last answer set them.
const refusedMark = "="

// ParseCall reads the arguments after "hook": shell, flags, $PWD, key, said and,
// since version 2, the version. Flags are letters, f for Fresh and s for Coarse,
// and then the names of Refused. The error is for a version that is too new.
func ParseCall(args []string) (c Call, ok bool, err error) {
	const first = 5
	if len(args) > first && args[first] != Protocol {
		return Call{}, false, diag.New(diag.Usage, "the hook of this shell is of another version of vmgo (its protocol is "+
			quote(args[first])+", this program's "+Protocol+"): it does nothing now", "type -a vmgo-shim")
	}
	if len(args) < first || len(args) > first+1 {
		return Call{}, false, nil
	}
	flags, refused, _ := strings.Cut(args[1], refusedMark)
	return Call{
		Shell: args[0], Fresh: strings.Contains(flags, "f"), Coarse: strings.Contains(flags, "s"),
		Dir: args[2], Key: args[3], Said: args[4],
		Refused: strings.FieldsFunc(refused, func(r rune) bool { return r == ',' }),
	}, strings.Trim(flags, "fs") == "", nil
}

// lasting returns the flags that every call of this shell has.
func (c Call) lasting() string {
	if c.Coarse {
		return "s"
	}
	return ""
}

// fill puts the programs into an embedded script.
func fill(script string, s Shell, p Programs) string {
	var key strings.Builder
	s.key(&key, len(Variables()))
	return strings.NewReplacer("@SHIM@", s.Quote(p.Shim), "@VMGO@", s.Quote(p.Vmgo), "@KEY@", key.String()).Replace(script)
}

// variables returns how many of [Variables] the script that calls compares.
func (c Call) variables() int {
	return min(strings.Count(c.Key, "|")+1, len(Variables()))
}

// joinKey joins the values of the first n of [Variables], each written between before and after.
func joinKey(t *strings.Builder, n int, before, after string) {
	for i, name := range Variables()[:n] {
		if i > 0 {
			t.WriteByte('|')
		}
		put(t, before, name, after)
	}
}

// quoter is how a shell quotes.
type quoter interface {
	quote(t *strings.Builder, s string)
}

func quoted(q quoter, s string) string {
	var t strings.Builder
	q.quote(&t, s)
	return t.String()
}

// presences returns what must exist, beginning with what is likeliest to change.
func (u Update) presences() iter.Seq[Watch] {
	return func(yield func(Watch) bool) {
		for _, kind := range []Kind{Same, Present} {
			for _, w := range u.Watch {
				if w.Kind == kind && !yield(w) {
					return
				}
			}
		}
	}
}

// tells says that the shell has to remember something else than it told us.
func (u Update) tells() bool {
	return u.Call.Fresh || u.Said != u.Call.Said || len(u.Call.Refused) > 0
}

func (u Update) isMissing(name string) bool { return slices.Contains(u.Missing, name) }

// keeps says that the session variable is to stay as it is.
func (u Update) keeps() bool { return len(u.Changes) == 0 && u.Held && u.Before == u.Session }

// single puts s between single quotes, as bash and zsh read them: nothing is
// special between them, and the quote itself goes outside.
func single(t *strings.Builder, s string) {
	s, _, _ = strings.Cut(s, "\x00")
	t.WriteByte('\'')
	for {
		before, after, found := strings.Cut(s, "'")
		t.WriteString(before)
		if !found {
			break
		}
		t.WriteString(`'\''`)
		s = after
	}
	t.WriteByte('\'')
}

// put writes texts one after the other.
func put(t *strings.Builder, texts ...string) {
	for _, text := range texts {
		t.WriteString(text)
	}
}

// quote shows a name in an error message.
func quote(name string) string { return `"` + name + `"` }
