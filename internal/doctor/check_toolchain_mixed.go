package doctor

import (
	"context"
	"path/filepath"
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
		Source: "the times of the files beneath src against the line time of VERSION, which official archives since Go 1.21 give to every file",
		Run:    runMixed,
	}
}

// mixedFrom is how many files of another time make a tree a mixed one: a few may have
// been edited.
const mixedFrom = 20

func runMixed(ctx context.Context, m *Machine) Result {
	trees := m.unpackedTrees()
	if len(trees) == 0 {
		return skip("no Go outside a store or a package")
	}
	r := ok("none")
	for _, root := range trees {
		stamp := m.releaseTime(root)
		if stamp.IsZero() {
			continue
		}
		own, others := 0, map[time.Time]int{}
		m.walkSources(ctx, filepath.Join(root, "src"), func(path string, at time.Time) {
			if at.Equal(stamp) {
				own++
			} else {
				others[at]++
			}
		})
		for at, n := range others {
			if own >= mixedFrom && n >= mixedFrom {
				r = m.addMixed(r, root, at, n)
				break
			}
		}
	}
	return r
}

// addMixed adds a tree with so many files of another time.
func (m *Machine) addMixed(r Result, root string, at time.Time, n int) Result {
	v := m.VersionOf(root)
	r.worse(Fail)
	r.Summary = root + " has files of two releases"
	r = r.at(filepath.Join(root, "VERSION"), 1, "go%s", v).at(filepath.Join(root, "src"), 0, "%s of %s, not of that release", ui.Count(n, "file"), day(at)).
		means("The archive was unpacked over another release. vmgo adopt would compare the tree with the public log.").
		fixWith("vmgo install %s", v)
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

// walkSources calls f with each Go file beneath a directory, and its time.
func (m *Machine) walkSources(ctx context.Context, dir string, f func(path string, at time.Time)) {
	for _, entry := range m.ReadDir(dir) {
		path := filepath.Join(dir, entry.Name())
		switch {
		case ctx.Err() != nil:
			return
		case entry.IsDir():
			m.walkSources(ctx, path, f)
		case entry.Type().IsRegular() && strings.HasSuffix(path, ".go"):
			if info, err := entry.Info(); err == nil {
				f(path, info.ModTime())
			}
		}
	}
}
