package cmd

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/shims"
)

func (a *app) shimsCommand() *cli.Command {
	return &cli.Command{
		Name:      "shims",
		Usage:     "make or refresh the shims, for editors, cron, systemd and other sessions without the hook",
		UsageText: "vmgo shims [--dir DIR] [--remove]",
		Description: `A shim is a link named go or gofmt. Each call decides by its own working directory which release runs.
The links go to /usr/local/bin for root and to ~/.local/bin for others, unless --dir names a place.`,
		Category: shellCategory,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "the directory `DIR` for the links"},
			&cli.BoolFlag{Name: "remove", Usage: "take the links away again"},
		},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			dir := shims.DefaultDir(a.layout, a.host.Root, a.host.UID)
			if c.IsSet("dir") {
				dir = c.String("dir")
			}
			dir = a.absolute(dir)
			if c.Bool("remove") {
				removed, err := shims.Remove(dir)
				for _, path := range removed {
					a.sayf("removed %s", path)
				}
				return err
			}
			programs := a.programs()
			target := programs.Shim
			if target == "" {
				target = programs.Vmgo
			}
			if err := shims.Refresh(dir, target); err != nil {
				return err
			}
			if !slices.Contains(filepath.SplitList(a.host.Env["PATH"]), dir) {
				a.warnf("%s is not on PATH", dir)
			}
			_, err := fmt.Fprintln(a.host.Stdout, dir)
			return err
		},
	}
}
