package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/verify"
)

func (a *app) adoptCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "adopt",
		Usage:     "copy a GOROOT that something else installed into the store",
		UsageText: "vmgo adopt GOROOT",
		ArgsUsage: "GOROOT",
		Description: `Copies the files that the checksum database verifies. Files that do not belong to the release are not copied,
but listed; a GOROOT with modified or missing files is refused. GOROOT is not changed, and no file is linked to it.
Files in api, doc, misc and test are not in the database and are not copied: vmgo install --full.`,
		Category: releasesCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "reinstall", Usage: "replace an installed release"},
			proofFlag(),
			jobsFlag(),
			jsonFlag(), noWaitFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, "a GOROOT, such as /usr/local/go")
			if err != nil {
				return err
			}
			report := a.newReport(c.Bool("json"))
			defer report.close()
			version, err := a.adopt(c, args[0], report)
			if err == nil {
				return nil
			}
			if version.IsZero() {
				report.failed(args[0], err)
			}
			return report.verdict([]error{err})
		},
	})
}

// adopt copies a GOROOT into the store. A tree that the log does not verify is
// examined again, file by file, so that the error says what is wrong with it.
func (a *app) adopt(c *cli.Context, path string, report *report) (gover.Version, error) {
	in, target, err := a.adopter(c, path)
	if err != nil {
		return gover.Version{}, err
	}
	var failure *install.Event // the caller may try again without it
	req := installRequest(c, report)
	req.Event = func(e install.Event) {
		if e.Kind == install.Failed {
			failure = &e
			return
		}
		report.event(e)
	}
	result := in.Adopt(c.Context, target.Version, target.GOROOT, req)
	if !result.InPlace && install.NotTheRelease(result.Err) {
		result = a.adoptWithout(c, in, target, result, req)
	}
	if failure != nil && result.Err != nil {
		report.event(*failure)
	}
	result.Err = a.judged(c, result)
	report.ended(result)
	return target.Version, result.Err
}

// adoptWithout adopts a tree again without the files that do not belong to the
// release, if nothing else is wrong with it; otherwise it returns what is
// wrong.
func (a *app) adoptWithout(c *cli.Context, in *install.Installer, target verify.Target, result install.Result, req install.Request) install.Result {
	problems, ok := a.problemsOf(c, target)
	isExtra := func(p verify.Problem) bool { return p.Kind == verify.Extra }
	if !ok || len(problems) == 0 || slices.ContainsFunc(problems, func(p verify.Problem) bool { return !isExtra(p) }) {
		result.Err = a.whatDiffers(c, target, result.Err)
		return result
	}
	req.Leave = map[string]bool{}
	var names []string
	for _, p := range problems {
		req.Leave[p.Path] = true
		names = append(names, p.Path)
	}
	if result = in.Adopt(c.Context, target.Version, target.GOROOT, req); result.Err == nil {
		const most = 5
		more := ""
		if len(names) > most {
			more = fmt.Sprintf(" and %d more", len(names)-most)
		}
		a.sayf("not copied from %s, as not part of the release: %s%s", target.GOROOT, strings.Join(names[:min(most, len(names))], ", "), more)
	}
	return result
}

// problemsOf returns the differences between the files of a tree and the log.
func (a *app) problemsOf(c *cli.Context, target verify.Target) ([]verify.Problem, bool) {
	v, err := a.verifier(c)
	if err != nil {
		return nil, false
	}
	r, err := v.Verify(c.Context, target, verify.Checks{Log: true})
	if err != nil || len(r.Checks) != 1 {
		return nil, false
	}
	return r.Checks[0].Problems, true
}

// judged returns the error of an install with hints. Where a tree without a
// receipt is in the release's place, the error lists what differs from the
// release.
func (a *app) judged(c *cli.Context, r install.Result) error {
	if !r.InPlace || !install.NotTheRelease(r.Err) {
		return r.Err
	}
	goroot := a.writeStore().GOROOT(r.Version)
	err := a.whatDiffers(c, verify.Target{Version: r.Version, Platform: a.platform(), GOROOT: goroot}, r.Err)
	return diag.Wrap(diag.CodeOf(err), err, goroot+" has no receipt, and is not the release",
		"vmgo install --reinstall "+r.Version.String()+"   # replaces it", "vmgo uninstall "+r.Version.String())
}

// adopter returns what a GOROOT is and the Installer that adopts it. Like
// installer, it may return an Installer together with an error.
func (a *app) adopter(c *cli.Context, name string) (*install.Installer, verify.Target, error) {
	target, err := a.foreign(name)
	if err != nil {
		return nil, target, err
	}
	if target.Platform != a.platform() {
		return nil, target, diag.New(diag.UnsupportedPlatform,
			target.GOROOT+" is for "+target.Platform.String()+", and this machine is "+a.platform().String())
	}
	in, err := a.installer(c)
	return in, target, err
}

// foreign returns the GOROOT at a path, which need not be installed by vmgo.
func (a *app) foreign(name string) (verify.Target, error) {
	path, err := a.realPath(name)
	if err != nil {
		return verify.Target{}, err
	}
	return verify.Foreign(path, a.platform())
}

// realPath returns the path of a GOROOT without links.
func (a *app) realPath(name string) (string, error) {
	path := a.host.Abs(name)
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", diag.New(diag.NotInstalled, "no GOROOT "+path, "vmgo list")
	}
	if err != nil {
		return "", diag.Wrap(diag.NotInstalled, err, "no GOROOT "+path, "vmgo list")
	}
	return real, nil
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
