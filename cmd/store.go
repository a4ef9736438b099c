package cmd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/verify"
)

func (a *app) storeCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "store",
		Usage:     "check, repair and shrink the store",
		UsageText: "vmgo store check|repair|dedup",
		Description: `check compares the store with everything that is promised of it: records, links, permissions, and every byte of every release.
repair repairs what check finds, and fetches only those parts of a release that are damaged. A tree without a
receipt becomes a release again if the checksum database, or a proof of --proof, verifies it; otherwise it is not changed.
dedup stores identical files of different releases once, as installs do from the start.`,
		Category: releasesCategory,
		Subcommands: []*cli.Command{
			{
				Name: "check", Usage: "check that the store is sound", UsageText: "vmgo store check [--json]",
				Flags:  []cli.Flag{jsonFlag(), noWaitFlag()},
				Action: a.storeCheck,
			},
			{
				Name: "repair", Usage: "repair what check finds", UsageText: "vmgo store repair [--proof FILE...]",
				Flags:  append(installFlags(), proofFlag()),
				Action: a.storeRepair,
			},
			{
				Name: "dedup", Usage: "share identical files between releases", UsageText: "vmgo store dedup",
				Flags:  []cli.Flag{noWaitFlag()},
				Action: a.storeDedup,
			},
		},
	})
}

// faultLine is one fault in the form of --json.
type faultLine struct {
	Store   string          `json:"store"`
	Kind    store.FaultKind `json:"kind"`
	Version string          `json:"version,omitempty"`
	Path    string          `json:"path"`
	Detail  string          `json:"detail"`
}

func (a *app) storeCheck(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	lines := []faultLine{}
	var verdicts []error
	for _, dir := range a.stores() {
		s := a.openStore(dir)
		faults, err := a.storeFaults(c, s, a.wait(c.Bool("no-wait")))
		if err != nil {
			return err
		}
		for _, f := range faults {
			lines = append(lines, faultLine{dir, f.Kind, f.Version.String(), f.Path, f.Detail})
			if !c.Bool("json") {
				fmt.Fprintf(a.host.Stdout, "%s: %s (%s)\n", diag.Line(f.In(dir)), diag.Line(f.Detail), f.Kind)
			}
		}
		if releases, err := s.Releases(); err == nil && len(faults) == 0 && len(releases) > 0 {
			a.sayf("%s is sound, with %s", dir, ui.Count(len(releases), "release"))
		}
		verdicts = append(verdicts, storeVerdict(s, faults))
	}
	verdict := worst(verdicts)
	if !c.Bool("json") {
		return verdict
	}
	if err := ui.JSON(a.host.Stdout, lines); err != nil || verdict == nil {
		return err
	}
	return reportedError{verdict}
}

// storeVerdict is tampered if a release is damaged, store-unsafe if somebody
// else may write in the store, a plain failure for what is only untidy.
func storeVerdict(s *store.Store, faults []store.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	code := diag.Failure
	var hints []string
	for _, f := range faults {
		switch {
		case f.NeedsReinstall():
			code = diag.Tampered
		case f.Fix != "" && code == diag.Failure:
			code = diag.StoreUnsafe
		}
		if f.Fix != "" && len(hints) < 5 {
			hints = append(hints, f.Fix)
		}
	}
	if len(hints) < len(faults) {
		hints = append(hints, "vmgo store repair")
	}
	return diag.New(code, "the store "+s.Dir()+" is damaged: "+ui.Count(len(faults), "fault"), hints...)
}

// storeFaults finds what is wrong with the store and with the files in it.
func (a *app) storeFaults(c *cli.Context, s *store.Store, wait store.Wait) ([]store.Fault, error) {
	jobs, err := a.jobs(c)
	if err != nil {
		return nil, err
	}
	end := a.showing("checking " + s.Dir())
	faults, err := s.Check(c.Context, wait)
	end()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, f := range faults {
		known[f.Path] = true
	}
	releases, err := s.Releases()
	if err != nil {
		return nil, err
	}
	for _, r := range releases {
		m, err := s.Manifest(r.Version)
		if err != nil {
			continue // Check has reported it
		}
		tree, err := verify.Scan(c.Context, r.GOROOT, jobs, nil)
		if err != nil {
			return nil, err
		}
		for _, p := range verify.Files(m, tree) {
			path := filepath.Join(r.Version.String(), p.Path)
			if !known[path] {
				faults = append(faults, store.Fault{Kind: store.FaultTree, Version: r.Version, Path: path, Detail: p.Kind.Phrase()})
			}
		}
	}
	return faults, nil
}

// storeRepair sweeps, and verifies the trees that have no receipt. Then it
// installs the damaged releases again: sound files are kept, the rest is
// fetched, and the whole is verified by the log before it replaces the old one.
func (a *app) storeRepair(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	target, wait := a.writeStore(), a.wait(c.Bool("no-wait"))
	before, err := a.storeFaults(c, target, wait)
	if err != nil {
		return err
	}
	if err := target.Sweep(c.Context, wait); err != nil {
		return err
	}
	proved, failures, err := a.prove(c, target)
	if err != nil {
		return err
	}
	faults := before
	if len(before) > 0 { // some are gone by now
		if faults, err = a.storeFaults(c, target, wait); err != nil {
			return err
		}
	}
	damaged := damagedReleases(faults)
	if len(damaged) > 0 {
		if _, err := a.reinstall(c, target, damaged); err != nil {
			return err
		}
		if faults, err = a.storeFaults(c, target, wait); err != nil {
			return err
		}
	}
	a.sayRepaired(before, faults)
	for _, f := range faults {
		fmt.Fprintf(a.host.Stdout, "%s: %s (%s)\n", diag.Line(f.Path), diag.Line(f.Detail), f.Kind)
	}
	if len(faults) > 0 {
		failures = append(failures, diag.New(diag.Failure,
			"some findings in "+target.Dir()+" need a decision by a person: "+ui.Count(len(faults), "fault"), "vmgo store check"))
		return a.each(failures...)
	}
	a.sayf("%s is sound; %s repaired", target.Dir(), ui.Count(len(damaged)+proved, "release"))
	return nil
}

// damagedReleases returns the releases that are to be installed again, each once.
func damagedReleases(faults []store.Fault) (damaged []gover.Version) {
	for _, f := range faults {
		if f.NeedsReinstall() && !slices.Contains(damaged, f.Version) {
			damaged = append(damaged, f.Version)
		}
	}
	return damaged
}

// sayRepaired names the faults that are gone.
func (a *app) sayRepaired(before, after []store.Fault) {
	said := 0
	for _, f := range before {
		if slices.ContainsFunc(after, func(left store.Fault) bool { return left.Path == f.Path && left.Kind == f.Kind }) {
			continue
		}
		if said++; said <= shownProblems {
			a.sayf("repaired %s: %s (%s)", diag.Line(f.Path), diag.Line(f.Detail), f.Kind)
		}
	}
	if said > shownProblems {
		a.sayf("repaired %d more", said-shownProblems)
	}
}

// prove installs the trees without a receipt that the log verifies, and returns
// the errors about the others.
func (a *app) prove(c *cli.Context, s *store.Store) (proved int, failures []error, err error) {
	trees, err := installed.Unproved([]string{s.Dir()})
	if err != nil || len(trees) == 0 {
		return 0, nil, err
	}
	in, err := a.installer(c)
	if err != nil {
		return 0, nil, err
	}
	report := a.newReport(false)
	defer report.close()
	for _, r := range in.Install(c.Context, versionsOf(trees), installRequest(c, report)) {
		if err := a.judged(c, r); err != nil {
			failures = append(failures, err)
		} else {
			proved++
		}
	}
	return proved, failures, nil
}

func versionsOf(releases []installed.Release) []gover.Version {
	versions := make([]gover.Version, len(releases))
	for i, r := range releases {
		versions[i] = r.Version
	}
	return versions
}

// reinstall installs releases again, each with its previous contents.
func (a *app) reinstall(c *cli.Context, s *store.Store, versions []gover.Version) (results []install.Result, err error) {
	report := a.newReport(false)
	defer report.close()
	var failures []error
	for _, full := range []bool{false, true} {
		var list []gover.Version
		for _, v := range versions {
			r, err := s.Receipt(v)
			if (err == nil && r.Contents == store.ContentsFull) == full {
				list = append(list, v)
			}
		}
		if len(list) == 0 {
			continue
		}
		in, err := a.installerInto(c, s)
		if err != nil {
			return nil, err
		}
		req := installRequest(c, report)
		req.Reinstall, req.Full = true, full
		if full && !c.IsSet("source") {
			if in.Sources, err = a.installSourceList(strings.Join(release.FullNames(), ",")); err != nil {
				return nil, err
			}
		}
		for _, r := range in.Install(c.Context, list, req) {
			report.ended(r)
			results = append(results, r)
			if r.Err != nil {
				failures = append(failures, r.Err)
			}
		}
	}
	return results, report.verdict(failures)
}

func (a *app) installSourceList(text string) ([]install.Source, error) {
	sources, err := a.sources(text)
	var list []install.Source
	for _, s := range sources {
		list = append(list, s)
	}
	return list, err
}

func (a *app) storeDedup(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	var failures []error
	for _, dir := range a.stores() {
		if releases, err := installed.List([]string{dir}); err != nil || len(releases) < 2 {
			failures = append(failures, err)
			continue
		}
		s := a.openStore(dir)
		end := a.showing("comparing the files of " + s.Dir())
		done, err := s.Dedup(c.Context, a.wait(c.Bool("no-wait")))
		end()
		if err != nil {
			failures = append(failures, err)
			continue
		}
		text := fmt.Sprintf("%s: %s replaced by links, %s freed", s.Dir(), ui.Count(done.Files, "file"), ui.Bytes(done.Bytes))
		if done.Skipped > 0 {
			text += fmt.Sprintf("; %d were not changed: vmgo store check", done.Skipped)
		}
		failures = append(failures, a.outln(text))
	}
	return a.each(failures...)
}
