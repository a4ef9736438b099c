package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/prune"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/shims"
)

func (a *app) pruneCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true}, &cli.Command{
		Name:      "prune",
		Usage:     "remove releases and files that are no longer needed",
		UsageText: "vmgo prune [--dry-run]",
		Description: `Removes releases that no known project and no default requests, leftovers of interrupted installs, unfinished downloads,
GOPATHs whose project is gone, the toolchains that the go command downloaded for itself, what "vmgo verify" keeps of releases that are gone, and
shims whose target is gone. Projects become
known when the hook, a shim or vmgo is at work in them. Root looks at the projects of all users, with their rights; while what one of them needs
cannot be read, no release of the machine's store is removed.`,
		Category: releasesCategory,
		Flags:    []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only print what would be removed, and why"}, noWaitFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			scope := a.pruneScope()
			in, err := scope.Gather()
			if err != nil {
				return err
			}
			end := a.showing("measuring what can go")
			drop, kept, err := prune.Plan(in)
			end()
			if err != nil {
				return err
			}
			a.warnUnproved()
			if c.Bool("dry-run") {
				return a.prunePlan(drop, kept)
			}
			return a.pruneAll(c, scope, drop)
		},
	})
}

// pruneScope is this user and this machine, as prune looks at them.
func (a *app) pruneScope() prune.Scope {
	here, err := a.resolve()
	if err != nil {
		here = resolve.Resolution{} // nothing is selected here
	}
	return prune.Scope{
		Layout: a.layout, Settings: a.settings, Root: a.host.Root, UID: a.host.UID, Path: a.host.Env["PATH"],
		OwnPrograms: a.ownPrograms, Open: a.openStore, Here: here, Modcache: a.modcache(), Shims: a.danglingShims(), Warnf: a.warnf,
	}
}

// modcache is the go command's module cache of this user.
func (a *app) modcache() string {
	outside, err := a.look(here.Question{})
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
	lines, err := a.releaseLines()
	if err != nil {
		return err
	}
	for _, k := range kept {
		why := k.Why
		if since := lines.EndOfLife(k.Release.Version); since != "" {
			why += ", " + colour.Yellow("end of life since "+since)
		}
		table.Add("keep", k.Release.GOROOT, "", why)
	}
	for _, c := range drop {
		table.Add(colour.Red("drop"), c.Path, ui.Bytes(c.Bytes), c.Why)
	}
	if table.Len() == 0 {
		a.sayf("nothing to prune")
	}
	return table.Write(a.host.Stdout)
}

// pruneAll removes everything of a plan; one failure does not stop the rest.
func (a *app) pruneAll(c *cli.Context, scope prune.Scope, drop []prune.Candidate) error {
	var bytes int64
	removed, wait := 0, a.wait(c.Bool("no-wait"))
	failures := scope.Sweep(c.Context, wait)
	for _, candidate := range drop {
		if c.Context.Err() != nil {
			break
		}
		held, err := scope.Remove(c.Context, candidate, wait, shims.RemoveDangling)
		if held {
			a.sayf("kept %s: another vmgo is using it", candidate.Path)
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
		failures = append(failures, diag.New(diag.Interrupted, fmt.Sprintf("prune was interrupted after %d of %d removals", removed, len(drop)), "vmgo prune"))
	}
	return a.each(failures...)
}
