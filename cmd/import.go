package cmd

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/peers"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) importCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true, complete: a.peerCandidates}, &cli.Command{
		Name:      "import",
		Usage:     "import the releases of another version manager",
		UsageText: "vmgo import " + strings.Join(peerNames(), "|") + "|all [--dry-run]",
		ArgsUsage: "NAME",
		Description: `Copies each release that the checksum database verifies. Files that do not belong to the release stay behind and are
named; a tree with modified or missing files is refused. The default of the other manager becomes yours if you have none.
Nothing of the other manager is changed or removed. docs/migrate.md compares its commands with vmgo's.`,
		Category: releasesCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only list what would be imported"},
			proofFlag(), jobsFlag(), jsonFlag(), noWaitFlag(),
		},
		Action: a.importPeers,
	})
}

func peerNames() (names []string) {
	for _, p := range peers.All() {
		names = append(names, p.Name)
	}
	return names
}

func (a *app) peerCandidates(*cli.Context) (candidates [][2]string) {
	for _, name := range append(peerNames(), "all") {
		candidates = append(candidates, [2]string{name, ""})
	}
	return candidates
}

func (a *app) importPeers(c *cli.Context) error {
	args, err := arguments(c, 1, 1, "the name of a version manager, or all")
	if err != nil {
		return err
	}
	names := args
	if args[0] == "all" {
		names = nil
	} else if !slices.Contains(peerNames(), args[0]) {
		return diag.New(diag.Usage, "vmgo cannot import from "+args[0]+": it knows "+strings.Join(peerNames(), ", "), "vmgo import all --dry-run")
	}
	machine := peers.Machine{Host: a.host, Home: a.layout.Home, Modcache: a.modcache()}
	machine.Root = "/" // paths of the user, not of the machine
	trees, defaults := peers.Find(machine, names...)
	remnants, unproved := peers.Remnants(machine, a.host.Dir), a.unproved()
	if !c.Bool("json") && len(trees) == 0 && len(defaults) == 0 && len(remnants) == 0 && len(unproved) == 0 {
		a.sayf("found nothing to import")
		return nil
	}
	a.warnUnproved()
	if c.Bool("dry-run") {
		err = a.importPlan(c.Bool("json"), trees)
	} else {
		err = a.importTrees(c, trees)
	}
	if stopped := c.Context.Err(); stopped != nil { // perhaps between two releases
		return cmp.Or(err, stopped)
	}
	a.importDefault(defaults, c.Bool("dry-run"))
	for _, remnant := range remnants {
		a.sayf("%s %s", remnant.Path, remnant.Advice)
	}
	a.sayf("start-up files may have lines that are no longer needed: vmgo doctor --fix --only toolchain.leftovers,toolchain.goroot")
	return err
}

// importLine is a tree as `--dry-run --json` prints it.
type importLine struct {
	From      string `json:"from"`
	Version   string `json:"version"`
	GOROOT    string `json:"goroot"`
	Installed bool   `json:"installed"`
}

func (a *app) importPlan(asJSON bool, trees []peers.Tree) error {
	lines := []importLine{}
	var table ui.Table
	for _, t := range trees {
		line := importLine{t.Peer, t.Version.String(), t.GOROOT, a.has(t.Version)}
		lines = append(lines, line)
		action := "import"
		if line.Installed {
			action = "already installed"
		}
		table.Add(line.Version, line.From, line.GOROOT, action)
	}
	if asJSON {
		return ui.JSON(a.host.Stdout, lines)
	}
	return table.Write(a.host.Stdout)
}

func (a *app) has(v gover.Version) bool {
	_, found, err := installed.Find(a.stores(), v)
	return found && err == nil
}

// importTrees adopts each release once: of a version that several peers have,
// the first tree that is sound.
func (a *app) importTrees(c *cli.Context, trees []peers.Tree) error {
	report := a.newReport(c.Bool("json"))
	defer report.close()
	failures := map[gover.Version]error{}
	var order []gover.Version
	for _, t := range trees {
		if c.Context.Err() != nil {
			break
		}
		if a.has(t.Version) {
			delete(failures, t.Version)
			continue
		}
		if !slices.Contains(order, t.Version) {
			order = append(order, t.Version)
		}
		failures[t.Version] = nil
		if _, err := a.adopt(c, t.GOROOT, report); err != nil {
			failures[t.Version] = err
		}
	}
	var errs []error
	for _, v := range order {
		errs = append(errs, failures[v])
	}
	return report.verdict(errs)
}

// importDefault makes the first default of a peer the user's, if there is none.
func (a *app) importDefault(defaults []peers.Default, dry bool) {
	file := a.layout.UserDefault()
	if file == "" || len(defaults) == 0 {
		return
	}
	if pin, err := project.ReadPin(file, project.UserDefault); err != nil || !pin.IsZero() {
		return
	}
	d := defaults[0]
	if dry {
		a.sayf("your default would be %s, as in %s", d.Selector, d.Path)
		return
	}
	if err := a.setUserDefault(d.Selector); err != nil {
		a.warnf("%s has the default %s, which is not imported: %v", d.Path, d.Selector, err)
		return
	}
	a.sayf("your default is %s, as in %s", d.Selector, filepath.Clean(d.Path))
}
