// Package modules explains the modules of a project: why a version was selected,
// what is wrong with replace, use and go.sum, and what would fail without a
// network. What the go command knows it is asked; nothing of the project changes.
package modules

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gocmd"
	"github.com/vmgo/vmgo/internal/modpath"
)

// Project is a module or a workspace as the go command sees it.
type Project struct {
	Dir    string
	GOROOT string
	Env    map[string]string // of the go command: see tools.GoEnv
	Run    func(*exec.Cmd) error

	gomod, gowork string
}

// Open finds the go.mod or go.work of the directory. The error is usage where
// there is none.
func (p Project) Open(ctx context.Context) (Project, error) {
	out, err := p.ask(ctx, nil, "env", "GOMOD", "GOWORK")
	if err != nil {
		return p, err
	}
	p.gomod, p.gowork, _ = strings.Cut(strings.TrimSuffix(out, "\n"), "\n")
	if p.gowork == "off" {
		p.gowork = ""
	}
	if p.gowork == "" && (p.gomod == "" || p.gomod == os.DevNull) {
		return p, diag.New(diag.Usage, p.Dir+" is in no module: it has no go.mod", "cd PROJECT && vmgo modules check")
	}
	return p, nil
}

// ask runs the go command in the project. It may change neither go.mod nor go.sum.
func (p Project) ask(ctx context.Context, extra map[string]string, args ...string) (string, error) {
	env := map[string]string{}
	for name, value := range p.Env {
		env[name] = value
	}
	env["GOWORK"], env["GOROOT"] = "", p.GOROOT
	if p.gowork != "" || p.gomod != "" {
		env["GOFLAGS"] = "-mod=readonly" // a directory vendor lists no module that it does not need
	}
	for name, value := range extra {
		env[name] = value
	}
	return gocmd.Command{GOROOT: p.GOROOT, Dir: p.Dir, Env: env, Args: args, Run: p.Run}.Output(ctx)
}

// copied runs ask with a copy of go.mod and go.sum, which the go command may
// complete: a go.sum with holes would keep it from listing anything.
func (p Project) copied(ctx context.Context, extra map[string]string, args ...string) (string, error) {
	if p.gowork != "" {
		return p.ask(ctx, extra, args...)
	}
	dir, err := os.MkdirTemp("", "vmgo-modules-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	for name, from := range map[string]string{"go.mod": p.gomod, "go.sum": strings.TrimSuffix(p.gomod, ".mod") + ".sum"} {
		if err := copyFile(from, filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	flags := map[string]string{"GOFLAGS": "-mod=mod '-modfile=" + filepath.Join(dir, "go.mod") + "'"}
	for name, value := range extra {
		flags[name] = value
	}
	return p.ask(ctx, flags, args...)
}

// file is what go mod edit -json and go work edit -json say of a file.
type file struct {
	Path    string `json:"-"`
	Module  struct{ Path string }
	Require []struct {
		Path, Version string
		Indirect      bool
	}
	Use     []struct{ DiskPath string }
	Replace []replace
}

type replace struct {
	Old, New struct{ Path, Version string }
}

// text returns the directive as a line.
func (r replace) text() string {
	return strings.TrimSuffix("replace "+strings.TrimSpace(r.Old.Path+" "+r.Old.Version)+" => "+r.New.Path+" "+r.New.Version, " ")
}

func (p Project) read(ctx context.Context, path string) (f file, err error) {
	kind := "mod"
	if filepath.Base(path) == "go.work" {
		kind = "work"
	}
	if err := gocmd.Ordinary(path); err != nil {
		return f, err
	}
	out, err := p.ask(ctx, map[string]string{"GOFLAGS": ""}, kind, "edit", "-json", path)
	if err == nil {
		err = json.Unmarshal([]byte(out), &f)
	}
	f.Path = path
	return f, err
}

// files returns go.work, if there is one, and the go.mod of each main module.
func (p Project) files(ctx context.Context) (list []file, err error) {
	mods := []string{p.gomod}
	if p.gowork != "" {
		work, err := p.read(ctx, p.gowork)
		if err != nil {
			return nil, err
		}
		list, mods = append(list, work), nil
		for _, use := range work.Use {
			mods = append(mods, filepath.Join(modpath.Dir(filepath.Dir(p.gowork), use.DiskPath), "go.mod"))
		}
	}
	for _, path := range mods {
		if _, err := os.Stat(path); err != nil && p.gowork != "" {
			continue // check reports it
		}
		mod, err := p.read(ctx, path)
		if err != nil {
			return nil, err
		}
		list = append(list, mod)
	}
	return list, nil
}

// Module is a module that was selected.
type Module struct {
	Path, Version string
	Main          bool
	Dir           string
	GoMod         string
	Replace       *Module
	Indirect      bool
	Deprecated    string
	Retracted     []string
}

// selected lists the modules of the build.
func (p Project) selected(ctx context.Context, extra map[string]string, flags ...string) (list []Module, err error) {
	out, err := p.copied(ctx, extra, append(append([]string{"list", "-m", "-e", "-json"}, flags...), "all")...)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	for decoder.More() {
		var m Module
		if err := decoder.Decode(&m); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// effective returns the module whose content is used.
func (m Module) effective() Module {
	if m.Replace != nil {
		return *m.Replace
	}
	return m
}
