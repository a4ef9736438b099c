package cmd

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/modules"
	"github.com/vmgo/vmgo/internal/tools"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) modulesCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "modules",
		Usage:     "explain the modules of a project: why a version, what is wrong, what needs the network",
		UsageText: "vmgo modules check|why|offline [MODULE]...",
		Description: `The go command is asked; go.mod, go.sum and go.work stay as they are. The exit status is 1 if check finds what
stops a build, or offline what it would have to fetch. why takes "go" for the go line of go.mod.`,
		Category: projectCategory,
		Subcommands: []*cli.Command{
			{Name: "check", Usage: "look at every replace and use, at go.sum, for retracted versions and deprecated modules",
				UsageText: "vmgo modules check [--offline] [--json]", Action: a.modulesCheck,
				Flags: []cli.Flag{jsonFlag(), &cli.BoolFlag{Name: "offline", Usage: "do not ask for retracted versions and deprecated modules"}}},
			{Name: "why", Usage: "print which requirement selected the version of a module, and what imports it",
				UsageText: "vmgo modules why MODULE... [--json]", Flags: []cli.Flag{jsonFlag()}, Action: a.modulesWhy},
			{Name: "offline", Usage: "print what a build here would have to fetch",
				UsageText: "vmgo modules offline [MODULE] [--json]", Flags: []cli.Flag{jsonFlag()}, Action: a.modulesOffline},
		},
	})
}

// moduleProject opens the project of the working directory.
func (a *app) moduleProject(c *cli.Context) (modules.Project, error) {
	goroot, err := a.gorootIn(a.host.Dir)
	if err != nil {
		return modules.Project{}, err
	}
	p := modules.Project{
		Dir: a.host.Dir, GOROOT: goroot, Run: a.host.Run,
		Env: tools.GoEnv(a.outsideEnv(), a.goSettings(), a.settings.Offline || c.Bool("offline")),
	}
	return p.Open(c.Context)
}

func (a *app) modulesWhy(c *cli.Context) error {
	args, err := arguments(c, 1, -1, "MODULE")
	if err != nil {
		return err
	}
	p, err := a.moduleProject(c)
	if err != nil {
		return err
	}
	end := a.showing("looking at the modules")
	all, err := p.Why(c.Context, args...)
	end()
	if err != nil {
		return err
	}
	for i, why := range all {
		switch {
		case c.Bool("json"):
			err = ui.JSON(a.host.Stdout, why)
		case i > 0:
			err = a.showWhy("\n", why)
		default:
			err = a.showWhy("", why)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// showWhy prints why a module is part of the build, after what separates it from
// the one before.
func (a *app) showWhy(before string, why modules.Why) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s%s %s\n", before, why.Module, why.Version)
	if why.Replaced != "" {
		fmt.Fprintf(&out, "replaced by %s\n", why.Replaced)
	}
	for i := 1; i < len(why.Chain); i++ {
		fmt.Fprintf(&out, "%s requires %s\n", why.Chain[i-1], why.Chain[i])
	}
	for _, r := range why.Requirements {
		if r.Version != why.Version {
			fmt.Fprintf(&out, "%s is required by %s: %s\n", r.Version, ui.Count(len(r.By), "module"), r.By[0])
		}
	}
	switch {
	case len(why.Imports) == 0 && why.Module != "go":
		out.WriteString("no package of the main module needs it\n")
	case len(why.Imports) > 0:
		fmt.Fprintf(&out, "imported by %s\n", strings.Join(why.Imports, " > "))
	}
	_, err := fmt.Fprint(a.host.Stdout, diagLines(out.String()))
	return err
}

// diagLines makes text of others harmless for a terminal, line by line.
func diagLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(diag.Line(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return out.String()
}

func (a *app) modulesCheck(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	p, err := a.moduleProject(c)
	if err != nil {
		return err
	}
	end := a.showing("looking at the modules")
	found, err := p.Check(c.Context, c.Bool("offline") || a.settings.Offline)
	end()
	if err != nil {
		return err
	}
	return a.showProblems(c, found, "no problem with the modules", "the modules have problems that stop a build", "vmgo modules check")
}

func (a *app) modulesOffline(c *cli.Context) error {
	args, err := arguments(c, 0, 1, "MODULE")
	if err != nil {
		return err
	}
	p, err := a.moduleProject(c)
	if err != nil {
		return err
	}
	only := ""
	if len(args) > 0 {
		only = args[0]
	}
	found, err := p.Offline(c.Context, a.goSettings().Get("GOMODCACHE").Value, only)
	if err != nil {
		return err
	}
	return a.showProblems(c, found, "everything that go.mod lists is here", "a build without a network would fail", "vmgo bundle create app.tar   # where there is a network")
}

// showProblems prints what was found, and returns an error if it stops a build.
func (a *app) showProblems(c *cli.Context, found []modules.Problem, none, summary, hint string) error {
	stops := false
	for _, p := range found {
		stops = stops || !p.Warn
	}
	if c.Bool("json") {
		if err := ui.JSON(a.host.Stdout, found); err != nil {
			return err
		}
	} else {
		var out strings.Builder
		for _, p := range found {
			where := ""
			if p.File != "" {
				where = p.File + ": "
			}
			fmt.Fprintf(&out, "%s%s [%s]\n", where, p.Text, p.Kind)
			if p.Fix != "" {
				fmt.Fprintf(&out, "  fix: %s\n", p.Fix)
			}
		}
		if _, err := fmt.Fprint(a.host.Stdout, diagLines(out.String())); err != nil {
			return err
		}
	}
	if stops {
		return diag.New(diag.Failure, summary, hint)
	}
	if len(found) == 0 {
		a.sayf("%s", none)
	}
	return nil
}
