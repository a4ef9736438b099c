//go:build mutate

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	module     = "github.com/vmgo/vmgo"
	switchPath = module + "/internal/mutate/mutant"
)

//go:embed switch.go.txt
var switchSource string

// edit is text put around a piece of a file. Edits are made from the outside
// to the inside.
type edit struct {
	start, end    int
	before, after string
}

func (f *finder) wrap(n ast.Node, before, after string) {
	f.edits = append(f.edits, edit{start: f.offset(n.Pos()), end: f.offset(n.End()), before: before, after: after})
}

// rewrite returns text with the edits in it. No line moves.
func rewrite(text []byte, edits []edit) string {
	type insertion struct {
		at    int
		after bool
		text  string
	}
	var all []insertion
	for _, e := range edits {
		all = append(all, insertion{at: e.start, text: e.before})
	}
	for _, e := range slices.Backward(edits) {
		all = append(all, insertion{at: e.end, after: true, text: e.after})
	}
	slices.SortStableFunc(all, func(a, b insertion) int {
		switch {
		case a.at != b.at:
			return a.at - b.at
		case a.after == b.after:
			return 0
		case a.after: // what ends here does so before the next begins
			return -1
		}
		return 1
	})
	var out strings.Builder
	last := 0
	for _, i := range all {
		out.Write(text[last:i.at])
		out.WriteString(i.text)
		last = i.at
	}
	out.Write(text[last:])
	return out.String()
}

// overlay writes the mutated files below dir, and the file for `go build
// -overlay` that puts them in the places of the real ones.
func overlay(dir, repo string, sources []*source) (path string, mutants []*mutant, err error) {
	replace := map[string]string{}
	put := func(place, text string) error {
		file := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		replace[place] = file
		return os.WriteFile(file, []byte(text), 0o644)
	}
	if err := put(filepath.Join(repo, "internal/mutate/mutant/mutant.go"), switchSource); err != nil {
		return "", nil, err
	}
	for _, s := range sources {
		for _, name := range sortedKeys(s.files) {
			found, edits := find(s, name, len(mutants))
			if len(edits) == 0 {
				continue
			}
			mutants = append(mutants, found...)
			imported := edit{start: 0, end: s.set.Position(s.syntax[name].Name.End()).Offset, after: fmt.Sprintf("; import mutant__ %q", switchPath)}
			if err := put(name, rewrite(s.files[name], append(edits, imported))); err != nil {
				return "", nil, err
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, mutants, os.WriteFile(path, text, 0o644)
}
