package cmd

import (
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/mirror"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) mirrorCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "mirror",
		Usage:     "keep a directory of Go releases that any web server serves to others",
		UsageText: "vmgo mirror sync|verify DIR",
		Description: `DIR/public is a GOPROXY for Go releases with the records of the checksum database, and DIR/public/dl is go.dev/dl.
See docs/mirrors.md.`,
		Category: machineCategory,
		Subcommands: []*cli.Command{
			{
				Name: "sync", Usage: "fetch, verify and publish releases", UsageText: "vmgo mirror sync [FLAG...] DIR",
				Description: `Without --go: the newest release of the two newest minor versions. What the mirror has stays, unless --prune is
given. Nothing that is served changes before everything is verified; an interrupted sync goes on where it stopped.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "go", Usage: "releases: `SELECTOR,...`"},
					&cli.IntFlag{Name: "minors", Usage: "the newest release of the `N` newest minor versions", DefaultText: "2 without --go"},
					&cli.StringFlag{Name: "platform", Usage: "for `OS/ARCH,...` (default: this machine's)"},
					&cli.BoolFlag{Name: "patches", Usage: "make patches, by which vmgo install fetches what differs from an installed release"},
					&cli.BoolFlag{Name: "no-archives", Usage: "leave out the official archives (dl)"},
					&cli.BoolFlag{Name: "prune", Usage: "remove releases that these flags do not select"},
					headFlag(),
					&cli.BoolFlag{Name: "dry-run", Usage: "only print what it would have and fetch"},
				},
				Action: a.mirrorSync,
			},
			{Name: "verify", Usage: "check every file of a mirror against the records in it", UsageText: "vmgo mirror verify DIR", Action: a.mirrorVerify},
		},
	})
}

// mirrorIn returns the mirror in the directory that is the one argument.
func (a *app) mirrorIn(c *cli.Context) (*mirror.Mirror, error) {
	args, err := arguments(c, 1, 1, "DIR")
	if err != nil {
		return nil, err
	}
	creator, err := a.bundleCreator()
	if err != nil {
		return nil, err
	}
	m := mirror.New(a.host.Abs(args[0]), creator)
	m.Now, m.Say = a.host.Now, func(text string) { a.sayf("%s", text) }
	m.Lock = a.locking("vmgo mirror")
	m.Keyring, err = a.keyring()
	return m, err
}

func (a *app) mirrorSync(c *cli.Context) error {
	m, err := a.mirrorIn(c)
	if err != nil {
		return err
	}
	request := mirror.Request{Patches: c.Bool("patches"), Prune: c.Bool("prune"), DryRun: c.Bool("dry-run")}
	if request.Heads, err = a.treeHeads(c); err != nil {
		return err
	}
	if request.Releases, err = a.mirrorReleases(c); err != nil {
		return err
	}
	if !c.Bool("no-archives") {
		m.Archives = release.NewGoDev(a.client(), release.GoDevConfig{
			Bases: a.settings.Godev, Mirrors: a.settings.GodevMirrors, CacheDir: a.layout.Cache, Now: a.host.Now, Offline: a.settings.Offline,
		})
	}
	progress := a.progress()
	defer progress.Close()
	m.Planned = func(plan *bundle.Plan) {
		a.sayf("%s: %s, of which %s are to be fetched", ui.Count(len(plan.Releases), "release"), ui.Bytes(plan.Bytes), ui.Bytes(plan.Fetch))
		if a.moving() && plan.Fetch > 0 {
			m.Creator.Fetched = progress.Job("releases").Count
		}
	}
	if a.host.UID == 0 && !request.DryRun {
		if err := rootMayMirror(m.Dir); err != nil {
			return err
		}
	}
	if err := m.Sync(c.Context, request); err != nil || request.DryRun {
		return err
	}
	progress.Close()
	a.sayf("%s/%s is ready to be served", m.Dir, mirror.Public)
	return nil
}

// rootMayMirror returns an error where others can change the directories of a mirror: they
// could lead what root writes and removes there elsewhere.
func rootMayMirror(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil // the sync reports it
	}
	_, unsafe, err := facts.Owners(host.Host{Root: "/"}, 0).Survey(dir, []string{"cache", "heads", "trees"}, fsx.Look)
	if len(unsafe) > 0 {
		return diag.New(diag.Failure, "root writes no mirror where others can change it: "+unsafe[0].Reason,
			unsafe[0].Fix, "ls -ld "+diag.Word(dir)+"   # or sync as the user who owns it: sudo -u USER vmgo mirror sync")
	}
	return err
}

// mirrorReleases returns what --go, --minors and --platform select.
func (a *app) mirrorReleases(c *cli.Context) ([]mirror.Release, error) {
	platforms, err := a.platforms(commas(c, "platform"))
	if err != nil {
		return nil, err
	}
	var versions []gover.Version
	if words := commas(c, "go"); len(words) > 0 {
		selectors, err := a.installSelectors(words)
		if err != nil {
			return nil, err
		}
		report := a.newReport(false)
		defer report.close()
		picked, failures := a.choose(c, selectors, report)
		if err := a.each(failures...); err != nil {
			return nil, err
		}
		versions = picked.versions
	}
	minors := c.Int("minors")
	switch {
	case c.IsSet("minors") && minors < 1:
		return nil, diag.New(diag.Usage, "--minors has to be at least 1", "vmgo mirror sync --minors 2 DIR")
	case minors == 0 && len(versions) == 0:
		minors = 2
	}
	if minors > 0 {
		published, err := a.published(c.Context, "")
		if err != nil {
			return nil, err
		}
		versions = append(versions, newestOfMinors(published, minors)...)
	}
	var releases []mirror.Release
	for _, v := range versions {
		for _, p := range platforms {
			releases = append(releases, mirror.Release{Version: v, Platform: p})
		}
	}
	return releases, nil
}

// newestOfMinors returns the newest release of each of the n newest minor versions.
func newestOfMinors(published []gover.Version, n int) (list []gover.Version) {
	sorted := slices.SortedFunc(slices.Values(published), func(a, b gover.Version) int { return b.Compare(a) })
	for _, v := range sorted {
		taken := func(have gover.Version) bool { return have.Lang() == v.Lang() }
		if !v.IsPrerelease() && !slices.ContainsFunc(list, taken) && len(list) < n {
			list = append(list, v)
		}
	}
	return list
}

func (a *app) mirrorVerify(c *cli.Context) error {
	m, err := a.mirrorIn(c)
	if err != nil {
		return err
	}
	v, err := a.bundleVerifier("")
	if err != nil {
		return err
	}
	v.Online = m.Creator.Log.Tile // where this machine has seen a newer tree head than the mirror has
	end := a.showing("verifying " + m.Dir)
	done, err := m.Verify(c.Context, v)
	end()
	if err != nil {
		return err
	}
	a.sayf("%s: %s, %s and %s verified", m.Dir, ui.Count(done.Releases, "release"), ui.Count(done.Archives, "archive"), ui.Count(done.Patches, "patch file"))
	return nil
}
