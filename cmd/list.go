package cmd

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) listCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true}, &cli.Command{
		Name:      "list",
		Aliases:   []string{"ls"},
		Usage:     "list the installed releases",
		UsageText: "vmgo list [--json]",
		Category:  releasesCategory,
		Flags:     []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			rows, err := a.listRows()
			if err != nil {
				return err
			}
			a.warnUnproved()
			if c.Bool("json") {
				return ui.JSON(a.host.Stdout, rows)
			}
			return a.listTable(rows)
		},
	})
}

// listRow is one installed release as `list --json` shows it.
type listRow struct {
	Version     string            `json:"version"`
	GOROOT      string            `json:"goroot"`
	Store       string            `json:"store"`
	Source      string            `json:"source"`
	Contents    string            `json:"contents"`
	Default     bool              `json:"default"`
	Selected    bool              `json:"in_force"`
	Bytes       int64             `json:"bytes"`
	OwnBytes    int64             `json:"own_bytes"`
	SharedBytes int64             `json:"shared_bytes"`
	InstalledAt time.Time         `json:"installed_at"`
	Proofs      map[string]string `json:"proofs"`
}

func (a *app) listRows() ([]listRow, error) {
	releases, err := a.installed()
	if err != nil {
		return nil, err
	}
	selected, err := a.resolve()
	if err != nil {
		selected = resolve.Resolution{} // a list does not fail when no release is selected
	}
	rows := []listRow{}
	defer a.showing("measuring the releases")()
	for _, r := range releases {
		row, err := a.listRow(r)
		if err != nil {
			return nil, err
		}
		row.Selected = r.GOROOT == selected.GOROOT
		rows = append(rows, row)
	}
	return rows, nil
}

// listRow reads what the store knows of a release. A release whose receipt is
// damaged, or newer than this program, is listed all the same, without what only
// the receipt knew.
func (a *app) listRow(release installed.Release) (listRow, error) {
	s := a.openStore(release.Store)
	row := listRow{
		Version: release.Version.String(), GOROOT: release.GOROOT, Store: release.Store,
		Default: a.isDefault(release), Proofs: map[string]string{},
	}
	receipt, err := s.Receipt(release.Version)
	switch {
	case err == nil:
		row.Source, row.Contents, row.Proofs, row.InstalledAt = receipt.Source, receipt.Contents, receipt.Proofs, receipt.InstalledAt
	case diag.CodeOf(err) == diag.Tampered, diag.CodeOf(err) == diag.NewerFormat:
		a.warnf("%v", err)
	default:
		return listRow{}, err
	}
	usage, err := s.Usage(release.Version)
	if err != nil {
		return listRow{}, fmt.Errorf("measuring Go %s: %w", release.Version, err)
	}
	row.Bytes, row.OwnBytes, row.SharedBytes = usage.Bytes, usage.OwnBytes, usage.SharedBytes
	return row, nil
}

// isDefault reports whether the release is the default of its store.
func (a *app) isDefault(release installed.Release) bool {
	version, found := installed.Default(release.Store)
	return found && version == release.Version
}

func (a *app) listTable(rows []listRow) error {
	if len(rows) == 0 {
		a.sayf("nothing is installed; install the newest release: vmgo install latest")
		return nil
	}
	colour := ui.Palette(a.colour(a.host.StdoutTTY))
	lines, err := a.releaseLines()
	if err != nil {
		return err
	}
	var table ui.Table
	for _, row := range rows {
		mark, notes := "  ", ""
		if row.Selected {
			mark = colour.Green("* ")
		}
		if row.Default {
			notes = "default"
		}
		if v, err := gover.Parse(row.Version); err == nil && lines.Ended(v) {
			notes = join(notes, colour.Yellow("end of life"))
		}
		table.Add(mark+row.Version, row.Source, ui.Bytes(row.OwnBytes)+" own", ui.Bytes(row.SharedBytes)+" shared", row.GOROOT, notes)
	}
	return table.Write(a.host.Stdout)
}

// releaseLines returns the known release lines: those of a list of releases
// that was just fetched, or of the last one fetched, and those installed.
func (a *app) releaseLines(list ...release.Listed) (gover.Lines, error) {
	releases, err := a.installed()
	known := []gover.Version{release.Newest(list), release.KeptNewest(a.layout.Cache)}
	for _, r := range releases {
		known = append(known, r.Version)
	}
	return gover.KnownLines(known...), err
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}
