package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/audit"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/tools/chosen"
	"github.com/vmgo/vmgo/internal/vulndb"
)

type symbolsFunc = func(ctx context.Context, s *audit.Subject, ids []string) (map[string]bool, error)

// auditSubjects collects what is looked at: what the arguments name, else all
// that vmgo knows of. unread is what could not be read on the way.
func (a *app) auditSubjects(args []string) (subjects []audit.Subject, unread []audit.Unread, err error) {
	programs := &audit.Programs{}
	if len(args) > 0 {
		for _, arg := range args {
			found, err := a.auditArgument(programs, a.host.Abs(arg))
			if err != nil {
				return nil, nil, err
			}
			subjects = append(subjects, found...)
		}
		return append(append(subjects, a.auditReleases(programs.GOROOTs())...), programs.List()...), nil, nil
	}
	releases, err := a.installed()
	if err != nil {
		return nil, nil, err
	}
	for _, r := range releases {
		subjects = append(subjects, releaseSubject(r.Version, r.GOROOT, true))
		programs.Skip = append(programs.Skip, r.GOROOT)
	}
	a.auditPrograms(programs)
	list := programs.List()
	a.ownersOf(list)
	subjects = append(append(subjects, a.auditReleases(programs.GOROOTs())...), list...)
	projects, unread := a.auditProjects()
	return append(subjects, projects...), unread, nil
}

// auditArgument looks at a program, a module, a workspace, a GOROOT or a directory of programs.
func (a *app) auditArgument(programs *audit.Programs, path string) ([]audit.Subject, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, diag.Wrap(diag.Usage, err, "there is nothing to audit at "+path)
	}
	if !info.IsDir() {
		if err := programs.File(path, nil); err != nil && !(errors.Is(err, audit.ErrNotGo) && len(programs.GOROOTs()) > 0) {
			return nil, diag.Wrap(diag.Usage, err, "cannot audit "+path, "go version -m "+diag.Word(path))
		}
		return nil, nil
	}
	found, err := audit.ReadProject(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	if subjects := a.auditReleases([]string{path}); len(subjects) > 0 {
		return subjects, nil
	}
	before := len(programs.List())
	programs.Dir(path, nil)
	if len(programs.List()) == before {
		return nil, diag.New(diag.Usage, "there is nothing to audit in "+path+": no go.mod, no go.work and no program built by Go")
	}
	return nil, nil
}

func releaseSubject(v gover.Version, goroot string, managed bool) audit.Subject {
	std := audit.StdVersion(v)
	return audit.Subject{Kind: audit.Release, Path: goroot, Go: v, Managed: managed, Modules: []vulndb.Module{
		{Path: vulndb.Std, Version: std}, {Path: vulndb.Toolchain, Version: std},
	}}
}

// auditReleases returns those of the trees that are releases, by their VERSION file.
func (a *app) auditReleases(goroots []string) []audit.Subject {
	var subjects []audit.Subject
	for _, goroot := range goroots {
		name, err := store.NameOf(goroot)
		if err != nil {
			continue
		}
		if v, err := gover.Parse(strings.TrimPrefix(name, "go")); err == nil && strings.HasPrefix(name, "go") {
			subjects = append(subjects, releaseSubject(v, goroot, false))
		}
	}
	return subjects
}

// auditPrograms collects programs: of GOBIN and vmgo tools, of PATH, and those that run.
func (a *app) auditPrograms(programs *audit.Programs) {
	ours := ""
	if a.layout.Data != "" {
		ours = chosen.Tools(a.layout.Data) + "/"
	}
	markTool := func(s *audit.Subject) {
		if name, found := strings.CutPrefix(s.Real, ours); ours != "" && found {
			s.Tool, _, _ = strings.Cut(name, "/")
		}
	}
	if k, err := a.kit(false); err == nil {
		programs.Dir(k.Bin, func(s *audit.Subject) { s.GOBIN = true; markTool(s) })
	}
	for _, dir := range lookpath.Dirs(a.host.Env["PATH"]) {
		programs.Dir(dir, markTool)
	}
	programs.Running(a.host)
}

// ownersOf finds out from dpkg which programs belong to packages of the system.
func (a *app) ownersOf(list []audit.Subject) {
	var paths []string
	for _, s := range list {
		if s.Tool == "" && !s.GOBIN {
			paths = append(paths, s.Real)
		}
	}
	if len(paths) == 0 {
		return
	}
	out, err := a.host.Ask(context.Background(), host.Command{Args: append([]string{"dpkg-query", "--search", "--"}, paths...)})
	if err != nil {
		return
	}
	for line := range strings.Lines(out.Stdout) {
		name, path, found := strings.Cut(strings.TrimSpace(line), ": ")
		name, _, _ = strings.Cut(name, ":")
		for i := range list {
			if found && list[i].Real == path && !strings.ContainsAny(name, ", ") {
				list[i].Owner = name
			}
		}
	}
}

// auditProjects returns the project here and those where vmgo was used.
func (a *app) auditProjects() (subjects []audit.Subject, unread []audit.Unread) {
	dirs, err := seen.List(a.layout.State)
	if err != nil {
		unread = append(unread, audit.Unread{Path: a.layout.State, Error: err.Error()})
	}
	for dir := a.host.Dir; dir != ""; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			dirs = append([]string{dir}, dirs...)
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	known := map[string]bool{}
	for _, dir := range dirs {
		found, err := audit.ReadProject(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			unread = append(unread, audit.Unread{Path: dir, Error: err.Error()})
		}
		for _, s := range found {
			if !known[s.Path] {
				subjects = append(subjects, s)
			}
			known[s.Path] = true
		}
	}
	return subjects, unread
}
