package shell

import (
	"slices"
	"strings"
)

// MaxSpelled is the longest path of an absent file that a test spells out. A
// directory has few ancestors with shorter paths, so what is spelled out is
// bounded; longer ones are tested in a loop, which is some 40 % slower a path
// and whose text grows with the depth of the directory, not with its square.
const MaxSpelled = 200

// levels are directories, each inside the one before, in none of which there
// may be a file of one of the names.
type levels struct {
	above string   // the directory that has the first of them
	dirs  []string // their names, from the top
	names []string
}

// absences returns what must not exist: the paths that are spelled out, and
// the levels for the rest.
func (u Update) absences() (spelled []string, deep []levels) {
	type directory struct {
		path  string
		names []string
	}
	var dirs []directory
	known := map[string]int{}
	for _, w := range u.Watch {
		if w.Kind != Absent {
			continue
		}
		if len(w.Path) <= MaxSpelled {
			spelled = append(spelled, w.Path)
			continue
		}
		path, name := cutName(w.Path)
		i, ok := known[path]
		if !ok {
			i = len(dirs)
			known[path] = i
			dirs = append(dirs, directory{path: path})
		}
		dirs[i].names = append(dirs[i].names, name)
	}
	for _, dir := range dirs {
		above, name := cutName(dir.path)
		// They come from the bottom up, as they were looked at.
		if last := len(deep) - 1; last >= 0 && deep[last].above == dir.path && slices.Equal(deep[last].names, dir.names) {
			deep[last].above = above
			deep[last].dirs = append(deep[last].dirs, name)
		} else {
			deep = append(deep, levels{above: above, dirs: []string{name}, names: dir.names})
		}
	}
	for _, l := range deep {
		slices.Reverse(l.dirs)
	}
	return spelled, deep
}

// cutName splits a path at its last slash.
func cutName(path string) (dir, name string) {
	i := max(strings.LastIndexByte(path, '/'), 0)
	return path[:i], strings.TrimPrefix(path[i:], "/")
}
