package doctor

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/ui"
)

func mixedCheck() Check {
	return Check{
		ID: "toolchain.mixed", Group: Toolchain, Weight: 8,
		Title:  "whether a tree of Go has files of two releases",
		Why:    "an archive unpacked over another release leaves that one's files between its own: \"redeclared in this block\" in the standard library",
		Source: "the manifests of the installed releases: names, sizes, and SHA-256 where a release has another file of that name and size; without a manifest the times of the files beneath src against the line time of VERSION, which official archives since Go 1.21 give to every file",
		Run:    runMixed,
	}
}

// mixedFrom is how many files of another release make a tree a mixed one beyond doubt:
// a few may have been edited, or copied on purpose.
const mixedFrom = 20

func runMixed(ctx context.Context, m *Machine) Result {
	trees := m.unpackedTrees()
	if len(trees) == 0 {
		return skip("no Go outside a store or a package")
	}
	r := ok("none")
	for _, root := range trees {
		v := m.VersionOf(root)
		files, own := m.treeFiles(ctx, root), m.manifestOf(v)
		found := m.strangers(ctx, v, files, own)
		if len(found.files) == 0 {
			found = m.otherTimes(root, files, own)
		}
		if ctx.Err() != nil && len(found.files) == 0 {
			return skip("%s has too many files to be examined in time", root)
		}
		if len(found.files) > 0 {
			r = m.addMixed(r, root, found)
		}
	}
	return r
}

// addMixed adds a tree that has files of another release.
func (m *Machine) addMixed(r Result, root string, found strangers) Result {
	v := m.VersionOf(root)
	status := Fail
	if len(found.files) < mixedFrom {
		status = Warn
	}
	r.worse(status)
	r.Summary = root + " has files of two releases"
	r = r.at(filepath.Join(root, "VERSION"), 1, "go%s", v).at(root, 0, "%s %s", ui.Count(len(found.files), "file"), found.origin)
	for _, f := range found.files[:min(3, len(found.files))] {
		r = r.at(f.path, 0, "")
	}
	r = r.means("An archive was unpacked over another release. vmgo verify %s compares the tree with the public checksum database.", diag.Word(root))
	if m.manifestOf(v) == nil {
		r = r.fixWith("vmgo install %s", v)
	}
	if !slices.ContainsFunc(m.Gos(), func(g GoOnPath) bool { return g.Kind == ShimGo || g.Kind == StoreGo }) {
		r = r.fixWith("vmgo shims")
	}
	return r.fixWith("%srm -rf %s   # vmgo's release replaces it", m.sudoFor(root), diag.Word(root))
}

// unpackedTrees are the trees of Go on PATH, and the usual one, that no package and no
// vmgo has installed.
func (m *Machine) unpackedTrees() []string {
	var trees []string
	for _, g := range m.Gos() {
		if g.Kind == OtherGo {
			trees = append(trees, g.GOROOT)
		}
	}
	const usual = "/usr/local/go"
	if len(trees) == 0 && m.isTree(usual) && !m.withinStore(usual) {
		trees = append(trees, usual)
	}
	return trees
}

// releaseTime returns the time that VERSION names, zero if it names none.
func (m *Machine) releaseTime(root string) time.Time {
	for _, line := range m.Lines(filepath.Join(root, "VERSION")) {
		if word, found := strings.CutPrefix(line, "time "); found {
			at, _ := time.Parse(time.RFC3339, word)
			return at
		}
	}
	return time.Time{}
}
