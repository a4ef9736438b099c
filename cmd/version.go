package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/ui"
)

// buildVersion is the module version that the go command recorded, or "devel"
// for a build from a checkout.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func (a *app) versionCommand() *cli.Command {
	return a.declare(needs{}, &cli.Command{
		Name:      "version",
		UsageText: "vmgo version [--json]",
		Usage:     "print the version of vmgo",
		Category:  aboutCategory,
		Flags:     []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			if c.Bool("json") {
				return ui.JSON(a.host.Stdout, map[string]string{
					"version": buildVersion(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
				})
			}
			_, err := fmt.Fprintf(a.host.Stdout, "vmgo %s (%s %s/%s)\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	})
}
