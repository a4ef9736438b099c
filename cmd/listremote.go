package cmd

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) listRemoteCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true, complete: a.remoteCandidates}, &cli.Command{
		Name:      "list-remote",
		Aliases:   []string{"ls-remote"},
		Usage:     "list the releases that can be installed",
		UsageText: "vmgo list-remote [SELECTOR] [--all] [--json] [--source LIST] [--min-age AGE]",
		ArgsUsage: "[SELECTOR]",
		Description: `Without --all: the releases of the two newest lines, or those that SELECTOR matches.
A source's list may be incomplete: an exact version can be installed even if it is not listed.`,
		Category: releasesCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "include old and unstable releases"},
			jsonFlag(), sourceFlag(), minAgeFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1, "")
			if err != nil {
				return err
			}
			rows, err := a.remoteRows(c, args, c.Bool("all"))
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return ui.JSON(a.host.Stdout, rows)
			}
			return a.remoteTable(rows)
		},
	})
}

func sourceFlag() cli.Flag {
	return &cli.StringFlag{Name: "source", Usage: "release sources in order, comma separated `LIST` (default: VMGO_SOURCE)"}
}

// remoteRow is one release as `list-remote --json` shows it.
type remoteRow struct {
	Version   string   `json:"version"`
	Stable    bool     `json:"stable"`
	Supported bool     `json:"supported"`
	Newest    bool     `json:"newest_patch"`
	Installed bool     `json:"installed"`
	Young     bool     `json:"too_young"` // to be the newest
	Sources   []string `json:"sources"`
}

// listed returns the releases of all sources for this platform, newest first.
func (a *app) listed(ctx context.Context, sourceFlag string, rate noticeRate) ([]release.Listed, error) {
	sources, err := a.sources(sourceFlag)
	if err != nil {
		return nil, err
	}
	listers := make([]release.Lister, len(sources))
	for i, s := range sources {
		listers[i] = s
	}
	end := a.showing("fetching the lists of releases")
	list, failed, err := release.Merge(ctx, listers...)
	end()
	if err != nil && ctx.Err() != nil {
		return nil, interrupted(err)
	}
	if err != nil {
		return nil, err
	}
	release.KeepNewest(a.layout.Cache, list)
	a.warnOfMissing(sources, list, failed, rate || sourceFlag != "")
	for _, s := range sources {
		for _, note := range s.Notes() {
			a.warnf("%s", note)
		}
	}
	platform := a.platform()
	list = slices.DeleteFunc(list, func(l release.Listed) bool { return !l.Has(platform) })
	if len(list) == 0 {
		return nil, diag.New(diag.UnsupportedPlatform, "no source lists a release for "+platform.String(), "vmgo list-remote --source godev")
	}
	return list, nil
}

// remoteRows lists the releases that the arguments request, with what is known
// about each.
func (a *app) remoteRows(c *cli.Context, args []string, all bool) ([]remoteRow, error) {
	match := func(gover.Version) bool { return true }
	if len(args) == 1 {
		selector, err := gover.ParseSelector(args[0])
		if err != nil {
			return nil, err
		}
		if match, err = matcher(selector); err != nil {
			return nil, err
		}
	}
	list, err := a.listed(c.Context, c.String("source"), always)
	if err != nil {
		return nil, err
	}
	releases, err := a.installed()
	if err != nil {
		return nil, err
	}
	age, err := a.minAge(c)
	if err != nil {
		return nil, err
	}
	lines, err := a.releaseLines(list...)
	if err != nil {
		return nil, err
	}
	newest := release.Newest(list)
	seen := map[gover.Version]bool{}
	rows := []remoteRow{}
	for _, l := range list {
		v := l.Version
		shown := match(v) && (all || len(args) == 1 || !v.IsPrerelease() && v.Minor() > newest.Minor()-2)
		row := remoteRow{
			Version: v.String(), Stable: !v.IsPrerelease(), Supported: !lines.Ended(v),
			Newest: !v.IsPrerelease() && !seen[v.Lang()], Sources: l.Sources,
		}
		for _, have := range releases {
			row.Installed = row.Installed || have.Version == v
		}
		if row.Newest && shown {
			_, row.Young = age.young(c.Context, v)
			row.Newest = !row.Young
		}
		seen[v.Lang()] = seen[v.Lang()] || row.Newest
		if shown {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 && len(args) == 1 {
		return nil, diag.New(diag.NoSuchRelease, "no source lists a release that matches "+args[0], "vmgo list-remote --all")
	}
	return rows, nil
}

// matcher returns a function that reports whether a selector covers a release
// in a list: all patches of a prefix, all members of a range. An alias covers
// everything, since it selects one of many.
func matcher(selector gover.Selector) (func(gover.Version) bool, error) {
	switch selector.Kind() {
	case gover.Range:
		return ranges.Parse(selector.Text())
	case gover.Exact, gover.Prefix:
		return selector.Match, nil
	}
	return func(gover.Version) bool { return true }, nil
}

func (a *app) remoteTable(rows []remoteRow) error {
	colour := ui.Palette(a.colour(a.host.StdoutTTY))
	var table ui.Table
	for _, row := range rows {
		notes := ""
		switch {
		case !row.Stable:
			notes = colour.Yellow("unstable")
		case !row.Supported:
			notes = colour.Dim("end of life")
		}
		if row.Young {
			notes = join(notes, colour.Yellow("younger than the minimum age"))
		}
		if row.Newest {
			notes = join(notes, "newest patch")
		}
		if row.Installed {
			notes = join(notes, colour.Green("installed"))
		}
		table.Add(row.Version, strings.Join(row.Sources, ","), notes)
	}
	return table.Write(a.host.Stdout)
}

// remoteCandidates are the versions that completion offers; a completion must
// be fast.
func (a *app) remoteCandidates(c *cli.Context) [][2]string {
	ctx, cancel := context.WithTimeout(c.Context, 2*time.Second)
	defer cancel()
	list, err := a.listed(ctx, "", onceADay)
	if err != nil {
		return nil
	}
	candidates := [][2]string{{"latest", "newest release"}, {"oldstable", "newest of the previous line"}}
	for _, l := range list {
		candidates = append(candidates, [2]string{l.Version.String(), ""})
	}
	return candidates
}
