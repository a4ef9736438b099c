package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/prune"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/shims"
)

func (a *app) pruneCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true}, &cli.Command{
		Name:      "prune",
		Usage:     "remove what nobody needs any more",
		UsageText: "vmgo prune [--dry-run]",
		Description: `Releases that no known project and no default asks for, leftovers of interrupted installs, unfinished downloads,
GOPATHs whose project is gone, the toolchains that the go command downloaded for itself, and shims that lead nowhere. Projects become
known when the hook, a shim or vmgo is at work in them. Root looks at the projects of all users, with their rights; while what one of them needs
cannot be read, no release of the machine's store is removed.`,
		Category: releasesCategory,
		Flags:    []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only say what would go, and why"}, noWaitFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			in, err := a.pruneInput()
			if err != nil {
				return err
			}
			end := a.showing("measuring what can go")
			drop, kept, err := prune.Plan(in)
			end()
			if err != nil {
				return err
			}
			a.tellUnproved()
			if c.Bool("dry-run") {
				return a.prunePlan(drop, kept)
			}
			return a.pruneAll(c, drop)
		},
	})
}

// pruneInput gathers who needs what. For the machine's store that is all users,
// as far as root can see them; others can only answer for themselves.
func (a *app) pruneInput() (prune.Input, error) {
	in := prune.Input{Needed: map[string]string{}, Resolve: a.needOf, Shims: a.danglingShims()}
	releases, err := a.installed()
	if err != nil {
		return in, err
	}
	for _, release := range releases {
		if a.openStore(release.Store).CheckWritable() == nil {
			in.Installed = append(in.Installed, release)
		}
	}
	if a.layout.Data != "" {
		in.GopathDir = filepath.Join(a.layout.Data, "gopath")
	}
	if a.layout.Cache != "" {
		in.Downloads = []string{filepath.Join(a.layout.Cache, "download")}
	}
	if modcache := a.modcache(); modcache != "" {
		in.Modcaches = []string{modcache}
	}
	for _, dir := range a.stores() {
		if version, ok := installed.Default(dir); ok {
			in.Needed[installed.GOROOT(dir, version)] = "the default of " + dir
		}
	}
	if here, err := a.resolve(); err == nil && here.GOROOT != "" {
		in.Needed[here.GOROOT] = "in force here: " + here.Requirement.Origin.String()
	}
	if in.Projects, err = seen.List(a.layout.State); err != nil {
		return in, diag.Wrap(diag.Failure, err, "cannot tell which projects are known, so nothing is pruned",
			"ls -l "+diag.Word(filepath.Join(a.layout.State, "projects")))
	}
	pin, err := project.ReadPin(a.layout.UserDefault(), project.UserDefault)
	if err != nil {
		return in, err
	}
	if release, err := a.pick(pin.Selector.Text()); err == nil && !pin.IsZero() {
		in.Needed[release.GOROOT] = "asked for by " + a.layout.UserDefault()
	}
	return in, a.othersNeed(in)
}

// needOf says what is in force in a project of this user.
func (a *app) needOf(dir string) (resolve.Resolution, error) { return a.needIn(a.layout, dir) }

// needIn returns what is selected in a directory for the user of a layout: this
// shell's own VMGO_VERSION has no say in it.
func (a *app) needIn(layout dirs.Layout, dir string) (resolve.Resolution, error) {
	settings := a.settings
	settings.Version = ""
	return resolve.Here(resolve.Place{
		Dir: dir, Env: map[string]string{"PATH": a.host.Env["PATH"]}, Layout: layout, Settings: settings,
		OwnPrograms: a.ownPrograms, Ranges: ranges.Parse,
	})
}

// modcache is the go command's module cache of this user.
func (a *app) modcache() string {
	outside, err := a.look(shims.Question{})
	env := outside.Outside
	if err != nil && env == nil {
		env = a.host.Env
	}
	settings := a.goSettings()
	settings.Env = env
	return settings.Get("GOMODCACHE").Value
}

func (a *app) prunePlan(drop []prune.Candidate, kept []prune.Kept) error {
	colour := ui.Palette(a.colour(a.host.StdoutTTY))
	var table ui.Table
	for _, k := range kept {
		table.Add("keep", k.Release.GOROOT, "", k.Why)
	}
	for _, c := range drop {
		table.Add(colour.Red("drop"), c.Path, ui.Bytes(c.Bytes), c.Why)
	}
	if table.Len() == 0 {
		a.sayf("there is nothing to prune")
	}
	return table.Write(a.host.Stdout)
}

// pruneAll removes everything of a plan; one failure does not stop the rest.
func (a *app) pruneAll(c *cli.Context, drop []prune.Candidate) error {
	var failures []error
	var bytes int64
	removed := 0
	for _, dir := range a.stores() {
		if s := a.openStore(dir); s.CheckWritable() == nil {
			failures = append(failures, s.Sweep(c.Context, a.wait(c.Bool("no-wait"))))
		}
	}
	for _, candidate := range drop {
		if c.Context.Err() != nil {
			break
		}
		held, err := a.pruneOne(c.Context, candidate, c.Bool("no-wait"))
		if held {
			a.sayf("kept %s: an install is using it", candidate.Path)
			continue
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		removed++
		bytes += candidate.Bytes
		a.sayf("removed %s (%s): %s", candidate.Path, ui.Bytes(candidate.Bytes), candidate.Why)
	}
	a.sayf("freed %s", ui.Bytes(bytes))
	if c.Context.Err() != nil { // one interrupt, and not each step that ended by it
		failures = slices.DeleteFunc(failures, func(err error) bool {
			return diag.CodeOf(err) == diag.Interrupted || errors.Is(err, context.Cause(c.Context)) || errors.Is(err, context.Canceled)
		})
		failures = append(failures, diag.New(diag.Interrupted, fmt.Sprintf("the prune was stopped, with %d of %d removed", removed, len(drop)), "vmgo prune"))
	}
	return a.each(failures...)
}

// pruneOne removes one thing of a plan, unless an install holds it by now.
func (a *app) pruneOne(ctx context.Context, c prune.Candidate, noWait bool) (held bool, err error) {
	switch c.Kind {
	case prune.Release:
		return false, a.openStore(c.Release.Store).Uninstall(ctx, c.Release.Version, false, a.wait(noWait))
	case prune.Shim:
		return false, shims.RemoveDangling(c.Path)
	case prune.Gopath:
		if err := seen.Forget(a.layout.State, c.Project); err != nil {
			return false, err
		}
	}
	held, err = fsx.RemoveUnheld(filepath.Dir(c.Path), filepath.Base(c.Path))
	if err != nil {
		return false, diag.Wrap(diag.Failure, err, "cannot prune "+c.Path)
	}
	return held, nil
}
