package modules

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gocmd"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// maxFile bounds a go.mod or go.sum, in bytes.
const maxFile = 64 << 20

// Problem is something that is wrong, or worth knowing, about the modules.
type Problem struct {
	Kind string `json:"kind"` // missing-target, no-go-mod, temporary-target, vendor-target, unused, shadowed, ignored, go-sum, retracted, deprecated, not-cached
	Warn bool   `json:"warn"` // the build works all the same
	File string `json:"file,omitempty"`
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}

// Check looks at every replace and use, at go.sum and, unless offline, for
// versions that were retracted and modules that are deprecated.
func (p Project) Check(ctx context.Context, offline bool) ([]Problem, error) {
	found := []Problem{}
	files, err := p.files(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		found = append(found, f.badUses()...)
		found = append(found, f.badTargets()...)
	}
	if slices.ContainsFunc(found, func(p Problem) bool { return !p.Warn }) {
		return found, nil // the go command can list nothing
	}
	flags := []string{}
	if !offline {
		flags = []string{"-u", "-retracted"}
	}
	list, err := p.selected(ctx, nil, flags...)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		found = append(found, f.unused(list)...)
	}
	found = append(found, ignored(list)...)
	found = append(found, stale(list)...)
	holes, err := p.sumHoles(ctx)
	return append(found, holes...), err
}

// badUses judges the use lines of a go.work.
func (f file) badUses() (found []Problem) {
	for _, use := range f.Use {
		dir := modpath.Dir(filepath.Dir(f.Path), use.DiskPath)
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			found = append(found, Problem{Kind: "missing-target", File: f.Path, Text: "use " + use.DiskPath + " leads to a directory without go.mod",
				Fix: "go work edit -dropuse=" + diag.Word(use.DiskPath) + " " + diag.Word(f.Path)})
		}
	}
	return found
}

// badTargets judges the directories that replace lines lead to.
func (f file) badTargets() (found []Problem) {
	for _, r := range f.Replace {
		if r.New.Version != "" {
			continue
		}
		dir := modpath.Dir(filepath.Dir(f.Path), r.New.Path)
		p := Problem{File: f.Path, Fix: f.drop(r)}
		switch err := gocmd.Ordinary(filepath.Join(dir, "go.mod")); {
		case !isDir(dir):
			p.Kind, p.Text = "missing-target", r.text()+" leads to a directory that does not exist"
		case err != nil && strings.Contains("/"+filepath.ToSlash(r.New.Path)+"/", "/vendor/"):
			p.Kind, p.Text = "vendor-target", r.text()+" leads into vendor, whose directories have no go.mod"
		case err != nil:
			p.Kind, p.Text = "no-go-mod", r.text()+" leads to a directory without go.mod"
		case strings.HasPrefix(dir, "/tmp/"), strings.HasPrefix(dir, "/var/tmp/"), strings.HasPrefix(dir, "/dev/shm/"):
			p.Kind, p.Text, p.Warn = "temporary-target", r.text()+" leads to a place that does not last", true
		default:
			continue
		}
		found = append(found, p)
	}
	return found
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// drop returns the command that removes a replace.
func (f file) drop(r replace) string {
	kind, old := "mod", r.Old.Path
	if filepath.Base(f.Path) == "go.work" {
		kind = "work"
	}
	if r.Old.Version != "" {
		old += "@" + r.Old.Version
	}
	return "go " + kind + " edit -dropreplace=" + old + " " + diag.Word(f.Path)
}

// unused returns replaces that change nothing: of modules or versions that are
// not selected, or that a replace of the very version goes before.
func (f file) unused(list []Module) (found []Problem) {
	for _, r := range f.Replace {
		i := slices.IndexFunc(list, func(m Module) bool { return m.Path == r.Old.Path })
		specific := func(other replace) bool {
			return r.Old.Version == "" && other.Old.Path == r.Old.Path && i >= 0 && other.Old.Version == list[i].Version
		}
		switch {
		case i < 0:
			found = append(found, Problem{Kind: "unused", Warn: true, File: f.Path, Text: r.text() + " is about a module that nothing requires", Fix: f.drop(r)})
		case r.Old.Version != "" && r.Old.Version != list[i].Version:
			found = append(found, Problem{Kind: "unused", Warn: true, File: f.Path,
				Text: r.text() + " is about another version than the selected " + list[i].Version, Fix: f.drop(r)})
		case slices.ContainsFunc(f.Replace, specific):
			found = append(found, Problem{Kind: "shadowed", Warn: true, File: f.Path, Text: r.text() + " is not used: one for " + list[i].Version + " goes before it"})
		}
	}
	return found
}

// ignored returns replaces in the go.mod of modules that are required directly: they
// count in their own builds only.
func ignored(list []Module) (found []Problem) {
	for _, m := range list {
		if m.Main || m.Indirect || m.GoMod == "" {
			continue
		}
		data, err := smallfile.Read(m.GoMod, maxFile)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(line, "//")
			if strings.Contains(line, "=>") {
				found = append(found, Problem{Kind: "ignored", Warn: true, File: m.GoMod,
					Text: m.Path + " " + m.Version + " has the replace " + strings.TrimPrefix(strings.TrimSpace(line), "replace ") + ", which does not count here"})
			}
		}
	}
	return found
}

// stale returns versions that their authors took back, and modules that they gave up.
func stale(list []Module) (found []Problem) {
	for _, m := range list {
		if m.Main {
			continue
		}
		if len(m.Retracted) > 0 {
			found = append(found, Problem{Kind: "retracted", Warn: true, Text: m.Path + " " + m.Version + " was retracted: " + strings.Join(m.Retracted, "; "),
				Fix: "go get " + m.Path + "@latest"})
		}
		if m.Deprecated != "" && !m.Indirect {
			found = append(found, Problem{Kind: "deprecated", Warn: true, Text: m.Path + " is deprecated: " + m.Deprecated})
		}
	}
	return found
}

// sumHoles returns what go.sum lacks for a build that may not change it.
func (p Project) sumHoles(ctx context.Context) ([]Problem, error) {
	out, err := p.ask(ctx, nil, "list", "-e", "-deps", "-test", "-f", "{{with .Error}}{{.Err}}{{end}}{{range .DepsErrors}}\n{{.Err}}{{end}}", "./...")
	if err != nil && !strings.Contains(err.Error(), "go.sum") {
		return nil, err
	}
	if err != nil {
		out += err.Error()
	}
	var found []Problem
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		known := slices.ContainsFunc(found, func(p Problem) bool { return p.Text == line })
		if strings.Contains(line, "missing go.sum entry") && !known {
			found = append(found, Problem{Kind: "go-sum", File: filepath.Join(filepath.Dir(p.gomod), "go.sum"), Text: line, Fix: "go mod tidy"})
		}
	}
	return found, nil
}

// Offline returns what a build here would have to fetch: what go.mod lists and the
// module cache lacks, and what go.sum does not have, so that the database would be
// asked. modcache is GOMODCACHE.
func (p Project) Offline(ctx context.Context, modcache, only string) ([]Problem, error) {
	found := []Problem{}
	list, err := p.selected(ctx, map[string]string{"GOPROXY": "off"})
	if err != nil {
		return nil, err
	}
	files, err := p.files(ctx)
	if err != nil {
		return nil, err
	}
	listed, sums := map[string]bool{}, ""
	for _, f := range files {
		for _, r := range f.Require {
			listed[r.Path] = true
		}
		data, err := smallfile.Read(strings.TrimSuffix(f.Path, filepath.Ext(f.Path))+".sum", maxFile)
		if err == nil {
			sums += "\n" + string(data)
		}
	}
	for _, m := range list {
		used := m.effective()
		if m.Main || !listed[m.Path] || used.Version == "" || only != "" && m.Path != only {
			continue
		}
		path, version, err := modpath.Escape(used.Path, used.Version)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(filepath.Join(modcache, "cache", "download", path, "@v", version+".zip")); err != nil {
			found = append(found, Problem{Kind: "not-cached", Text: used.Path + " " + used.Version + " is not in the module cache"})
		} else if !strings.Contains(sums, "\n"+used.Path+" "+used.Version+" h1:") {
			found = append(found, Problem{Kind: "go-sum", Text: used.Path + " " + used.Version + " is not in go.sum, so that the checksum database would be asked"})
		}
	}
	return found, nil
}

// copyFile copies a small file; one that is not there stays away.
func copyFile(from, to string) error {
	data, err := smallfile.Read(from, maxFile)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, fs.FileMode(0o600))
}
