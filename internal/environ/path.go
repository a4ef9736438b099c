package environ

import (
	"slices"
	"strings"
)

// pathVariable is the one variable of which single entries are ours.
const pathVariable = "PATH"

// splitPath returns the entries of PATH. An unset PATH has none, an empty one
// has one empty entry: so every value survives the way there and back.
func splitPath(v Value) []string {
	if !v.Set {
		return nil
	}
	return strings.Split(v.Text, ":")
}

// fitsPath reports whether dir can be an entry of PATH at all.
func fitsPath(dir string) bool {
	return dir != "" && !strings.ContainsAny(dir, ":\x00")
}

// PathHolds reports whether dir is an entry of PATH.
func (e Env) PathHolds(dir string) bool {
	return slices.Contains(splitPath(e.Get(pathVariable)), dir)
}

func count(list []string, dir string) int {
	n := 0
	for _, entry := range list {
		if entry == dir {
			n++
		}
	}
	return n
}

// takeOut removes our entries from list: of each the first occurrence, and
// only while there are more of it than there were without us, so that an equal
// entry of the user's own is never taken for ours. at is where the first of
// them stood, those behind aside, or -1; all reports whether each was there.
func takeOut(list []string, ours []entry, behind []string) (rest []string, at int, all bool) {
	rest, at, all = slices.Clone(list), -1, true
	for _, e := range ours {
		i := slices.Index(rest, e.dir)
		if i < 0 || count(rest, e.dir) <= e.others {
			all = false
			continue
		}
		rest = slices.Delete(rest, i, i+1)
		if !slices.Contains(behind, e.dir) && (at < 0 || i < at) {
			at = i
		}
	}
	return rest, at, all
}

// entriesFor records the directories that go into a PATH of the given rest,
// each once, leaving out what PATH cannot carry, and of those behind what it
// has. The first of them go in front.
func entriesFor(want Wanted, rest []string) (ours []entry, front int) {
	add := func(dir string) {
		known := slices.ContainsFunc(ours, func(e entry) bool { return e.dir == dir })
		if fitsPath(dir) && !known {
			ours = append(ours, entry{dir: dir, others: count(rest, dir)})
		}
	}
	for _, dir := range want.Path {
		add(dir)
	}
	front = len(ours)
	for _, dir := range want.Behind {
		if count(rest, dir) == 0 {
			add(dir)
		}
	}
	return ours, front
}

func sameDirs(a, b []entry) bool {
	return slices.EqualFunc(a, b, func(x, y entry) bool { return x.dir == y.dir })
}

// reconcilePath gives PATH the wanted entries in place of those of the
// session. fresh puts them in front; else they go where the old ones stood, so
// that what the user put before them stays before them, and nothing at all
// moves when they are the same and still there. Those behind always go to the end.
func reconcilePath(path Value, s Session, want Wanted, fresh bool) (Value, changes) {
	list := splitPath(path)
	if former, at, _ := takeOut(list, s.remember(s.changes).path, nil); at >= 0 {
		list, path = former, Text(strings.Join(former, ":"))
	}
	rest, at, all := takeOut(list, s.path, want.Behind)
	wanted, front := entriesFor(want, rest)
	if !fresh && all && sameDirs(s.path, wanted) {
		return path, changes{path: s.path, pathUnset: s.pathUnset}
	}
	if fresh || at < 0 {
		at = 0
	}
	unset := len(rest) == 0 && (!path.Set || s.all().pathUnset)
	switch {
	case len(wanted) > 0:
		names := make([]string, len(wanted))
		for i, e := range wanted {
			names[i] = e.dir
		}
		list := append(slices.Insert(rest, at, names[:front]...), names[front:]...)
		return Text(strings.Join(list, ":")), changes{path: wanted, pathUnset: unset}
	case unset:
		return Value{}, changes{}
	}
	return Text(strings.Join(rest, ":")), changes{}
}
