package cmd

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) outdatedCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "outdated",
		UsageText: "vmgo outdated [--json] [--source LIST] [--min-age AGE]",
		Usage:     "list installed release lines that have newer patches or are at their end of life",
		Category:  releasesCategory,
		Flags:     []cli.Flag{jsonFlag(), sourceFlag(), minAgeFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			rows, err := a.lines(c)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return ui.JSON(a.host.Stdout, rows)
			}
			return a.outdatedTable(rows)
		},
	})
}

// lineRow is one installed line of releases as `outdated --json` shows it.
type lineRow struct {
	Line      string `json:"line"`
	Installed string `json:"installed"` // the newest that is installed
	Newest    string `json:"newest"`    // the newest that there is
	Outdated  bool   `json:"outdated"`
	Supported bool   `json:"supported"`

	have installed.Release
	next gover.Version
}

// lines compares the newest installed release of each line with the newest
// published one that is old enough, newest line first. Prereleases are
// ignored.
func (a *app) lines(c *cli.Context) ([]lineRow, error) {
	releases, err := a.installed()
	rows := []lineRow{}
	if err != nil || len(releases) == 0 {
		return rows, err
	}
	age, err := a.minAge(c)
	if err != nil {
		return nil, err
	}
	published, err := a.listed(c.Context, c.String("source"), onceADay)
	if err != nil {
		return nil, err
	}
	known, err := a.releaseLines(published...)
	if err != nil {
		return nil, err
	}
	seen := map[gover.Version]bool{}
	for _, have := range releases {
		line := have.Version.Lang()
		if seen[line] || have.Version.IsPrerelease() {
			continue
		}
		seen[line] = true
		next := age.newestPatch(c.Context, have.Version, published)
		rows = append(rows, lineRow{
			Line: line.String(), Installed: have.Version.String(), Newest: next.String(),
			Outdated: next != have.Version, Supported: !known.Ended(have.Version),
			have: have, next: next,
		})
	}
	return rows, nil
}

// newestPatch returns the newest published release of the line of have that is old
// enough, have itself where none is newer. The list is newest first.
func (m minAge) newestPatch(ctx context.Context, have gover.Version, published []release.Listed) gover.Version {
	for _, l := range published {
		if v := l.Version; v.Lang() == have.Lang() && !v.IsPrerelease() && v.Compare(have) > 0 {
			if _, young := m.young(ctx, v); !young {
				return v
			}
		}
	}
	return have
}

func (a *app) outdatedTable(rows []lineRow) error {
	colour := ui.Palette(a.colour(a.host.StdoutTTY))
	var table ui.Table
	for _, row := range rows {
		notes := ""
		if !row.Supported {
			notes = colour.Yellow("end of life: the line gets no more fixes")
		}
		switch {
		case row.Outdated:
			table.Add(row.Installed, "-> "+colour.Green(row.Newest), notes)
		case notes != "":
			table.Add(row.Installed, "", notes)
		}
	}
	if table.Len() == 0 {
		a.sayf("nothing is outdated")
	}
	return table.Write(a.host.Stdout)
}
