package environ

import (
	"maps"
	"slices"
)

// Wanted is the state that an environment should have: some variables, some
// directories in front of PATH, and some behind everything else in it. The zero
// Wanted asks for nothing: it is the outside of every project.
type Wanted struct {
	Vars map[string]Value
	Path []string
	// Behind are added where PATH does not have them already.
	Behind []string
}

// How says in what circumstances an environment is reconciled.
type How struct {
	// Fresh is for an environment that others have prepared since the session was
	// written, as the start-up files of a nested shell do: every wanted value is
	// set, and the entries go to the front of PATH. Without it, what the user
	// changed while the same was wanted stays changed.
	Fresh bool
	// Remember is for when another program keeps a copy of the environment and
	// may bring back what was ours then: values of ours stay known as such after
	// they have been replaced.
	Remember bool
}

// Apply changes env to the wanted state and returns how to undo that.
func Apply(env Env, want Wanted) (Env, Session) {
	return Reconcile(env, Session{}, want, How{Fresh: true})
}

// Revert undoes what s changed. A variable that no longer has the value
// that s gave it was changed by the user and stays as it is; so does all of
// PATH but our entries.
func Revert(env Env, s Session) Env {
	outside, _ := Reconcile(env, s, Wanted{}, How{Fresh: true})
	return outside
}

// Reconcile changes an environment in which s is active into the wanted state.
// env is not changed.
func Reconcile(env Env, s Session, want Wanted, how How) (Env, Session) {
	changes, next := Switch(env, s, want, how)
	result := maps.Clone(env)
	if result == nil {
		result = Env{}
	}
	for _, change := range changes {
		result.put(change.Name, change.Value)
	}
	return result, next
}

// Switch says what Reconcile changes, sorted by name.
func Switch(env Env, s Session, want Wanted, how How) ([]Change, Session) {
	fresh := how.Fresh || s.before != nil // after an interruption nobody knows which values are the user's
	path, now := reconcilePath(env.Get(pathVariable), s, want, fresh)
	names := s.names(want)
	changes := make([]Change, 0, len(names)+1)
	change := func(name string, from, to Value) {
		if from != to {
			changes = append(changes, Change{name, to})
		}
	}
	change(pathVariable, env.Get(pathVariable), path)
	now.vars = make([]variable, 0, len(names))
	for _, name := range names {
		wanted, selected := want.Vars[name]
		value := env.Get(name)
		base, last, known := s.base(name, value)
		edited := known && base == value && value != last.ours
		switch {
		case selected && edited && !fresh && wanted == last.ours:
			now.vars = append(now.vars, last)
		case selected && wanted != base:
			change(name, value, wanted)
			now.vars = append(now.vars, variable{name: name, prior: base, ours: wanted})
		default:
			change(name, value, base)
		}
	}
	next := Session{changes: now}
	if how.Remember {
		next.old = s.remember(now)
	}
	sortChanges(changes)
	return changes, next
}

// names lists the variables that s or want speak of, sorted.
func (s Session) names(want Wanted) []string {
	vars := s.all().vars
	names := make([]string, 0, len(want.Vars)+len(vars))
	for name := range want.Vars {
		if isName(name) {
			names = append(names, name)
		}
	}
	for _, v := range vars {
		names = append(names, v.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// base returns the state that the variable has without us, and the record of the
// active value, if there is one.
func (s Session) base(name string, value Value) (base Value, current variable, known bool) {
	base = value
	for i, v := range s.all().vars {
		if v.name != name {
			continue
		}
		if i < len(s.vars) {
			current, known = v, true
		}
		if base == v.ours {
			base = v.prior
		}
	}
	return base, current, known
}
