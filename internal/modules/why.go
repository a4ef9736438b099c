package modules

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/modpath"
)

// Why explains one module of a build.
type Why struct {
	Module   string `json:"module"`
	Version  string `json:"version"`
	Replaced string `json:"replaced,omitempty"` // by what
	// Chain leads from a main module to the requirement that selected the
	// version: each requires the next.
	Chain []Node `json:"chain"`
	// Requirements are all versions that are required, the newest first.
	Requirements []Requirement `json:"requirements"`
	// Imports is how packages of the main module come to import one of the
	// module, as go mod why -m prints it; empty: none does.
	Imports []string `json:"imports"`
}

// Node is a version of a module; that of a main module is empty.
type Node struct {
	Module  string `json:"module"`
	Version string `json:"version"`
}

// String returns the node as the go command writes it.
func (n Node) String() string {
	if n.Version == "" {
		return n.Module
	}
	return n.Module + "@" + n.Version
}

// Requirement is a version that modules require.
type Requirement struct {
	Version string   `json:"version"`
	By      []string `json:"by"`
}

// goModule is the name under which go mod graph has the go lines of go.mod files.
const goModule = "go"

// Why explains why modules are part of the build in their versions; "go" stands for
// the go line of go.mod. The error is usage where one of them is not part of it.
func (p Project) Why(ctx context.Context, names ...string) ([]Why, error) {
	list, err := p.selected(ctx, nil)
	if err != nil {
		return nil, err
	}
	out, err := p.copied(ctx, nil, "mod", "graph")
	if err != nil {
		return nil, err
	}
	g := parseGraph(out)
	indirect, err := p.indirect(ctx)
	if err != nil {
		return nil, err
	}
	versions, replaced := selection(list, g)
	all := []Why{}
	for _, name := range names {
		version := versions[name]
		if version == "" {
			return nil, diag.New(diag.Usage, name+" is no module that this one requires", "vmgo exec -- go list -m all")
		}
		all = append(all, Why{Module: name, Version: version, Replaced: replaced[name],
			Chain: g.explain(Node{name, version}, versions, indirect), Requirements: g.requirements(name)})
	}
	imports, err := p.imports(ctx, names)
	for i := range all {
		all[i].Imports = append([]string{}, imports[all[i].Module]...)
	}
	return all, err
}

// selection returns the selected version of each module but the main ones, and what
// replaces it.
func selection(list []Module, g graph) (versions, replaced map[string]string) {
	versions, replaced = map[string]string{}, map[string]string{}
	for _, m := range list {
		versions[m.Path] = m.Version
		if m.Replace != nil {
			replaced[m.Path] = strings.TrimSpace(m.Replace.Path + " " + m.Replace.Version)
		}
	}
	if lines := g.requirements(goModule); len(lines) > 0 {
		versions[goModule] = lines[0].Version
	}
	return versions, replaced
}

// imports returns how packages of the main module come to import one of each module,
// as go mod why prints it. Modules that they do not import are left out.
func (p Project) imports(ctx context.Context, names []string) (map[string][]string, error) {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == goModule })
	if len(names) == 0 {
		return nil, nil
	}
	out, err := p.copied(ctx, nil, append([]string{"mod", "why", "-m"}, names...)...)
	if err != nil {
		return nil, err
	}
	of, name := map[string][]string{}, ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if header, found := strings.CutPrefix(line, "# "); found {
			name = header
			of[name] = nil // asked for twice, it is printed twice
		} else if line != "" && !strings.HasPrefix(line, "(") {
			of[name] = append(of[name], line)
		}
	}
	return of, nil
}

// indirect returns the modules that the main modules require only to record what
// others need, as the go line does.
func (p Project) indirect(ctx context.Context) (map[string]bool, error) {
	files, err := p.files(ctx)
	all := map[string]bool{goModule: true}
	for _, f := range files {
		for _, r := range f.Require {
			if r.Indirect {
				all[r.Path] = true
			}
		}
	}
	return all, err
}

// graph has the requirements of each version of a module.
type graph struct {
	mains    []Node
	requires map[Node][]Node
}

// parseGraph reads what go mod graph prints.
func parseGraph(text string) graph {
	g := graph{requires: map[Node][]Node{}}
	for line := range strings.Lines(text) {
		from, to, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found {
			continue
		}
		a, b := parseNode(from), parseNode(to)
		if a.Version == "" && !slices.Contains(g.mains, a) {
			g.mains = append(g.mains, a)
		}
		g.requires[a] = append(g.requires[a], b)
	}
	return g
}

func parseNode(text string) Node {
	path, version, _ := strings.Cut(text, "@")
	return Node{path, version}
}

// explain returns the shortest chain to a node. One by way of selected versions
// says more than one by others, and one through the modules that are imported
// more than a line that go mod tidy wrote for what they need.
func (g graph) explain(to Node, versions map[string]string, indirect map[string]bool) []Node {
	selected := func(n Node) bool { return n.Version == "" || versions[n.Module] == n.Version }
	direct := func(from, next Node) bool { return from.Version != "" || !indirect[next.Module] }
	for _, allowed := range []func(from, next Node) bool{
		func(from, next Node) bool { return selected(from) && direct(from, next) },
		func(from, next Node) bool { return direct(from, next) },
		func(_, _ Node) bool { return true },
	} {
		if chain := g.shortest(to, allowed); chain != nil {
			return chain
		}
	}
	return []Node{to}
}

// shortest looks for a chain over the requirements that are allowed.
func (g graph) shortest(to Node, allowed func(from, next Node) bool) []Node {
	before := map[Node]Node{}
	queue := slices.Clone(g.mains)
	for _, main := range g.mains {
		before[main] = main
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at == to {
			chain := []Node{at}
			for before[at] != at {
				at = before[at]
				chain = append(chain, at)
			}
			slices.Reverse(chain)
			return chain
		}
		for _, next := range g.requires[at] {
			if _, seen := before[next]; !seen && allowed(at, next) {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// requirements lists who requires which version of a module.
func (g graph) requirements(module string) []Requirement {
	by := map[string][]string{}
	for from, list := range g.requires {
		for _, to := range list {
			if to.Module == module {
				by[to.Version] = append(by[to.Version], from.String())
			}
		}
	}
	list := []Requirement{}
	for version, names := range by {
		slices.Sort(names)
		list = append(list, Requirement{version, names})
	}
	slices.SortFunc(list, func(a, b Requirement) int {
		return cmp.Or(compare(module, b.Version, a.Version), cmp.Compare(a.Version, b.Version))
	})
	return list
}

// compare returns the order of two versions of a module: negative if a is older.
func compare(module, a, b string) int {
	if module != goModule {
		return modpath.Compare(a, b)
	}
	older, _ := gover.Parse(a)
	newer, _ := gover.Parse(b)
	return older.Compare(newer)
}
