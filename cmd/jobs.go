package cmd

import (
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
)

func jobsFlag() cli.Flag {
	return &cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "run `N` jobs in parallel", DefaultText: "VMGO_JOBS, else one per core"}
}

// jobs returns how many jobs run in parallel: --jobs, else VMGO_JOBS, else one
// per CPU that this process may use (a container's limit counts).
func (a *app) jobs(c *cli.Context) (int, error) {
	if c.IsSet("jobs") {
		n := c.Int("jobs")
		if n < 1 {
			return 0, diag.New(diag.Usage, "--jobs needs a number from 1 up", helpFor(c))
		}
		return n, nil
	}
	if a.settings.Jobs > 0 {
		return a.settings.Jobs, nil
	}
	return runtime.GOMAXPROCS(0), nil
}
