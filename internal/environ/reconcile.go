package environ

import (
	"maps"
	"slices"
)

// Wanted is the state that an environment should have: some variables, and
// some directories in front of PATH. The zero Wanted asks for nothing: it is
// the outside of every project.
type Wanted struct {
	Vars map[string]Value
	Path []string
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

// Apply brings env into the wanted state and says how to take it back.
func Apply(env Env, want Wanted) (Env, Session) {
	return Reconcile(env, Session{}, want, How{Fresh: true})
}

// Revert takes back what s changed. A variable that no longer has the value
// that s gave it was changed by the user and stays as it is; so does all of
// PATH but our entries.
func Revert(env Env, s Session) Env {
	outside, _ := Reconcile(env, s, Wanted{}, How{Fresh: true})
	return outside
}

// Reconcile brings an environment that s is in force in into the wanted state.
// env is not changed.
func Reconcile(env Env, s Session, want Wanted, how How) (Env, Session) {
	fresh := how.Fresh || s.journal // after an interruption nobody knows which values are the user's
	result := maps.Clone(env)
	if result == nil {
		result = Env{}
	}
	path, now := reconcilePath(env.Get(pathVariable), s, want.Path, fresh)
	result.put(pathVariable, path)
	for _, name := range s.names(want) {
		wanted, inForce := want.Vars[name]
		value := env.Get(name)
		base, last, known := s.base(name, value)
		edited := known && base == value && value != last.ours
		switch {
		case inForce && edited && !fresh && wanted == last.ours:
			now.vars = append(now.vars, last)
		case inForce && wanted != base:
			result.put(name, wanted)
			now.vars = append(now.vars, variable{name: name, prior: base, ours: wanted})
		default:
			result.put(name, base)
		}
	}
	next := Session{changes: now}
	if how.Remember {
		next.old = s.remember(now)
	}
	return result, next
}

// Changes lists what Reconcile changed on the way from one session to the
// next, sorted by name. It is Diff for those who know where to look.
func Changes(from, to Env, s, next Session) []Change {
	names := append(next.names(Wanted{}), s.names(Wanted{})...)
	names = append(names, pathVariable)
	slices.Sort(names)
	var changes []Change
	for _, name := range slices.Compact(names) {
		if value := to.Get(name); value != from.Get(name) {
			changes = append(changes, Change{name, value})
		}
	}
	return changes
}

// names lists the variables that s or want speak of, sorted.
func (s Session) names(want Wanted) []string {
	var names []string
	for name := range want.Vars {
		if isName(name) {
			names = append(names, name)
		}
	}
	for _, v := range s.all().vars {
		names = append(names, v.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// base gives the state that the variable has without us, and the record of the
// value that is in force, if there is one.
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
