package cmd

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/verify"
)

func (a *app) verifyCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true, complete: a.installedCandidates, several: true}, &cli.Command{
		Name:      "verify",
		Usage:     "check installed releases, or any GOROOT",
		UsageText: "vmgo verify [VERSION|GOROOT...] [--all] [--files] [--log] [--run] [--smoke] [--std] [--rebuild]\nvmgo verify --gossip FILE|URL\nvmgo verify --proof FILE VERSION",
		ArgsUsage: "[VERSION|GOROOT...]",
		Description: `Without VERSION: the selected release. A GOROOT is named by its path, for instance
/usr/local/go: it need not be installed by vmgo.
Without a check: --files --log --run.`,
		Category: releasesCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "every installed release"},
			&cli.BoolFlag{Name: "files", Usage: "hash every file and compare with the manifest"},
			&cli.BoolFlag{Name: "log", Usage: "compare the tree with the record of the checksum database"},
			&cli.BoolFlag{Name: "run", Usage: "try the toolchain: versions, modules, a program, cgo; without the network"},
			&cli.BoolFlag{Name: "smoke", Usage: "within half a minute: the tests of 6 packages, a program with C in it, the race detector"},
			&cli.BoolFlag{Name: "std", Usage: "run the standard library's own tests; takes many minutes, and goes on after an interrupt"},
			&cli.BoolFlag{Name: "rebuild", Usage: "build the release again from its source by another release, and compare the binaries bit for bit; with --log; takes many minutes, and goes on after an interrupt"},
			&cli.StringFlag{Name: "bootstrap", Usage: "with --rebuild: compile with `VERSION|GOROOT`; what is known to be equal is built again"},
			&cli.DurationFlag{Name: "timeout", Usage: "end the tests of --smoke and --std after this `TIME`", Value: 2 * time.Hour},
			&cli.StringFlag{Name: "gossip", Usage: "prove that the tree heads in `FILE|URL`, which others have seen, are of the history that this machine has seen"},
			&cli.StringFlag{Name: "proof", Usage: "write the proof of the checksum database to `FILE`, as c2sp.org/tlog-proof"},
			jobsFlag(),
			jsonFlag(),
		},
		Action: a.verify,
	})
}

func (a *app) verify(c *cli.Context) error {
	args, err := arguments(c, 0, -1, "")
	if err != nil {
		return err
	}
	switch from := c.String("gossip"); {
	case c.IsSet("gossip") && (len(args) > 0 || from == ""):
		return diag.New(diag.Usage, "--gossip takes a file or URL and no VERSION", "vmgo verify --gossip latest.txt")
	case c.IsSet("gossip"):
		return a.gossip(c, from)
	case c.IsSet("proof"):
		return a.writeProof(c, args)
	}
	targets, err := a.verifyTargets(args, c.Bool("all"))
	if err != nil {
		return err
	}
	v, err := a.verifier(c)
	if err != nil {
		return err
	}
	rebuild := c.Bool("rebuild")
	checks := verify.Checks{Files: c.Bool("files"), Log: c.Bool("log") || rebuild, Run: c.Bool("run"), Smoke: c.Bool("smoke"), Std: c.Bool("std"), Rebuild: rebuild}
	if checks == (verify.Checks{}) {
		checks = verify.Usual()
	}
	reports := []verify.Report{}
	var failures []error
	for _, target := range targets {
		progress := a.progress()
		v.Begin, v.Hashed = a.verifyProgress(progress)
		r, err := v.Verify(c.Context, target, checks)
		progress.Close()
		if err != nil {
			return err
		}
		reports = append(reports, r)
		failures = append(failures, r.Err())
		if !c.Bool("json") {
			if err := a.verifyTable(r); err != nil {
				return err
			}
		}
	}
	err = worst(failures)
	if c.Bool("json") {
		if jsonErr := ui.JSON(a.host.Stdout, reports); jsonErr != nil {
			return jsonErr
		}
		if err != nil {
			return reportedError{err}
		}
	}
	return err
}

// verifyProgress shows on a terminal which check is running, and how much of the
// tree was read. The tests of the standard library and a rebuild have lines of
// their own.
func (a *app) verifyProgress(progress *ui.Progress) (begin func(verify.Target, string), hashed func(done, total int64)) {
	if !a.moving() {
		return nil, nil
	}
	var job *ui.Job
	begin = func(t verify.Target, id string) {
		if id == "std" || id == "smoke" || id == "rebuild" {
			progress.Close()
			return
		}
		if job == nil {
			job = progress.Job(t.Version.Toolchain())
		}
		job.Phase("checking " + id)
	}
	return begin, func(done, total int64) { job.Count(done, total) }
}

// worst returns the gravest of several errors, by exit status.
func worst(failures []error) (first error) {
	for _, err := range failures {
		if err != nil && (first == nil || diag.ExitStatus(err) > diag.ExitStatus(first)) {
			first = err
		}
	}
	return first
}

// verifyTargets finds what the arguments name: installed releases, or trees.
func (a *app) verifyTargets(args []string, all bool) ([]verify.Target, error) {
	releases, err := a.installed()
	if err != nil {
		return nil, err
	}
	switch {
	case all && len(args) > 0:
		return nil, diag.New(diag.Usage, "--all takes no VERSION", "vmgo verify --all")
	case all:
		var targets []verify.Target
		for _, r := range releases {
			targets = append(targets, a.verifyTarget(r))
		}
		a.warnUnproved()
		if len(targets) == 0 {
			return nil, diag.New(diag.NotInstalled, "nothing is installed", "vmgo install latest")
		}
		return targets, nil
	case len(args) == 0:
		target, err := a.targetHere(releases)
		return []verify.Target{target}, err
	}
	var targets []verify.Target
	for _, arg := range args {
		if isPath(arg) {
			target, err := a.targetAt(arg, releases)
			if err != nil {
				return nil, err
			}
			targets = append(targets, target)
			continue
		}
		r, err := a.pick(arg)
		if err != nil {
			return nil, err
		}
		targets = append(targets, a.verifyTarget(r))
	}
	return targets, nil
}

// isPath reports whether an argument is a path, not a selector: it has a slash, or is "." or "..".
func isPath(arg string) bool {
	return strings.ContainsRune(arg, '/') || arg == "." || arg == ".."
}

func (a *app) verifyTarget(r installed.Release) verify.Target {
	return verify.Target{Version: r.Version, Platform: a.platform(), GOROOT: r.GOROOT, Store: a.openStore(r.Store)}
}

// targetHere is the selected release, one of ours or the system's.
func (a *app) targetHere(releases []installed.Release) (verify.Target, error) {
	r, err := a.resolve()
	if err != nil {
		return verify.Target{}, err
	}
	if !r.System {
		return a.targetAt(r.GOROOT, releases)
	}
	program, err := filepath.EvalSymlinks(r.SystemGo)
	if err != nil {
		return verify.Target{}, diag.Wrap(diag.NotInstalled, err, "the go of the system cannot be found")
	}
	return a.targetAt(filepath.Dir(filepath.Dir(program)), releases)
}

// targetAt returns the GOROOT at a path, with the store's record where it is a release
// of a store.
func (a *app) targetAt(path string, releases []installed.Release) (verify.Target, error) {
	path, err := a.realPath(path)
	if err != nil {
		return verify.Target{}, err
	}
	for _, r := range releases {
		if real, err := filepath.EvalSymlinks(r.GOROOT); err == nil && real == path {
			return a.verifyTarget(r), nil
		}
	}
	return verify.Foreign(path, a.platform())
}

// verifier gathers what the checks need.
func (a *app) verifier(c *cli.Context) (*verify.Verifier, error) {
	client := a.client()
	log, err := a.log(client)
	if err != nil {
		return nil, err
	}
	jobs, err := a.jobs(c)
	if err != nil {
		return nil, err
	}
	v := &verify.Verifier{
		Log: log, Jobs: jobs, Now: a.host.Now, Run: func(cmd *exec.Cmd) error { return a.host.Run(cmd) },
		Path: a.host.Env["PATH"], TempDir: a.host.Env["TMPDIR"], StdTimeout: c.Duration("timeout"),
		Progress: func(line string) { a.sayf("%s", line) },
	}
	if a.layout.Cache != "" {
		v.NotesDir = verify.NotesDir(a.layout.Cache)
	}
	for _, dir := range a.stores() {
		v.Stores = append(v.Stores, a.openStore(dir))
	}
	if v.StateDir = a.layout.State; c.Bool("rebuild") || c.IsSet("bootstrap") {
		if err := a.bootstraps(c, v); err != nil {
			return nil, err
		}
	}
	source, err := a.goproxy(client)
	if err != nil {
		return nil, err
	}
	v.Directory = func(ctx context.Context, version gover.Version, p gover.Platform) ([]archive.File, error) {
		return verify.ZipDirectory(ctx, source, client, version, p)
	}
	return v, nil
}

// shownProblems is how many files are printed; --json has them all.
const shownProblems = 20

// listingAll returns the command that lists all problems of a check, after a colon. It is
// empty for a tree that cannot say which release it is.
func (a *app) listingAll(r verify.Report, check verify.Check) string {
	releases, err := a.installed()
	if err != nil {
		return ""
	}
	target, err := a.targetAt(r.GOROOT, releases)
	if err != nil || target.Version.String() != r.Version {
		return ""
	}
	return ": vmgo verify --json --" + check.ID + " " + diag.Word(r.GOROOT)
}

func (a *app) verifyTable(r verify.Report) error {
	colour := ui.Palette(a.colour(a.host.StdoutTTY))
	var table ui.Table
	for _, check := range r.Checks {
		status := colour.Green(string(check.Status))
		switch check.Status {
		case verify.Fail:
			status = colour.Red(string(check.Status))
		case verify.Skip:
			status = colour.Yellow(string(check.Status))
		}
		table.Add(r.Version, check.ID, status, fmt.Sprintf("%.1f s", check.Seconds), check.Detail)
		for i, p := range check.Problems {
			if i == shownProblems {
				table.Add("", "", "", "", fmt.Sprintf("... and %d more", len(check.Problems)-i)+a.listingAll(r, check))
				break
			}
			table.Add("", "", string(p.Kind), "", filepath.Join(r.GOROOT, p.Path))
		}
	}
	return table.Write(a.host.Stdout)
}
