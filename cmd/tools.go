package cmd

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gobin"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/tools"
	"github.com/vmgo/vmgo/internal/tools/chosen"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) toolsCommand() *cli.Command {
	sub := func(name, usage, text string, action cli.ActionFunc, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, UsageText: "vmgo tools " + text, Flags: flags, Action: action}
	}
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "tools",
		Usage:     "install and keep gopls, dlv, staticcheck and other programs, built by the newest release",
		UsageText: "vmgo tools install PKG[@VERSION]... | list | outdated | upgrade | remove | sync | rollback",
		Description: `A tool is named by its import path, or as gopls, dlv, staticcheck or golangci-lint. vmgo installs the newest version whose go.mod
fits the newest installed release, built by that release. It is on PATH in every project; dlv is selected by
the release of the directory. The tools of one project are the tool lines of its go.mod: go tool NAME.`,
		Category: shellCategory,
		Subcommands: []*cli.Command{
			sub("install", "install tools", "install PKG[@VERSION]... [--force]", a.toolsInstall, jsonFlag(),
				&cli.BoolFlag{Name: "force", Usage: "replace a program of the same name that vmgo did not install"}),
			sub("list", "list the installed tools", "list [--json]", a.toolsList, jsonFlag()),
			sub("outdated", "list tools that have a newer version, or a newer release to build them", "outdated [--json]", a.toolsOutdated, jsonFlag()),
			sub("upgrade", "upgrade tools to the newest version that fits", "upgrade [NAME...]", a.toolsUpgrade, jsonFlag()),
			sub("remove", "remove tools", "remove NAME...", a.toolsRemove),
			sub("sync", "rebuild tools with the newest installed release", "sync [NAME...]", a.toolsSync, jsonFlag()),
			sub("rollback", "return to the previous build", "rollback NAME...", a.toolsRollback),
		},
	})
}

// kit is the user's tools. Without building, no release needs to be installed.
func (a *app) kit(build bool) (tools.Kit, error) {
	if a.layout.Data == "" {
		return tools.Kit{}, diag.New(diag.Failure, "no home directory to keep tools in", homeHint)
	}
	settings := a.goSettings()
	user := settings
	user.Env = nil
	programs, err := gobin.Find(gobin.User{Data: a.layout.Data, Home: a.layout.Home, GOPATH: user.GOPATH(), UID: a.host.UID})
	if err != nil {
		return tools.Kit{}, diag.Wrap(diag.Failure, err, "no directory for installed programs", "vmgo doctor --only toolchain.programs")
	}
	k := tools.Kit{
		Host: a.host, Data: a.layout.Data, Bin: programs.Dir, Shim: a.programs().Shim,
		Env: tools.GoEnv(a.outsideEnv(), settings, a.settings.Offline),
	}
	if k.Shim == "" {
		k.Shim = a.programs().Vmgo
	}
	releases, err := a.installed()
	if err != nil {
		return k, err
	}
	for _, release := range releases {
		if line := release.Version.Lang(); !slices.Contains(k.Lines, line) {
			k.Lines = append(k.Lines, line)
		}
		if k.Builder.GOROOT == "" && !release.Version.IsPrerelease() {
			k.Builder = tools.Builder{Version: release.Version, GOROOT: release.GOROOT}
		}
	}
	if build && k.Builder.GOROOT == "" {
		return k, diag.New(diag.NotInstalled, "no installed release can build tools", "vmgo install latest")
	}
	if !build {
		return k, nil
	}
	return k, programs.Record()
}

// outsideEnv returns the environment without the changes of the hook, for the go command
// that vmgo runs for itself.
func (a *app) outsideEnv() map[string]string {
	s, err := a.look(here.Question{})
	if err != nil && s.Outside == nil {
		s.Outside = a.host.Env
	}
	return a.layout.OwnEnv(s.Outside, a.host.UID)
}

// toolLine is a tool as --json prints it.
type toolLine struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Newest  string `json:"newest,omitempty"`
	Builder string `json:"builder"`
	Stale   bool   `json:"stale"` // a newer release is installed than the one that built it
	Built   *bool  `json:"built,omitempty"`
	Package string `json:"package"`
	Module  string `json:"module"`
	Needs   string `json:"needs"`
	Path    string `json:"path"`
}

func (a *app) toolLine(k tools.Kit, r tools.Receipt) toolLine {
	builder, err := gover.Parse(r.Builder)
	return toolLine{
		Name: r.Name, Version: r.Version, Builder: r.Builder, Package: r.Package, Module: r.Module, Needs: r.Needs,
		Path: filepath.Join(k.Bin, r.Name), Stale: err == nil && builder.Compare(k.Builder.Version) < 0,
	}
}

// changeTools builds each of the tools and prints the result.
func (a *app) changeTools(c *cli.Context, k tools.Kit, names []string, change func(i int) (tools.Receipt, bool, error)) error {
	release, err := k.Lock(c.Context, func(holder fsx.Holder) { a.sayf("vmgo: %s", waitingFor(holder)) })
	if err != nil {
		return err
	}
	defer release()
	lines, failures := []toolLine{}, []error{}
	for i, name := range names {
		if c.Context.Err() != nil {
			break
		}
		end := a.showing("building " + name + " with Go " + k.Builder.Version.String())
		began := a.host.Now()
		r, built, err := change(i)
		end()
		if err != nil {
			failures = append(failures, err)
			continue
		}
		line := a.toolLine(k, r)
		line.Built = &built
		lines = append(lines, line)
		if built {
			a.sayf("%s %s, built by Go %s in %s", r.Name, r.Version, r.Builder, a.host.Now().Sub(began).Round(100*time.Millisecond))
		} else {
			a.sayf("%s %s is up to date, built by Go %s", r.Name, r.Version, r.Builder)
		}
	}
	if c.Bool("json") {
		failures = append(failures, ui.JSON(a.host.Stdout, lines))
	}
	if len(lines) > 0 && !slices.Contains(filepath.SplitList(a.host.Env["PATH"]), k.Bin) {
		a.warnf(`%s is not on PATH outside of projects: export PATH="$PATH:%s"`, k.Bin, k.Bin)
	}
	return a.each(failures...)
}

func (a *app) toolsInstall(c *cli.Context) error {
	args, err := arguments(c, 1, -1, "a tool, such as gopls or example.org/x/cmd/y@latest")
	if err != nil {
		return err
	}
	var requests []tools.Request
	var names []string
	for _, arg := range args {
		request, err := tools.ParseRequest(arg)
		if err != nil {
			return err
		}
		requests, names = append(requests, request), append(names, request.Name())
	}
	k, err := a.kit(true)
	if err != nil {
		return err
	}
	k.Force = c.Bool("force")
	return a.changeTools(c, k, names, func(i int) (tools.Receipt, bool, error) { return k.Install(c.Context, requests[i]) })
}

func (a *app) toolsUpgrade(c *cli.Context) error {
	return a.rebuildTools(c, func(k tools.Kit, r tools.Receipt) (tools.Receipt, bool, error) {
		return k.Install(c.Context, r.Request())
	})
}

func (a *app) toolsSync(c *cli.Context) error {
	return a.rebuildTools(c, func(k tools.Kit, r tools.Receipt) (tools.Receipt, bool, error) { return k.Sync(c.Context, r) })
}

// rebuildTools applies a function to the named tools, or to all without a name.
func (a *app) rebuildTools(c *cli.Context, change func(tools.Kit, tools.Receipt) (tools.Receipt, bool, error)) error {
	k, err := a.kit(true)
	if err != nil {
		return err
	}
	picked, err := k.Pick(c.Args().Slice())
	if err != nil {
		return err
	}
	var names []string
	for _, r := range picked {
		names = append(names, r.Name)
	}
	return a.changeTools(c, k, names, func(i int) (tools.Receipt, bool, error) { return change(k, picked[i]) })
}

func (a *app) toolsList(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	return a.showTools(c, func(tools.Kit, tools.Receipt, *toolLine) (bool, error) { return true, nil })
}

func (a *app) toolsOutdated(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	return a.showTools(c, func(k tools.Kit, r tools.Receipt, line *toolLine) (bool, error) {
		newest, err := k.Newest(c.Context, r)
		line.Newest = newest
		return line.Stale || newest != r.Version, err
	})
}

// showTools prints the tools that look keeps.
func (a *app) showTools(c *cli.Context, look func(tools.Kit, tools.Receipt, *toolLine) (bool, error)) error {
	k, err := a.kit(c.Command.Name == "outdated")
	if err != nil {
		return err
	}
	all, err := k.List()
	if err != nil {
		return err
	}
	lines, failures := []toolLine{}, []error{}
	var table ui.Table
	for _, r := range all {
		line := a.toolLine(k, r)
		keep, err := look(k, r, &line)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if !keep {
			continue
		}
		lines = append(lines, line)
		note := ""
		switch {
		case line.Newest != "" && line.Newest != line.Version:
			note = line.Newest + ": vmgo tools upgrade " + r.Name
		case line.Stale:
			note = "Go " + k.Builder.Version.String() + " is installed: vmgo tools sync " + r.Name
		}
		table.Add(r.Name, r.Version, "go"+r.Builder, r.Package, note)
	}
	switch {
	case c.Bool("json"):
		err = ui.JSON(a.host.Stdout, lines)
	case len(all) == 0:
		a.sayf("no tool is installed; hint: vmgo tools install gopls dlv staticcheck")
	case table.Len() == 0 && len(failures) == 0:
		a.sayf("every tool has the newest version that fits")
	default:
		err = table.Write(a.host.Stdout)
	}
	return a.each(append(failures, err)...)
}

func (a *app) toolsRemove(c *cli.Context) error {
	return a.withTools(c, func(k tools.Kit, r tools.Receipt) error {
		if err := k.Remove(r.Name); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot remove "+r.Name)
		}
		a.sayf("removed %s %s", r.Name, r.Version)
		return nil
	})
}

func (a *app) toolsRollback(c *cli.Context) error {
	return a.withTools(c, func(k tools.Kit, r tools.Receipt) error {
		now, err := k.Rollback(r.Name)
		if err != nil {
			return err
		}
		a.sayf("%s %s, built by Go %s", now.Name, now.Version, now.Builder)
		if r.Name == chosen.Delve {
			a.sayf("releases that have their own dlv keep it: vmgo tools install dlv@VERSION fixes one version for all")
		}
		return nil
	})
}

// withTools applies a function to each named tool.
func (a *app) withTools(c *cli.Context, do func(tools.Kit, tools.Receipt) error) error {
	names, err := arguments(c, 1, -1, "the NAME of a tool")
	if err != nil {
		return err
	}
	k, err := a.kit(false)
	if err != nil {
		return err
	}
	picked, err := k.Pick(names)
	if err != nil {
		return err
	}
	release, err := k.Lock(c.Context, func(holder fsx.Holder) { a.sayf("vmgo: %s", waitingFor(holder)) })
	if err != nil {
		return err
	}
	defer release()
	var failures []error
	for _, r := range picked {
		failures = append(failures, do(k, r))
	}
	return a.each(failures...)
}

// offerSync prints a hint if tools were built by an older release than the
// newest installed one.
func (a *app) offerSync() {
	k, err := a.kit(false)
	if err != nil {
		return
	}
	all, _ := k.List()
	var stale []string
	for _, r := range all {
		if a.toolLine(k, r).Stale {
			stale = append(stale, r.Name)
		}
	}
	if len(stale) > 0 {
		a.sayf("an older release built %s; hint: vmgo tools sync", strings.Join(stale, ", "))
	}
}
