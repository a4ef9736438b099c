package doctor

import (
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/lookpath"
)

// GoKind is where a go program comes from.
type GoKind string

// The kinds.
const (
	ShimGo    GoKind = "shim"         // ours: it looks where it is and starts the right release
	StoreGo   GoKind = "release"      // of a store of vmgo
	DistroGo  GoKind = "distribution" // of a package of the distribution
	SnapGo    GoKind = "snap"
	OtherGo   GoKind = "other"  // a tree that somebody unpacked
	ScriptGo  GoKind = "script" // another version manager's, or a wrapper
	CopiedGo  GoKind = "copy"   // a binary outside any tree
	UnknownGo GoKind = "unknown"
)

// GoOnPath is a program named go that PATH has.
type GoOnPath struct {
	Path    string // as PATH names it
	Real    string // with every link followed
	GOROOT  string // the tree it belongs to; empty for a shim
	Kind    GoKind
	Version gover.Version // zero if not known
}

// Gos are the go programs on PATH, in its order, each real one once.
func (m *Machine) Gos() []GoOnPath { return m.gos() }

func (m *Machine) findGos() []GoOnPath {
	var all []GoOnPath
	seen := map[string]bool{}
	for _, dir := range lookpath.Dirs(m.Env["PATH"]) {
		p := filepath.Join(dir, "go")
		if !m.IsProgram(p) {
			continue
		}
		g := m.identify(p)
		// Shims are links to one program, so their own places tell them apart.
		key := g.Real
		if g.Kind == ShimGo {
			key = p
		}
		if !seen[key] {
			seen[key] = true
			all = append(all, g)
		}
	}
	return all
}

// identify says whose go a program is.
func (m *Machine) identify(p string) GoOnPath {
	real, err := m.RealPath(p)
	if err != nil {
		return GoOnPath{Path: p, Real: p, Kind: UnknownGo}
	}
	g := GoOnPath{Path: p, Real: real}
	root := filepath.Dir(filepath.Dir(real))
	switch base := filepath.Base(real); {
	case facts.IsShimProgram(real):
		g.Kind = ShimGo
		return g
	case strings.HasPrefix(p, "/snap/") || strings.HasPrefix(real, "/snap/"), base == "snap":
		g.Kind = SnapGo
	case m.inStore(root):
		g.Kind = StoreGo
	case strings.HasPrefix(real, "/usr/lib/go-"), strings.HasPrefix(real, "/usr/lib/golang/"),
		strings.HasPrefix(real, "/usr/lib/go/"), real == "/usr/bin/go":
		g.Kind = DistroGo
	case m.Head(real, 2) == "#!":
		g.Kind = ScriptGo
		return g
	case m.isTree(root):
		g.Kind = OtherGo
	default:
		g.Kind = CopiedGo
		return g
	}
	if m.isTree(root) {
		g.GOROOT = root
		g.Version = m.VersionOf(root)
	}
	return g
}

// isTree reports whether dir is a GOROOT: VERSION alone is not enough, other
// programs have one too.
func (m *Machine) isTree(dir string) bool {
	return m.Exists(filepath.Join(dir, "VERSION")) && m.Exists(filepath.Join(dir, "pkg/tool"))
}

// distroSelected reports whether the selected Go is the distribution's.
func (m *Machine) distroSelected() bool {
	root := m.GOROOT()
	for _, g := range m.Gos() {
		if g.GOROOT == root && g.Kind == DistroGo {
			return true
		}
	}
	return false
}

func (m *Machine) inStore(root string) bool {
	for _, r := range m.Releases() {
		if r.GOROOT == root {
			return true
		}
	}
	return false
}
