package cmd

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/vulndb"
)

func (a *app) bundleCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "bundle",
		Usage:     "pack releases, modules and their proofs into one file for machines without a network",
		UsageText: "vmgo bundle create|inspect|verify|install|serve FILE",
		Description: `A bundle has Go releases, the modules of projects and tools, and the records of the checksum database, so that
GOSUMDB stays on at the other side. See docs/closed-networks.md.`,
		Category: machineCategory,
		Subcommands: []*cli.Command{
			a.bundleCreateCommand(),
			{Name: "inspect", Usage: "print what a bundle has", UsageText: "vmgo bundle inspect FILE [--json]",
				Flags: []cli.Flag{jsonFlag()}, Action: a.bundleInspect},
			{Name: "verify", Usage: "check every file of a bundle against the checksum database's records in it",
				UsageText: "vmgo bundle verify FILE [--signers FILE]", Flags: []cli.Flag{signersFlag(), treeFlag()}, Action: a.bundleVerify},
			a.bundleInstallCommand(),
			{Name: "serve", Usage: "verify a bundle and serve it as a GOPROXY to other machines", SkipFlagParsing: true,
				UsageText: "vmgo bundle serve FILE [FLAG OF vmgo proxy serve...]", Action: a.bundleServe},
		},
	})
}

func (a *app) bundleCreateCommand() *cli.Command {
	return &cli.Command{
		Name: "create", Usage: "make a bundle", UsageText: "vmgo bundle create [FLAG...] FILE",
		Description: `Without --go, --project, --tools and --module: the project of this directory and the release that is selected in it.
An interrupted create goes on where it stopped. The project's own go.mod and go.sum stay as they are.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "go", Usage: "releases: `SELECTOR,...`, or none (default: those that the projects select)"},
			&cli.StringFlag{Name: "platform", Usage: "for `OS/ARCH,...` (default: this machine's)"},
			&cli.StringFlag{Name: "project", Usage: "the modules of the projects in `DIR,...`"},
			&cli.StringFlag{Name: "tools", Usage: "the modules of the tools `NAME[@VERSION],...`, as for vmgo tools install"},
			&cli.StringFlag{Name: "module", Usage: "further modules: `PATH@VERSION,...`"},
			&cli.BoolFlag{Name: "vulndb", Usage: "the vulnerability database, the module " + vulndb.ModulePath},
			&cli.BoolFlag{Name: "programs", Usage: "vmgo itself and the programs beside it"},
			&cli.BoolFlag{Name: "all", Usage: "all modules of the graph (default: those that go.mod lists)"},
			&cli.StringFlag{Name: "without", Usage: "leave out the modules that match `PATTERN,...`, as in GOPRIVATE"},
			&cli.StringFlag{Name: "base", Usage: "leave out what the bundle `FILE` has"},
			headFlag(),
			&cli.StringFlag{Name: "sign", Usage: "have ssh-keygen sign it with the key `FILE`"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only print how large it would be"},
		},
		Action: a.bundleCreate,
	}
}

func signersFlag() cli.Flag {
	return &cli.StringFlag{Name: "signers", Usage: "demand a signature by one of the allowed signers in `FILE` (ssh-keygen(1))"}
}

func treeFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", Usage: "the `DIR` of the modules (default: beneath the user's data; with --system, /var/lib/vmgo/modules)"}
}

func headFlag() cli.Flag {
	return &cli.StringFlag{Name: "head", Usage: "for machines that have seen these tree heads of the checksum database elsewhere: `FILE,...`"}
}

// commas returns the elements of a flag's list.
func commas(c *cli.Context, name string) []string {
	var list []string
	for item := range strings.SplitSeq(c.String(name), ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// openBundle opens the bundle that is the one argument, and checks its signature
// where --signers demands one.
func (a *app) openBundle(c *cli.Context) (*bundle.Bundle, error) {
	args, err := arguments(c, 1, 1, "FILE")
	if err != nil {
		return nil, err
	}
	end := a.showing("reading " + args[0])
	b, err := bundle.Open(a.host.Abs(args[0]))
	end()
	if err != nil {
		return nil, err
	}
	if err := a.signed(c, b); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// bundleSummary is a bundle in the form of --json.
type bundleSummary struct {
	Releases   []bundle.Release `json:"releases"`
	Projects   []string         `json:"projects"`
	Modules    int              `json:"modules"`
	Tools      []bundle.Tool    `json:"tools"`
	Programs   []string         `json:"programs"`
	Database   string           `json:"database"`
	LogRecords int              `json:"log_records"`
	Bytes      int64            `json:"bytes"`
	Delta      bool             `json:"delta"`
	SignedBy   string           `json:"signed_by"`
}

func (a *app) bundleInspect(c *cli.Context) error {
	b, err := a.openBundle(c)
	if err != nil {
		return err
	}
	defer b.Close()
	m := b.Manifest
	s := bundleSummary{Releases: m.Releases, Projects: m.Projects, Tools: m.Tools, Programs: m.Programs, Database: m.Database,
		Bytes: b.Size, Delta: m.Base != "", SignedBy: b.SignedBy()}
	for _, module := range m.Modules {
		if module.Zip {
			s.Modules++
		}
		if !module.Private {
			s.LogRecords++
		}
	}
	if c.Bool("json") {
		return ui.JSON(a.host.Stdout, s)
	}
	return a.outBundle(s)
}

func (a *app) outBundle(s bundleSummary) error {
	var table ui.Table
	releases, tools := []string{}, []string{}
	for _, r := range s.Releases {
		releases = append(releases, r.Version+" ("+r.Platform+")")
	}
	for _, t := range s.Tools {
		tools = append(tools, t.Name+" "+t.Version)
	}
	for _, row := range [][2]string{
		{"releases", strings.Join(releases, ", ")}, {"projects", strings.Join(s.Projects, ", ")}, {"tools", strings.Join(tools, ", ")},
		{"modules", ui.Count(s.Modules, "module")}, {"programs", strings.Join(s.Programs, ", ")},
		{"records", ui.Count(s.LogRecords, "record") + " of " + s.Database}, {"size", ui.Bytes(s.Bytes)}, {"signed by", s.SignedBy},
	} {
		if row[1] != "" {
			table.Add(row[0], row[1])
		}
	}
	if s.Delta {
		table.Add("delta", "needs the bundle that it is the difference to")
	}
	return table.Write(a.host.Stdout)
}

// bundleVerifier gathers what a bundle is compared with.
func (a *app) bundleVerifier(tree string) (bundle.Verifier, error) {
	settings := a.goSettings()
	v := bundle.Verifier{
		GOSUMDB: settings.Get("GOSUMDB").Value, StateDir: a.layout.State, Tree: tree, Private: a.private(settings),
		Warn: func(text string) { a.warnf("%s", text) },
	}
	if v.StateDir == "" {
		return v, diag.New(diag.Failure, "there is no place to remember the checksum database's history, as HOME is not set", homeHint)
	}
	return v, nil
}

func (a *app) bundleVerify(c *cli.Context) error {
	b, err := a.openBundle(c)
	if err != nil {
		return err
	}
	defer b.Close()
	tree := a.bundleTree(c)
	if _, err := bundle.Installed(tree); err != nil {
		tree = ""
	}
	v, err := a.bundleVerifier(tree)
	if err != nil {
		return err
	}
	if log, err := a.log(a.client()); err == nil {
		v.Online = log.Tile
	}
	end := a.showing("verifying " + b.Name)
	err = b.Verify(c.Context, v)
	end()
	if err == nil {
		a.sayf("%s: %s verified against %s", b.Name, ui.Count(len(b.Manifest.Modules), "module"), b.Manifest.Database)
	}
	return err
}

// signed checks the signature of a bundle where --signers demands one.
func (a *app) signed(c *cli.Context, b *bundle.Bundle) error {
	if c.String("signers") == "" {
		return nil
	}
	who, err := b.VerifySignature(a.host.Abs(c.String("signers")), a.host.Now())
	if err == nil {
		a.sayf("%s: signed by %s", b.Name, who)
	}
	return err
}

// bundleTree is the directory of the modules of bundles.
func (a *app) bundleTree(c *cli.Context) string {
	switch {
	case c.String("dir") != "":
		return a.host.Abs(c.String("dir"))
	case c.Bool("system"):
		return filepath.Join(a.host.Root, "var/lib/vmgo/modules")
	}
	return filepath.Join(a.layout.Data, "modules")
}

// bundleServe unpacks a bundle and has vmgo-proxy serve it.
func (a *app) bundleServe(c *cli.Context) error {
	words := c.Args().Slice()
	if len(words) > 0 && isHelp(words[0]) {
		return cli.ShowSubcommandHelp(c)
	}
	if len(words) == 0 || strings.HasPrefix(words[0], "-") {
		return diag.New(diag.Usage, "vmgo bundle serve takes the file first", "vmgo bundle serve FILE --listen :8080")
	}
	if err := a.give(needs{settings: true, store: true, network: true}); err != nil {
		return err
	}
	b, err := bundle.Open(a.host.Abs(words[0]))
	if err != nil {
		return err
	}
	defer b.Close()
	v, err := a.bundleVerifier("")
	if err != nil {
		return err
	}
	dir := filepath.Join(a.layout.Cache, "bundle", "serve", b.Digest[:16])
	if _, err := b.Install(c.Context, dir, v, a.locking("vmgo bundle")); err != nil {
		return err
	}
	return a.runCompanion(program.Proxy(), slices.Concat([]string{"serve", "--offline", "--dir", dir}, words[1:]))
}
