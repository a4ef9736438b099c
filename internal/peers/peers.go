// Package peers finds the releases that other version managers have installed,
// and what they use by default. It reads their files and changes none.
//
// Where each keeps them was read in the sources of goenv 3, mise, asdf-golang, gvm,
// voidint/g, gobrew, golang.org/dl and the go command.
package peers

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
)

// Peer is another version manager.
type Peer struct {
	Name    string
	base    func(Machine) string     // the directory that holds its releases
	version func(name string) string // the version in the name of a directory there
	inner   string                   // GOROOT in such a directory; empty: the directory itself
	choice  func(Machine) string     // the file that names its default; nil: there is none
	read    func(text string) string // the selector in that file; nil: it is a link to a release
}

// Machine is where to look.
type Machine struct {
	host.Host
	Home     string
	Modcache string
}

// Tree is a release that a peer has installed.
type Tree struct {
	Peer    string
	GOROOT  string
	Version gover.Version
}

// Default is what a peer uses outside of projects.
type Default struct {
	Peer, Path, Selector string
}

// from returns a directory that a variable names, else one beneath home, and
// what follows.
func from(variable, fallback, rest string) func(Machine) string {
	return func(m Machine) string {
		dir := m.Env[variable]
		if !filepath.IsAbs(dir) {
			if m.Home == "" {
				return ""
			}
			dir = filepath.Join(m.Home, fallback)
		}
		return filepath.Join(dir, rest)
	}
}

func same(name string) string { return name }

func after(prefix string) func(string) string {
	return func(name string) string {
		rest, found := strings.CutPrefix(name, prefix)
		if !found {
			return ""
		}
		return rest
	}
}

// All lists the peers in the order in which their releases are taken.
func All() []Peer {
	return []Peer{
		{Name: "goenv", base: from("GOENV_ROOT", ".goenv", "versions"), version: same, choice: from("GOENV_ROOT", ".goenv", "version"), read: firstWord},
		{Name: "mise", base: miseData, version: same, choice: miseConfig, read: miseGo},
		{Name: "asdf", base: from("ASDF_DATA_DIR", ".asdf", "installs/golang"), version: same, inner: "go",
			choice: from("", "", ".tool-versions"), read: toolVersions},
		{Name: "gvm", base: from("GVM_ROOT", ".gvm", "gos"), version: after("go"),
			choice: from("GVM_ROOT", ".gvm", "environments/default"), read: gvmGo},
		{Name: "g", base: from("G_HOME", ".g", "versions"), version: same, choice: from("G_HOME", ".g", "go")},
		{Name: "gobrew", base: from("GOBREW_ROOT", "", ".gobrew/versions"), version: same, inner: "go",
			choice: from("GOBREW_ROOT", "", ".gobrew/current")},
		{Name: "sdk", base: from("", "", "sdk"), version: after("go")},
		{Name: "gotoolchain", base: func(m Machine) string {
			if m.Modcache == "" {
				return ""
			}
			return filepath.Join(m.Modcache, "golang.org")
		}, version: func(name string) string {
			v, _, ok := gover.ParseModuleVersion(strings.TrimPrefix(name, "toolchain@"))
			if !ok || !strings.HasPrefix(name, "toolchain@") {
				return ""
			}
			return v.String()
		}},
	}
}

func miseData(m Machine) string {
	if dir := m.Env["MISE_DATA_DIR"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "installs/go")
	}
	return from("XDG_DATA_HOME", ".local/share", "mise/installs/go")(m)
}

func miseConfig(m Machine) string {
	if dir := m.Env["MISE_CONFIG_DIR"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "config.toml")
	}
	return from("XDG_CONFIG_HOME", ".config", "mise/config.toml")(m)
}

func firstWord(text string) string {
	if words := strings.Fields(text); len(words) > 0 {
		return words[0]
	}
	return ""
}

// gvmGo reads the name of the release in what "gvm use --default" copies.
func gvmGo(text string) string {
	_, rest, _ := strings.Cut(text, `gvm_go_name="go`)
	version, _, _ := strings.Cut(rest, `"`)
	return version
}

// toolVersions reads the first version on the line of Go in asdf's file.
func toolVersions(text string) string {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 1 && (words[0] == "golang" || words[0] == "go") {
			return words[1]
		}
	}
	return ""
}

// miseGo reads the line go = "VERSION" of the table [tools]; of a list of versions, the
// first.
func miseGo(text string) string {
	inTools := false
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		if strings.HasPrefix(line, "[") {
			inTools = strings.TrimSpace(line) == "[tools]"
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found || !inTools || strings.Trim(name, " \t\"'") != "go" {
			continue
		}
		value = strings.TrimLeft(value, "[ \t")
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			version, _, _ := strings.Cut(value[1:], value[:1])
			return version
		}
	}
	return ""
}

// Find returns the releases and the defaults of the peers of these names, of
// all without one. Links and names that are no version are passed over.
func Find(m Machine, names ...string) (trees []Tree, defaults []Default) {
	for _, p := range All() {
		if len(names) > 0 && !slices.Contains(names, p.Name) {
			continue
		}
		base := p.base(m)
		if base == "" {
			continue
		}
		for _, entry := range m.ReadDir(base) {
			v, err := gover.Parse(p.version(entry.Name()))
			goroot := filepath.Join(base, entry.Name(), p.inner)
			if err == nil && entry.IsDir() && v.IsRelease() && m.IsProgram(filepath.Join(goroot, "bin/go")) {
				trees = append(trees, Tree{p.Name, goroot, v})
			}
		}
		if p.choice == nil {
			continue
		}
		path := p.choice(m)
		if selector := p.selector(m, base, path); selector != "" {
			defaults = append(defaults, Default{p.Name, path, selector})
		}
	}
	slices.SortStableFunc(trees, func(a, b Tree) int { return b.Version.Compare(a.Version) })
	return trees, defaults
}

// selector returns what the file of a default selects; empty for nothing.
func (p Peer) selector(m Machine, base, path string) string {
	if p.read != nil {
		return p.read(m.Text(path))
	}
	target := m.LinkText(path)
	if target != "" && !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(path), target)
	}
	rest, beneath := strings.CutPrefix(target, base+"/")
	if !beneath {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return p.version(name)
}

// Remnant is something of a former way to use Go in a directory.
type Remnant struct {
	Path, Advice string
}

// Remnants looks for what stands in the way of vmgo in a directory: an .envrc
// that sets GOROOT, a GOPATH in the project, a pin that only mise reads.
func Remnants(m Machine, dir string) (found []Remnant) {
	path := filepath.Join(dir, ".envrc")
	for _, line := range m.Lines(path) {
		words := strings.Fields(line)
		if len(words) > 0 && !strings.HasPrefix(words[0], "#") && strings.Contains(line, "GOROOT") {
			found = append(found, Remnant{path, "sets GOROOT: remove the line, and pin the release with vmgo use"})
			break
		}
	}
	for _, name := range []string{"mise.toml", ".mise.toml"} {
		if selector := miseGo(m.Text(filepath.Join(dir, name))); selector != "" {
			found = append(found, Remnant{filepath.Join(dir, name), "selects go " + selector + " for mise only: vmgo use " + diag.Word(selector)})
		}
	}
	gopath := filepath.Join(dir, "gopath")
	if len(m.ReadDir(filepath.Join(gopath, "pkg/mod"))) > 0 || len(m.ReadDir(filepath.Join(gopath, "bin"))) > 0 {
		found = append(found, Remnant{gopath, "is a GOPATH in the project: vmgo keeps one outside; remove it with go clean -modcache and rm -r, or set VMGO_GOPATH=tree"})
	}
	return found
}
