package verify

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

// Files compares a tree with its manifest.
func Files(m store.Manifest, tree *Tree) []Problem {
	byPath := tree.index()
	wanted := make(map[string]bool, len(m))
	var problems []Problem
	for i := range m {
		want := &m[i]
		wanted[want.Path] = true
		have := byPath[want.Path]
		switch {
		case have == nil:
			problems = append(problems, Problem{want.Path, Missing})
		case have.Size != want.Size || have.SHA256 != want.SHA256:
			problems = append(problems, Problem{want.Path, Modified})
		}
		if have != nil && wrongMode(want.Mode, have.Mode) {
			problems = append(problems, Problem{want.Path, Mode})
		}
	}
	for path := range byPath {
		if !wanted[path] {
			problems = append(problems, Problem{path, Extra})
		}
	}
	problems = append(problems, tree.emptyDirs(wanted)...)
	return sortProblems(append(problems, tree.Problems()...))
}

// emptyDirs returns the directories that have files neither now nor, by wanted, in
// the release: the uppermost of each branch.
func (t *Tree) emptyDirs(wanted map[string]bool) (problems []Problem) {
	used := map[string]bool{".": true}
	use := func(file string) {
		for dir := path.Dir(file); !used[dir]; dir = path.Dir(dir) {
			used[dir] = true
		}
	}
	for file := range wanted {
		use(file)
	}
	for i := range t.Files {
		use(t.Files[i].Path)
	}
	for _, odd := range t.Odd {
		use(odd)
	}
	for i := range t.Dirs {
		if dir := t.Dirs[i].Path; !used[dir] && used[path.Dir(dir)] {
			problems = append(problems, Problem{dir, Extra})
		}
	}
	return problems
}

// wrongMode reports whether a mode is one that a release does not have. A store
// may withdraw write permission, never add it; [Tree.Problems] reports that.
func wrongMode(want, have fs.FileMode) bool {
	const readAndRun = 0o555
	return have&^0o777 != 0 || want&readAndRun != have&readAndRun
}

// Problems lists what is wrong with any GOROOT whatever its content: files of
// other owners, files that others may change, attributes that no release has, and
// what is not a file.
func (t *Tree) Problems() []Problem {
	var problems []Problem
	check := func(f *TreeFile) {
		if f.owner != t.owner {
			problems = append(problems, Problem{f.Path, Owner})
		}
		if f.Mode&0o022 != 0 {
			problems = append(problems, Problem{f.Path, Writable})
		}
		for _, name := range f.attributes {
			if kind := kindOf(name); kind != ACL || !t.acls {
				problems = append(problems, Problem{f.Path, kind})
			}
		}
	}
	for i := range t.Files {
		check(&t.Files[i])
	}
	for i := range t.Dirs {
		check(&t.Dirs[i])
	}
	for _, path := range t.Odd {
		problems = append(problems, Problem{path, Irregular})
	}
	return problems
}

// kindOf returns the kind of problem that an extended attribute is.
func kindOf(attribute string) Kind {
	switch {
	case attribute == "security.capability":
		return Capability
	case strings.HasPrefix(attribute, "system.posix_acl_"):
		return ACL
	}
	return Attribute
}

// checkFiles is the check "files".
func (v *Verifier) checkFiles(c *Check, t Target, tree *Tree) {
	if t.Store == nil {
		c.Problems = tree.Problems()
		if t.Version.Minor() >= 21 { // packed by cmd/distpack, which names no directory without files
			c.Problems = append(c.Problems, tree.emptyDirs(nil)...)
		}
		c.Problems = sortProblems(c.Problems)
		if len(c.Problems) > 0 {
			c.fail(tampered(t, c.Problems))
			return
		}
		c.Status, c.Detail = Skip, "vmgo did not install it, so there is no manifest: see the check log"
		return
	}
	manifest, err := t.Store.Manifest(t.Version)
	if err != nil {
		c.fail(err)
		return
	}
	c.Problems = Files(manifest, tree)
	if link, sound := t.Store.ToolchainLink(t.Version); !sound {
		c.Problems = append(c.Problems, Problem{link, Link})
	}
	if len(c.Problems) > 0 {
		c.fail(tampered(t, c.Problems))
		return
	}
	c.Detail = fmt.Sprintf("%d files are as they were installed", len(manifest))
}

// tampered names the first few of what was found.
func tampered(t Target, problems []Problem) error {
	text := ""
	for i, p := range problems {
		if i == 3 && len(problems) > 4 {
			text += fmt.Sprintf(" and %d more", len(problems)-i)
			break
		}
		if i > 0 {
			text += ","
		}
		text += " " + p.Path + " (" + string(p.Kind) + ")"
	}
	hints := []string{"vmgo repair " + t.Version.String()}
	if t.Store == nil {
		hints = []string{"vmgo install " + t.Version.String()}
	}
	return diag.New(diag.Tampered, t.GOROOT+" is not "+t.Version.Toolchain()+" as it was published:"+text, hints...)
}
