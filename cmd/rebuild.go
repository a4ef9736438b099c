package cmd

import (
	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/verify"
)

// bootstraps sets which releases may compile the one that is built again, or
// which one does.
func (a *app) bootstraps(c *cli.Context, v *verify.Verifier) error {
	name := c.String("bootstrap")
	switch {
	case !c.IsSet("bootstrap"):
	case !c.Bool("rebuild") || name == "":
		return diag.New(diag.Usage, "--bootstrap takes a VERSION or GOROOT, beside --rebuild", "vmgo verify --rebuild --bootstrap /usr/lib/go-1.24 1.26.8")
	case isPath(name):
		path, err := a.realPath(name)
		if err != nil {
			return err
		}
		target, err := verify.Foreign(path, a.platform())
		v.Bootstrap = verify.Bootstrap{Version: target.Version, GOROOT: target.GOROOT}
		return err
	default:
		r, err := a.pick(name)
		v.Bootstrap = verify.Bootstrap{Version: r.Version, GOROOT: r.GOROOT}
		return err
	}
	releases, err := a.installed()
	for _, r := range releases {
		v.Bootstraps = append(v.Bootstraps, verify.Bootstrap{Version: r.Version, GOROOT: r.GOROOT})
	}
	return err
}
