package cmd

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gobin"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/vscode"
	"github.com/vmgo/vmgo/shims"
)

func (a *app) editorCommand() *cli.Command {
	sub := func(name, usage, text string, action cli.ActionFunc, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, UsageText: "vmgo editor vscode " + text, Flags: append(flags, jsonFlag()), Action: action}
	}
	return a.declare(needs{settings: true, store: true}, &cli.Command{
		Name:      "editor",
		Usage:     "have an editor run the go of each directory",
		UsageText: "vmgo editor vscode setup [DIR] | status [DIR] | undo [DIR]",
		Category:  shellCategory,
		Subcommands: []*cli.Command{{
			Name:  "vscode",
			Usage: "VS Code and editors made from it, over SSH or as a server",
			Description: `setup names the shims and the installed tools in the machine settings of the servers of this user, or, given a
DIR, in DIR/.vscode/settings.json. Comments, order and formatting stay. undo reverts that. docs/editors.md says why.`,
			Subcommands: []*cli.Command{
				sub("setup", "name the shims and tools in the editor's settings", "setup [DIR] [--launch]", a.vscodeSetup,
					&cli.BoolFlag{Name: "launch", Usage: "add debug configurations to DIR/.vscode/launch.json, too"}),
				sub("status", "show which go each window gets, and why", "status [DIR]", a.vscodeStatus),
				sub("undo", "revert what setup changed", "undo [DIR]", a.vscodeUndo),
			},
		}},
	})
}

// vscodeDir returns the directory that an argument names, "" without one.
func (a *app) vscodeDir(c *cli.Context) (string, error) {
	args, err := arguments(c, 0, 1, "a DIR")
	if err != nil || len(args) == 0 {
		return "", err
	}
	dir := a.host.Abs(args[0])
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", diag.New(diag.Failure, dir+" is not a directory", "ls -ld "+diag.Word(dir))
	}
	return dir, nil
}

func (a *app) vscode() (vscode.Setup, error) {
	if a.layout.State == "" {
		return vscode.Setup{}, diag.New(diag.Failure, "there is no home directory to keep a record of changes in", homeHint)
	}
	return vscode.Setup{Records: filepath.Join(a.layout.State, "editor")}, nil
}

// processHost is the machine of the processes and of the user's paths, which is
// the real one also where /etc and /opt are made up.
func (a *app) processHost() host.Host {
	h := a.host
	h.Root = "/"
	return h
}

// editorTools returns what editors should run: the shim of go, and the tools of
// `vmgo tools` that are installed.
func (a *app) editorTools() map[string]string {
	found := map[string]string{}
	places := shims.DefaultDir(a.layout, a.host.Root, a.host.UID) + ":" + a.host.Env["PATH"]
	isShim := func(file string) bool { return lookpath.IsProgram(file) && shims.IsOwnLink(file) }
	if path, ok := lookpath.Find(places, "go", isShim); ok {
		found["go"] = path
	}
	settings := a.goSettings()
	settings.Env = nil // a session may have set GOPATH for itself
	programs, err := gobin.Find(gobin.User{Data: a.layout.Data, Home: a.layout.Home, GOPATH: settings.GOPATH(), UID: a.host.UID})
	if err != nil {
		return found
	}
	for _, name := range vscode.Tools()[1:] {
		if path, ok := lookpath.Find(programs.Dir, name, lookpath.IsProgram); ok {
			found[name] = path
		}
	}
	return found
}

// vscodeChange is a file in the form of setup --json and undo --json.
type vscodeChange struct {
	Path    string `json:"path"`
	Changed bool   `json:"changed"`
	Exact   *bool  `json:"exact,omitempty"`
}

func (a *app) vscodeSetup(c *cli.Context) error {
	dir, err := a.vscodeDir(c)
	if err != nil {
		return err
	}
	if c.Bool("launch") && dir == "" {
		return diag.New(diag.Usage, "--launch needs the DIR of a project", "vmgo editor vscode setup --launch .")
	}
	setup, err := a.vscode()
	if err != nil {
		return err
	}
	if a.editorTools()["go"] == "" {
		made, err := a.refreshShims(shims.DefaultDir(a.layout, a.host.Root, a.host.UID))
		if err != nil {
			return err
		}
		a.sayf("made the shims in %s", made)
	}
	tools := a.editorTools()
	lines, err := a.vscodeFiles(setup, dir, tools, c.Bool("launch"))
	if c.Bool("json") {
		return a.each(err, ui.JSON(a.host.Stdout, lines))
	}
	for _, line := range lines {
		if line.Changed {
			a.sayf("%s: set up; undo with: vmgo editor vscode undo", line.Path)
		} else {
			a.sayf("%s: already set up", line.Path)
		}
	}
	var absent []string
	for _, name := range vscode.Tools() {
		if tools[name] == "" {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 && err == nil {
		again := "vmgo editor vscode setup"
		if c.NArg() > 0 {
			again += " " + diag.Word(c.Args().First())
		}
		a.sayf("not installed: %s; hint: vmgo tools install %s && %s", strings.Join(absent, ", "), strings.Join(absent, " "), again)
	}
	return err
}

func (a *app) vscodeFiles(setup vscode.Setup, dir string, tools map[string]string, launch bool) ([]vscodeChange, error) {
	lines, failures := []vscodeChange{}, []error{}
	add := func(path string, changed bool, err error) {
		if failures = append(failures, err); err == nil {
			lines = append(lines, vscodeChange{Path: path, Changed: changed})
		}
	}
	switch {
	case dir == "":
		h := a.processHost()
		for _, path := range vscode.MachineSettings(h, a.layout.Home, vscode.Servers(h, a.layout.Home)) {
			changed, err := setup.Settings(path, tools)
			add(path, changed, err)
		}
	default:
		add(setup.Workspace(dir, tools))
	}
	if launch {
		add(setup.Launch(dir))
	}
	return lines, a.each(failures...)
}

func (a *app) vscodeUndo(c *cli.Context) error {
	dir, err := a.vscodeDir(c)
	if err != nil {
		return err
	}
	setup, err := a.vscode()
	if err != nil {
		return err
	}
	undone, err := setup.Undo(dir)
	lines := []vscodeChange{}
	for _, u := range undone {
		lines = append(lines, vscodeChange{Path: u.Path, Changed: true, Exact: &u.Exact})
	}
	if c.Bool("json") {
		return a.each(err, ui.JSON(a.host.Stdout, lines))
	}
	for _, u := range undone {
		note := "as it was"
		if !u.Exact {
			note = "without what vmgo set; your edits since then stay"
		}
		a.sayf("%s: %s", u.Path, note)
	}
	if len(undone) == 0 && err == nil {
		a.sayf("nothing to undo")
	}
	return err
}

func (a *app) vscodeStatus(c *cli.Context) error {
	dir, err := a.vscodeDir(c)
	if err != nil {
		return err
	}
	if dir == "" {
		dir = a.host.Dir
	}
	e := vscode.Examiner{
		Host: a.processHost(), Home: a.layout.Home, Dir: dir, Want: a.editorTools(), IsShim: shims.IsOwnLink, Resolve: a.resolveFor,
		Limit: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, vscode.ProbeLimit)
		},
	}
	if e.Want["go"] == "" {
		e.Want["go"] = filepath.Join(shims.DefaultDir(a.layout, a.host.Root, a.host.UID), "go")
	}
	servers := vscode.Servers(e.Host, a.layout.Home)
	reports := e.Examine(c.Context, servers)
	if c.Context.Err() != nil {
		return c.Context.Err()
	}
	if c.Bool("json") {
		err = ui.JSON(a.host.Stdout, reports)
	} else {
		err = a.showWindows(reports, len(servers) > 0)
	}
	if err == nil && slices.ContainsFunc(reports, func(r vscode.Report) bool { return r.Problem != "" }) {
		return reportedError{diag.New(diag.Failure, "a window does not get the go of its directory")}
	}
	return err
}

// resolveFor returns what a shim runs with an environment in a directory.
func (a *app) resolveFor(env map[string]string, dir string) (version, goroot string, err error) {
	s, err := here.Look(here.Question{
		Env: environ.Env(env), Dir: dir, Root: a.host.Root, UID: a.host.UID, OwnPrograms: a.ownPrograms, Ranges: ranges.Parse, Polite: true,
	})
	if err != nil {
		return "", "", err
	}
	return nameOf(s.Resolution), s.Resolution.GOROOT, nil
}

func (a *app) showWindows(reports []vscode.Report, running bool) error {
	if !running {
		a.sayf("no server of this user has a window; the next one would get:")
	}
	var table ui.Table
	for _, r := range reports {
		window := "-"
		if r.PID != 0 {
			window = strconv.Itoa(r.PID)
		}
		folder := r.Folder
		if !r.Known {
			folder += " (here)"
		}
		version := r.Version
		if version == "" {
			version = "?"
		}
		table.Add(window, folder, version, r.Go, r.From)
	}
	if err := table.Write(a.host.Stdout); err != nil {
		return err
	}
	for _, r := range reports {
		if r.Problem != "" {
			a.sayf("%s: %s", r.Folder, r.Problem)
			a.sayf("do this: %s", r.Fix)
			break // one thing at a time: the next status names the next one
		}
	}
	return nil
}
