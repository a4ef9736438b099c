// Package environ holds an environment as a value and knows how to change it
// so that every change can be undone exactly.
//
// The invariant, held by a fuzz test: for every environment e and every wanted
// state w, reverting what Apply(e, w) did gives e again, byte for byte; and what
// the user changed in between stays changed. Nothing here touches the process;
// the package is linked into the lean program: no fmt, no os.
package environ

import (
	"maps"
	"slices"
	"strings"
)

// SessionVariable is the one private variable that the hook exports: what must
// be undone, as [Session.Encode] writes it.
const SessionVariable = "__VMGO_SESSION"

// Env is an environment. Values may hold any bytes but NUL.
type Env map[string]string

// Value is the state of one variable.
type Value struct {
	Set  bool
	Text string
}

// Text returns the state of a variable that is set to s.
func Text(s string) Value { return Value{Set: true, Text: s} }

// Change is one variable and the state that it is to take.
type Change struct {
	Name  string
	Value Value
}

// FromPairs reads the form NAME=VALUE. Of a name that comes twice the first
// counts, as for getenv.
func FromPairs(pairs []string) Env {
	env := make(Env, len(pairs))
	for _, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		if _, twice := env[name]; found && name != "" && !twice {
			env[name] = value
		}
	}
	return env
}

// Pairs returns the form NAME=VALUE, sorted by name.
func (e Env) Pairs() []string {
	pairs := make([]string, 0, len(e))
	for _, name := range slices.Sorted(maps.Keys(e)) {
		pairs = append(pairs, name+"="+e[name])
	}
	return pairs
}

// Get returns the state of the variable.
func (e Env) Get(name string) Value {
	text, set := e[name]
	return Value{Set: set, Text: text}
}

// put gives the variable a state. It changes e: callers own it.
func (e Env) put(name string, v Value) {
	if v.Set {
		e[name] = v.Text
	} else {
		delete(e, name)
	}
}

// Diff lists what turns from into to, sorted by name.
func Diff(from, to Env) []Change {
	var changes []Change
	for name, text := range to {
		if from.Get(name) != Text(text) {
			changes = append(changes, Change{name, Text(text)})
		}
	}
	for name := range from {
		if _, kept := to[name]; !kept {
			changes = append(changes, Change{Name: name})
		}
	}
	sortChanges(changes)
	return changes
}

func sortChanges(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Name, b.Name) })
}

// Without returns a copy of e in which the variable is unset.
func (e Env) Without(name string) Env {
	rest := maps.Clone(e)
	delete(rest, name)
	return rest
}
