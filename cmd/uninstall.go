package cmd

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
)

func (a *app) uninstallCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, complete: a.installedCandidates, several: true}, &cli.Command{
		Name:      "uninstall",
		Aliases:   []string{"remove", "rm"},
		Usage:     "remove installed releases",
		UsageText: "vmgo uninstall VERSION... [--force]",
		ArgsUsage: "VERSION...",
		Category:  releasesCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "even the selected release, or the default"},
			noWaitFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1, "a VERSION, such as 1.22.5")
			if err != nil {
				return err
			}
			releases := make([]installed.Release, len(args))
			for i, arg := range args {
				if releases[i], err = a.exactly(arg); err != nil {
					return err
				}
			}
			var failures []error
			for _, release := range releases {
				failures = append(failures, a.uninstall(c.Context, release, c.Bool("force"), c.Bool("no-wait")))
			}
			return a.each(failures...)
		},
	})
}

func noWaitFlag() cli.Flag {
	return &cli.BoolFlag{Name: "no-wait", Usage: "fail at once when another process holds the store"}
}

// exactly finds the installed release of exactly that version: a removal needs an
// exact version, not a match.
func (a *app) exactly(text string) (installed.Release, error) {
	selector, err := gover.ParseSelector(text)
	if err != nil {
		return installed.Release{}, err
	}
	release, found, err := installed.Find(a.stores(), selector.Version())
	if found {
		return release, nil
	}
	for _, tree := range a.unproved() {
		if selector.Kind() == gover.Exact && tree.Version == selector.Version() {
			return tree, nil
		}
	}
	if selector.Kind() != gover.Exact {
		if release, err := a.pick(text); err == nil {
			return installed.Release{}, diag.New(diag.Usage, text+" is not one version", "vmgo uninstall "+release.Version.String())
		}
	}
	if err != nil {
		return installed.Release{}, diag.Wrap(diag.Failure, err, "cannot look for Go "+text)
	}
	return installed.Release{}, diag.New(diag.NotInstalled, "Go "+text+" is not installed", "vmgo list")
}

func (a *app) uninstall(ctx context.Context, release installed.Release, force, noWait bool) error {
	version := release.Version.String()
	if !force && a.isSelected(release.Version) {
		return diag.New(diag.InUse, "Go "+version+" is selected here", "vmgo current --explain", "vmgo uninstall --force "+version)
	}
	s := a.openStore(release.Store)
	unproved := s.Unproved(release.Version)
	if err := s.Uninstall(ctx, release.Version, force, a.wait(noWait)); err != nil {
		return err
	}
	if unproved {
		a.sayf("%s: removed %s, which had no receipt and was not installed", version, release.GOROOT)
		return nil
	}
	a.sayf("%s: uninstalled", version)
	return nil
}
