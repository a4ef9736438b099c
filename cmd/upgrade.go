package cmd

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/project/pin"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) upgradeCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "upgrade",
		UsageText: "vmgo upgrade [--dry-run] [--pins] [--min-age AGE]",
		Usage:     "install the newest patch of each installed line",
		Description: `Defaults that name an older patch are updated. .go-version files of known projects that pin one exactly are
listed, and rewritten with --pins or after a yes on the terminal. The older releases stay: see vmgo prune.`,
		Category: releasesCategory,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only print what would be installed and updated"},
			&cli.BoolFlag{Name: "pins", Usage: "rewrite .go-version files of known projects"},
			minAgeFlag(),
		}, installFlags()...),
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			rows, err := a.lines(c)
			if err != nil {
				return err
			}
			age, err := a.minAge(c)
			if err != nil {
				return err
			}
			var list picks
			moved := map[gover.Version]gover.Version{}
			for _, row := range rows {
				if row.Outdated {
					list.addNewest(row.next, age)
					moved[row.have.Version.Lang()] = row.next
				}
			}
			if len(list.versions) == 0 {
				a.sayf("every installed release line has its newest patch")
				a.offerSync()
				return nil
			}
			return a.upgrade(c, list, moved)
		},
	})
}

// upgrade installs the releases, and updates defaults and pins that name older
// ones.
func (a *app) upgrade(c *cli.Context, list picks, moved map[gover.Version]gover.Version) error {
	r := a.newReport(false)
	defer r.close()
	dry := c.Bool("dry-run")
	install := a.installAll
	if dry {
		install = func(c *cli.Context, list picks, r *report) []error { return a.dryRun(c, list, nil, r) }
	}
	if err := r.verdict(install(c, list, r)); err != nil {
		return err
	}
	if err := a.moveDefaults(c.Context, moved, dry); err != nil {
		return err
	}
	if !dry {
		a.offerSync()
	}
	return a.movePins(c.Context, c.Bool("pins"), moved, dry)
}

// moveDefaults changes defaults that name a patch of a line to its newest patch.
func (a *app) moveDefaults(ctx context.Context, moved map[gover.Version]gover.Version, dry bool) error {
	for _, dir := range a.stores() {
		old, ok := installed.Default(dir)
		next, upgraded := moved[old.Lang()]
		store := a.openStore(dir)
		if !ok || !upgraded || old == next || !dry && !store.Has(next) || store.CheckWritable() != nil {
			continue
		}
		if dry {
			a.sayf("default of %s: %s -> %s, after the upgrade", dir, old, next)
			continue
		}
		if err := store.SetDefault(ctx, next, a.wait(false)); err != nil {
			return err
		}
		a.sayf("default of %s: %s -> %s", dir, old, next)
	}
	if a.layout.UserDefault() == "" {
		return nil
	}
	pinned, err := project.ReadPin(a.layout.UserDefault(), project.UserDefault)
	next, upgraded := movedPin(pinned, moved)
	switch {
	case err != nil || !upgraded:
		return err
	case dry:
		a.sayf("your default: %s -> %s, after the upgrade", pinned.Selector.Text(), next)
		return nil
	}
	return a.setUserDefault(next.String())
}

// movedPin returns the release that an exact pin should move to.
func movedPin(pin project.Requirement, moved map[gover.Version]gover.Version) (gover.Version, bool) {
	if pin.Selector.Kind() != gover.Exact || pin.Minimum {
		return gover.Version{}, false
	}
	next, upgraded := moved[pin.Selector.Version().Lang()]
	return next, upgraded && next != pin.Selector.Version()
}

// movePins lists the .go-version files of known projects that pin an older
// patch, and rewrites them with --pins or after a yes.
func (a *app) movePins(ctx context.Context, always bool, moved map[gover.Version]gover.Version, dry bool) error {
	projects, err := seen.List(a.layout.State)
	if err != nil {
		return fmt.Errorf("reading the known projects: %w", err)
	}
	pins := map[string]string{}
	for _, dir := range projects {
		path := filepath.Join(dir, ".go-version")
		pinned, err := project.ReadPin(path, project.GoVersion)
		if next, upgraded := movedPin(pinned, moved); err == nil && upgraded {
			pins[path] = next.String()
			a.sayf("%s pins %s", path, pinned.Selector.Text())
		}
	}
	if dry || len(pins) == 0 {
		return nil
	}
	if !always {
		if !a.host.StdinTTY || !a.host.StderrTTY {
			a.sayf("hint: vmgo upgrade --pins")
			return nil
		}
		agreed, err := a.ask(ctx, "rewrite "+ui.Count(len(pins), ".go-version file")+"?")
		if err != nil || !agreed {
			return err
		}
	}
	var failures []error
	for path, next := range pins {
		failures = append(failures, pin.Write(path, next))
	}
	return a.each(failures...)
}
