package bundle

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// run is a go command that loads packages, once for each platform: what it needs
// beyond the list of modules, the other side will need as well.
type run struct {
	goroot, dir string
	env         map[string]string
	args        []string
}

func (p *Plan) load(ctx context.Context, r run) error {
	platforms := p.request.Platforms
	for _, platform := range platforms {
		env := map[string]string{"GOOS": platform.OS, "GOARCH": platform.Arch}
		for name, value := range r.env {
			env[name] = value
		}
		if _, err := p.work.goCommand(ctx, r.goroot, r.dir, env, r.args...); err != nil {
			return err
		}
	}
	return nil
}

// edited is what go mod edit -json and go work edit -json say.
type edited struct {
	Module  struct{ Path string }
	Go      string
	Require []struct{ Path string }
	Tool    []struct{ Path string }
	Use     []struct{ DiskPath string }
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
}

// addProject selects the modules of a project. The go command works with a copy of
// go.mod that has no go.sum beside it, so that it trusts none, and the project
// stays as it is.
func (p *Plan) addProject(ctx context.Context, dir string) error {
	goroot, err := p.creator.GOROOT(dir)
	if err != nil {
		return err
	}
	out, err := p.work.goCommand(ctx, goroot, dir, map[string]string{"GOWORK": ""}, "env", "GOMOD", "GOWORK")
	if err != nil {
		return err
	}
	gomod, gowork, _ := strings.Cut(strings.TrimSuffix(out, "\n"), "\n")
	tmp, err := os.MkdirTemp(p.work.dir, "project-")
	switch {
	case err != nil:
		return err
	case gowork != "" && gowork != "off":
		return p.addWorkspace(ctx, goroot, gowork, tmp)
	case gomod == "" || gomod == os.DevNull:
		return diag.New(diag.Usage, dir+" is in no module: it has no go.mod", "vmgo bundle create --project DIR FILE")
	}
	mod, err := p.edited(ctx, goroot, "mod", gomod)
	if err != nil {
		return err
	}
	copied := filepath.Join(tmp, "go.mod")
	data, err := smallfile.Read(gomod, maxSmall)
	if err != nil {
		return err
	}
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		return err
	}
	r := run{goroot, filepath.Dir(gomod), nil, []string{"list", "-modfile=" + copied, "-mod=mod", "-deps", "-test", "-f", "", "./..."}}
	if len(mod.Tool) > 0 {
		r.args = append(r.args, "tool")
	}
	p.runs = append(p.runs, r)
	p.Projects = append(p.Projects, mod.Module.Path)
	return p.selectModules(ctx, run{goroot, r.dir, nil, []string{"-modfile=" + copied, "-mod=mod"}}, []edited{mod})
}

// addWorkspace selects the modules of a go.work, of which the go command gets a copy
// with absolute paths.
func (p *Plan) addWorkspace(ctx context.Context, goroot, gowork, tmp string) error {
	root := filepath.Dir(gowork)
	work, err := p.edited(ctx, goroot, "work", gowork)
	if err != nil {
		return err
	}
	copied := filepath.Join(tmp, "go.work")
	data, err := smallfile.Read(gowork, maxSmall)
	if err != nil {
		return err
	}
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		return err
	}
	args := []string{"work", "edit"}
	load := run{goroot, root, map[string]string{"GOWORK": copied}, []string{"list", "-deps", "-test", "-f", ""}}
	var mods []edited
	for _, use := range work.Use {
		dir := modpath.Dir(root, use.DiskPath)
		args = append(args, "-dropuse="+use.DiskPath, "-use="+dir)
		load.args = append(load.args, filepath.Join(dir, "..."))
		mod, err := p.edited(ctx, goroot, "mod", filepath.Join(dir, "go.mod"))
		if err != nil {
			return err
		}
		mods = append(mods, mod)
		p.Projects = append(p.Projects, mod.Module.Path)
	}
	for _, r := range work.Replace {
		if r.New.Version == "" {
			args = append(args, "-replace="+atVersion(r.Old.Path, r.Old.Version)+"="+modpath.Dir(root, r.New.Path))
		}
	}
	if _, err := p.work.goCommand(ctx, goroot, tmp, nil, append(args, copied)...); err != nil {
		return err
	}
	p.runs = append(p.runs, load)
	return p.selectModules(ctx, run{goroot, root, load.env, nil}, mods)
}

func atVersion(path, version string) string {
	if version == "" {
		return path
	}
	return path + "@" + version
}

// addTool selects the modules that go install PACKAGE@VERSION needs.
func (p *Plan) addTool(ctx context.Context, t ToolSource) error {
	p.selected[trust.ModuleVersion{Path: t.Module, Version: t.Version}] = true
	p.runs = append(p.runs, run{t.GOROOT, p.work.dir, nil, []string{"install", "-n", t.Package + "@" + t.Version}})
	tmp, err := os.MkdirTemp(p.work.dir, "tool-")
	if err != nil {
		return err
	}
	data, err := smallfile.Read(t.GoMod, maxSmall)
	if err != nil {
		return err
	}
	file := filepath.Join(tmp, "go.mod")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	mod, err := p.edited(ctx, t.GOROOT, "mod", file)
	if err != nil {
		return err
	}
	if len(mod.Replace) > 0 {
		return nil // go install takes no such module, or finds the rest itself
	}
	return p.selectModules(ctx, run{t.GOROOT, tmp, nil, []string{"-mod=mod"}}, []edited{mod})
}

func (p *Plan) edited(ctx context.Context, goroot, kind, file string) (edited, error) {
	var e edited
	if _, err := smallfile.Read(file, maxSmall); err != nil { // the go command would wait for a fifo
		return e, err
	}
	out, err := p.work.goCommand(ctx, goroot, filepath.Dir(file), nil, kind, "edit", "-json", file)
	if err == nil {
		err = json.Unmarshal([]byte(out), &e)
	}
	return e, err
}

// listFormat prints a module, and what replaces it, between tabs.
const listFormat = "{{if not .Main}}{{.Path}}\t{{.Version}}\t{{with .Replace}}{{.Path}}\t{{.Version}}{{end}}{{end}}"

// selectModules selects those modules of a graph with their content that the go.mod
// files list or, with All or in a go.mod of Go 1.16 or older, all.
func (p *Plan) selectModules(ctx context.Context, r run, mods []edited) error {
	args := append([]string{"list", "-m", "-f", listFormat}, r.args...)
	out, err := p.work.goCommand(ctx, r.goroot, r.dir, r.env, append(args, "all")...)
	if err != nil {
		return err
	}
	all, listed := p.request.All, map[string]bool{}
	for _, mod := range mods {
		v, err := gover.Parse(mod.Go)
		pruned, _ := gover.Parse("1.17")
		all = all || err != nil || v.Compare(pruned) < 0
		for _, r := range mod.Require {
			listed[r.Path] = true
		}
	}
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) < 3 || !all && !listed[fields[0]] {
			continue
		}
		m := trust.ModuleVersion{Path: fields[0], Version: fields[1]}
		if len(fields) == 4 {
			m = trust.ModuleVersion{Path: fields[2], Version: fields[3]}
		}
		if modpath.IsExact(m.Path, m.Version) { // else it is a directory
			p.selected[m] = true
		}
	}
	return nil
}
