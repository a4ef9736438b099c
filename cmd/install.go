package cmd

import (
	"context"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) installCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true, complete: a.remoteCandidates, several: true}, &cli.Command{
		Name:      "install",
		Usage:     "download, verify and install releases",
		UsageText: "vmgo install [SELECTOR|FILE|DIR...]",
		ArgsUsage: "[SELECTOR|FILE|DIR...]",
		Description: `Without a SELECTOR: what this directory requests. A selector takes the newest published match:
1.22.5 or 1.23rc1, 1.22 (its newest patch), latest, oldstable, '>=1.21 <1.23' (vmgo help selection).
A FILE is an official archive or a module zip, a DIR has one or is a GOROOT (see vmgo help adopt).
A release becomes visible in the store only after the checksum database or Google's signature verified it.
` + sourcesText(),
		Category: releasesCategory,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only print what would be installed"},
			&cli.BoolFlag{Name: "reinstall", Usage: "replace an installed release"},
			&cli.BoolFlag{Name: "default", Usage: "also make it the default"},
			&cli.BoolFlag{Name: "full", Usage: "include api, doc, misc and test, from the official archive"},
			minAgeFlag(),
			&cli.StringFlag{Name: "root", Usage: "install into /opt/go of the image or chroot in `DIR`; --default is its machine's default"},
			proofFlag(),
			jsonFlag(),
		}, installFlags()...),
		Action: a.install,
	})
}

// installFlags returns the flags of every command that may install.
func installFlags() []cli.Flag {
	return []cli.Flag{
		sourceFlag(),
		jobsFlag(),
		noWaitFlag(),
	}
}

func (a *app) install(c *cli.Context) error {
	args, err := arguments(c, 0, -1, "")
	if err != nil {
		return err
	}
	if c.IsSet("root") {
		if err := a.enterImage(c.String("root")); err != nil {
			return err
		}
	}
	files, args := splitFiles(args)
	var selectors []gover.Selector
	if len(args) > 0 || len(files) == 0 {
		if selectors, err = a.installSelectors(args); err != nil {
			return err
		}
	}
	if c.Bool("default") && len(selectors)+len(files) != 1 {
		return diag.New(diag.Usage, "--default needs exactly one selector", "vmgo install --default latest")
	}
	if given, err := a.givenProofs(c.StringSlice("proof")); err != nil {
		return err
	} else if err := given.unused(files); err != nil {
		return err
	}
	report := a.newReport(c.Bool("json"))
	defer report.close()
	list, failures := a.choose(c, selectors, report)
	if c.Bool("dry-run") {
		return report.verdict(append(failures, a.dryRun(c, list, files, report)...))
	}
	failures = append(failures, a.installAll(c, list, report)...)
	for _, file := range files {
		version, err := a.installFile(c, file, report)
		if err != nil {
			failures = append(failures, err)
		}
		if version.IsZero() {
			report.failed(filepath.Base(file), err)
		}
		list.add(version)
	}
	if err := report.verdict(failures); err != nil {
		return err
	}
	switch {
	case c.Bool("default") && c.IsSet("root"):
		return a.setSystemDefault(c.Context, list.versions[0].String())
	case c.Bool("default"):
		return a.setUserDefault(list.versions[0].String())
	}
	return nil
}

// installSelectors reads the arguments, or without any what the directory
// requests.
func (a *app) installSelectors(args []string) ([]gover.Selector, error) {
	var selectors []gover.Selector
	for _, arg := range args {
		selector, err := gover.ParseSelector(arg)
		if err != nil {
			return nil, err
		}
		if selector.Kind() == gover.System {
			return nil, diag.New(diag.BadSelector, "system means the go on PATH without vmgo: it cannot be installed", "vmgo install latest")
		}
		selectors = append(selectors, selector)
	}
	if len(args) > 0 {
		return selectors, nil
	}
	resolution, err := a.resolve()
	wanted := resolution.Requirement.Wanted()
	if err != nil && diag.CodeOf(err) != diag.NotInstalled {
		return nil, err
	}
	if wanted.IsZero() || wanted.Kind() == gover.System {
		return nil, diag.New(diag.NoRequirement, "no release is requested here", "vmgo install latest", "vmgo use 1.22")
	}
	a.sayf("%s requests %s", resolution.Requirement.Origin, resolution.Requirement.Origin.Requirement)
	return []gover.Selector{wanted}, nil
}

// picks has the releases to install, each once.
type picks struct {
	versions []gover.Version
	notAfter map[gover.Version]time.Time // see [install.Request]
}

func (l *picks) add(v gover.Version) {
	if !slices.Contains(l.versions, v) {
		l.versions = append(l.versions, v)
	}
}

// addNewest adds a release that was chosen as the newest: its install compares the
// time in its VERSION file with the least age.
func (l *picks) addNewest(v gover.Version, age minAge) {
	l.add(v)
	if l.notAfter == nil {
		l.notAfter = map[gover.Version]time.Time{}
	}
	l.notAfter[v] = age.notAfter()
}

// choose turns selectors into versions. The lists of the sources are fetched
// only where a selector leaves a choice.
func (a *app) choose(c *cli.Context, selectors []gover.Selector, report *report) (list picks, failures []error) {
	age, err := a.minAge(c)
	if err != nil {
		return list, []error{err}
	}
	var published []gover.Version
	var listErr error
	asked := false
	for _, selector := range selectors {
		if selector.Kind() == gover.Exact {
			list.add(selector.Version())
			continue
		}
		if !asked {
			asked = true
			published, listErr = a.published(c.Context, installSources(c))
		}
		version, passed, err := gover.Version{}, gover.Version{}, listErr
		if err == nil {
			version, passed, err = age.pick(c.Context, selector, published)
		}
		if err != nil {
			failures = append(failures, err)
			report.failed(selector.Text(), err)
			continue
		}
		if !passed.IsZero() {
			a.sayf("go%s is younger than %s: go%s is the newest for %s", passed, age.text(), version, selector.Text())
		}
		list.addNewest(version, age)
	}
	return list, failures
}

func (a *app) published(ctx context.Context, source string) ([]gover.Version, error) {
	list, err := a.listed(ctx, source, onceADay)
	var versions []gover.Version
	for _, l := range list {
		versions = append(versions, l.Version)
	}
	return versions, err
}

// installAll installs the releases and returns the errors of those that failed.
func (a *app) installAll(c *cli.Context, list picks, report *report) []error {
	versions := list.versions
	if len(versions) == 0 {
		return nil
	}
	if _, set := a.host.Env["GOGC"]; !set {
		debug.SetGCPercent(40) // no slower, and sixteen releases need 60 MB less
	}
	in, err := a.installer(c)
	if err != nil {
		report.refused(versions, err)
		return []error{err}
	}
	req := installRequest(c, report)
	req.NotAfter = list.notAfter
	if len(versions) > 1 {
		// Several are checked together: the plan is printed, and starts only if
		// there is room for all.
		end := a.showing("looking at " + ui.Count(len(versions), "release"))
		plan := in.Prepare(c.Context, versions, req)
		defer plan.Close()
		end()
		if plan.Room != nil {
			report.refused(versions, plan.Room)
			return []error{plan.Room}
		}
		if !report.json && plan.Need.Files > 0 {
			a.sayf("%d releases: %s", len(versions), takes(plan.Download, plan.Need, true))
		}
		req.Plan = plan
	}
	if len(versions) == 1 {
		defer report.awaiting(versions[0])()
	}
	var failures []error
	results := in.Install(c.Context, versions, req)
	for _, result := range results {
		if result.Err = a.judged(c, result); result.Err != nil {
			failures = append(failures, result.Err)
		}
		report.ended(result)
	}
	report.warnUnsafe(in.Store, results)
	return failures
}

// installRequest returns what the flags say about an install, and its report.
func installRequest(c *cli.Context, report *report) install.Request {
	return install.Request{
		Reinstall: c.Bool("reinstall"), Full: c.Bool("full"), NoWait: c.Bool("no-wait"),
		Event: report.event, Waiting: report.waiting,
	}
}

// installer gathers what an install needs.
func (a *app) installer(c *cli.Context) (*install.Installer, error) {
	return a.installerInto(c, a.writeStore())
}

// installerInto is installer for a store.
func (a *app) installerInto(c *cli.Context, target *store.Store) (*install.Installer, error) {
	if a.layout.Cache == "" || a.layout.State == "" {
		return nil, diag.New(diag.Failure, "HOME is not set, so there is no place for downloads and proofs", homeHint, cacheHint)
	}
	sources, err := a.sources(installSources(c))
	if err != nil {
		return nil, err
	}
	client := a.client()
	log, err := a.log(client)
	if err != nil {
		return nil, err
	}
	given, err := a.givenProofs(c.StringSlice("proof"))
	if err != nil {
		return nil, err
	}
	keyring, err := a.keyring()
	if err != nil {
		return nil, err
	}
	jobs, err := a.jobs(c)
	if err != nil {
		return nil, err
	}
	in := &install.Installer{
		Store: target, Log: given.over(log), Keyring: keyring, Fetcher: client, Platform: a.platform(),
		Official: settings.OfficialGodev,
		CacheDir: filepath.Join(a.layout.Cache, "download"), Jobs: jobs,
		Times:    release.OpenTimes(a.layout.Cache),
		Identity: a.identity(), VmgoVersion: currentBuild().version,
	}
	for _, s := range sources {
		in.Sources = append(in.Sources, s)
	}
	return in, target.CheckWritable()
}

// installSources returns the sources of --source. Without it, --full means the
// sources of full archives.
func installSources(c *cli.Context) string {
	if !c.IsSet("source") && c.Bool("full") {
		return strings.Join(release.FullNames(), ",")
	}
	return c.String("source")
}

// sourcesText returns what the sources have, a line each.
func sourcesText() string {
	var lines []string
	for _, known := range release.Catalogue() {
		line := "The source " + known.Name + " is verified by: " + strings.Join(known.Proofs, ", ") + "."
		if known.Full {
			line += " It has full archives."
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (a *app) identity() store.Identity {
	return store.Identity{PID: a.host.PID, What: "vmgo " + strings.Join(a.host.Args[1:], " "), Now: a.host.Now}
}

// log returns the checksum database, reached through the module proxies.
func (a *app) log(getter trust.Getter) (*trust.Log, error) {
	proxies, err := a.proxies()
	if err != nil {
		return nil, err
	}
	return trust.NewLog(trust.LogConfig{
		GOSUMDB: a.goSettings().Get("GOSUMDB").Value, Proxies: proxies, Getter: getter,
		StateDir: a.layout.State, CacheDir: a.layout.Cache, Now: a.host.Now,
		Warn: func(text string) { a.warnf("%s", text) },
	})
}

// ensure returns the version that a selector means, and installs it if
// no installed release matches.
func (a *app) ensure(c *cli.Context, selector gover.Selector) (gover.Version, error) {
	release, err := a.pick(selector.Text())
	if err == nil || diag.CodeOf(err) != diag.NotInstalled {
		return release.Version, err
	}
	report := a.newReport(false)
	defer report.close()
	list, failures := a.choose(c, []gover.Selector{selector}, report)
	failures = append(failures, a.installAll(c, list, report)...)
	if len(failures) > 0 {
		return gover.Version{}, failures[0]
	}
	return list.versions[0], nil
}
