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

// Apply brings env into the wanted state and says how to take it back.
func Apply(env Env, want Wanted) (Env, Session) {
	return Reconcile(env, Session{}, want, true)
}

// Revert takes back what s changed. A variable that no longer has the value
// that s gave it was changed by the user and stays as it is; so does all of
// PATH but our entries.
func Revert(env Env, s Session) Env {
	outside, _ := Reconcile(env, s, Wanted{}, true)
	return outside
}

// Reconcile brings an environment that s is in force in into the wanted state.
// env is not changed.
//
// fresh is for an environment that others have prepared since s was written, as
// the start-up files of a nested shell do: every wanted value is set, and the
// entries go to the front of PATH. Without it, what the user changed while the
// same was wanted stays changed.
func Reconcile(env Env, s Session, want Wanted, fresh bool) (Env, Session) {
	result := maps.Clone(env)
	if result == nil {
		result = Env{}
	}
	fresh = fresh || s.journal // which values are the user's cannot be told
	var next Session
	for _, name := range s.names(want) {
		wanted, inForce := want.Vars[name]
		now := env.Get(name)
		base, last, known := s.base(name, now)
		switch {
		case inForce && known && now != last.ours && !fresh && wanted == last.ours: // edited
			next.vars = append(next.vars, last)
		case inForce && wanted != base:
			result.put(name, wanted)
			next.vars = append(next.vars, variable{name: name, prior: base, ours: wanted})
		default:
			result.put(name, base)
		}
	}
	path, entries, unset := reconcilePath(env.Get(pathVariable), s, want.Path, fresh)
	result.put(pathVariable, path)
	next.path, next.pathUnset = entries, unset
	return result, next
}

// names lists the variables that s or want speak of, sorted.
func (s Session) names(want Wanted) []string {
	var names []string
	for name := range want.Vars {
		if isName(name) {
			names = append(names, name)
		}
	}
	for _, v := range s.vars {
		names = append(names, v.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// base gives the state that the variable has without us, and the newest record
// about it.
func (s Session) base(name string, now Value) (base Value, newest variable, known bool) {
	base = now
	for _, v := range s.vars {
		if v.name != name {
			continue
		}
		if !known {
			newest, known = v, true
		}
		if base == v.ours {
			base = v.prior
		}
	}
	return base, newest, known
}
