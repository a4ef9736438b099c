package cmd

import (
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/project/pin"
	"github.com/vmgo/vmgo/internal/store/installed"
)

func (a *app) defaultCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, complete: a.installedCandidates}, &cli.Command{
		Name:      "default",
		Usage:     "show or set the release that is selected outside any project",
		UsageText: "vmgo default [SELECTOR] [--system]",
		ArgsUsage: "[SELECTOR]",
		Category:  releasesCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "system", Usage: "the machine's default, for every user (the link /opt/go/default)"},
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1, "")
			if err != nil {
				return err
			}
			switch {
			case len(args) == 0:
				return a.showDefault(c.Bool("system"))
			case c.Bool("system"):
				return a.setSystemDefault(c.Context, args[0])
			}
			return a.setUserDefault(args[0])
		},
	})
}

// showDefault prints this user's effective default and where it is set; with
// system, only the machine's.
func (a *app) showDefault(system bool) error {
	if !system && a.layout.UserDefault() != "" {
		pin, err := project.ReadPin(a.layout.UserDefault(), project.UserDefault)
		if err != nil {
			return err
		}
		if !pin.IsZero() {
			return a.outln(pin.Selector.Text() + " (" + pin.Origin.String() + ")")
		}
	}
	stores := a.stores()
	if system {
		stores = a.machineStores()
	}
	for _, dir := range stores {
		if version, ok := installed.Default(dir); ok {
			return a.outln(version.String() + " (" + installed.DefaultLink(dir) + ")")
		}
	}
	return diag.New(diag.NoRequirement, "no default is set", "vmgo default latest")
}

// setUserDefault writes the user's default. "system" selects the go that PATH has
// without vmgo, even if the machine has a default.
func (a *app) setUserDefault(text string) error {
	selector, err := a.atHand(text)
	if err != nil {
		return err
	}
	path := a.layout.UserDefault()
	if path == "" {
		return diag.New(diag.Failure, "HOME is not set, so there is no place for a user's default", "vmgo default --system "+diag.Word(text))
	}
	if err := os.MkdirAll(a.layout.Config, 0o755); err != nil {
		return fmt.Errorf("making the settings directory: %w", err)
	}
	if err := pin.Write(path, selector.Text()); err != nil {
		return err
	}
	a.sayf("default: %s (%s)", selector.Text(), path)
	return nil
}

// setSystemDefault points the link of the machine's store at the release in it
// that the selector means now. A release in this user's own store cannot be the
// default for others.
func (a *app) setSystemDefault(ctx context.Context, text string) error {
	release, err := a.pickFrom(a.machineStores(), text)
	if diag.CodeOf(err) == diag.NotInstalled {
		return diag.New(diag.NotInstalled, "no release in "+a.machineStores()[0]+" is "+text, "sudo vmgo install "+diag.Word(text))
	}
	if err != nil {
		return err
	}
	if err := a.openStore(release.Store).SetDefault(ctx, release.Version, a.wait(false)); err != nil {
		return err
	}
	a.sayf("default of the machine: %s (%s)", release.Version, installed.DefaultLink(release.Store))
	return nil
}
