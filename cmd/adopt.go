package cmd

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/verify"
)

func (a *app) adoptCommand() *cli.Command {
	return &cli.Command{
		Name:      "adopt",
		Usage:     "take a GOROOT that something else installed into the store",
		UsageText: "vmgo adopt GOROOT",
		ArgsUsage: "GOROOT",
		Description: `Copies what the checksum database vouches for, if it vouches for all that it reaches; else it
says which files are not those of the release. GOROOT is left as it is, and no file is linked to it.
Files beneath api, doc, misc and test are not in the database and stay behind: vmgo install --full.`,
		Category: releasesCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "reinstall", Usage: "replace a release that is there"},
			proofFlag(),
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "parallel work `N` (default: VMGO_JOBS, else one job a core)"},
			jsonFlag(), noWaitFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, "a GOROOT, such as /usr/local/go")
			if err != nil {
				return err
			}
			report := a.newReport(c.Bool("json"))
			defer report.close()
			_, err = a.adopt(c, args[0], report)
			return err
		},
	}
}

// adopt copies a GOROOT into the store. A tree that the log does not vouch for
// is looked at once more, file by file, to say what is wrong with it.
func (a *app) adopt(c *cli.Context, path string, report *report) (gover.Version, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.host.Dir, path)
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return gover.Version{}, diag.Wrap(diag.NotInstalled, err, "there is no such GOROOT")
	}
	target, err := verify.Foreign(path, a.platform())
	if err != nil {
		return gover.Version{}, err
	}
	if target.Platform != a.platform() {
		return gover.Version{}, diag.New(diag.UnsupportedPlatform, path+" is for "+target.Platform.String()+", and this machine is "+a.platform().String())
	}
	in, err := a.installer(c)
	if err != nil {
		return gover.Version{}, err
	}
	given, err := a.givenProofs(c.StringSlice("proof"))
	if err != nil {
		return gover.Version{}, err
	}
	in.Log = given.over(in.Log)
	in.Event, in.Waiting = report.event, report.waiting
	result := in.Adopt(c.Context, target.Version, path)
	report.ended(result)
	if code := diag.CodeOf(result.Err); code == diag.ProofInvalid || code == diag.ArchiveUnsafe {
		return target.Version, a.whatDiffers(c, target, result.Err)
	}
	return target.Version, result.Err
}

// whatDiffers turns the verdict on a tree into one that names its files.
func (a *app) whatDiffers(c *cli.Context, target verify.Target, verdict error) error {
	v, err := a.verifier(c)
	if err != nil {
		return verdict
	}
	r, err := v.Verify(c.Context, target, verify.Checks{Log: true})
	if err != nil || r.Err() == nil || diag.CodeOf(r.Err()) != diag.Tampered {
		return verdict
	}
	if !c.Bool("json") {
		if err := a.verifyTable(r); err != nil {
			return err
		}
	}
	return r.Err()
}
