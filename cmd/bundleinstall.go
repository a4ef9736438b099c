package cmd

import (
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/settings/edit"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) bundleInstallCommand() *cli.Command {
	return &cli.Command{
		Name: "install", Usage: "verify a bundle, install its releases, and put its modules where go finds them",
		UsageText: "vmgo bundle install FILE [--dir DIR] [--system] [--signers FILE]",
		Description: `Everything is verified before anything is visible. Prints the settings to use; --system writes them to
/etc/vmgo/env, from where hook and shims give them to go.`,
		Flags: append([]cli.Flag{
			treeFlag(), signersFlag(),
			&cli.BoolFlag{Name: "system", Usage: "for all users of this machine"},
			&cli.BoolFlag{Name: "no-releases", Usage: "the modules only"},
		}, installFlags()...),
		Action: a.bundleInstall,
	}
}

func (a *app) bundleInstall(c *cli.Context) error {
	b, err := a.openBundle(c)
	if err != nil {
		return err
	}
	defer b.Close()
	dir := a.bundleTree(c)
	v, err := a.bundleVerifier("")
	if err != nil {
		return err
	}
	end := a.showing("verifying " + b.Name)
	installed, err := b.Install(c.Context, dir, v, a.locking("vmgo bundle"))
	end()
	if err != nil {
		return err
	}
	a.sayf("%s verified and installed in %s", ui.Count(len(b.Manifest.Modules), "module"), dir)
	for _, program := range b.Manifest.Programs {
		a.sayf("%s/%s is one of vmgo's own programs", dir, program)
	}
	if err := a.bundleSettings(c, dir, installed); err != nil {
		return err
	}
	if c.Bool("no-releases") {
		return nil
	}
	return a.installFromBundle(c, b.Manifest.Releases, dir)
}

// bundleSettings prints the settings by which a go command uses the tree.
func (a *app) bundleSettings(c *cli.Context, dir string, tree bundle.Manifest) error {
	list := tree.GoSettings(release.FileURL(dir))
	if c.Bool("system") {
		if err := a.setForAll(list); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write the settings of the machine", "sudo vmgo bundle install --system FILE")
		}
	}
	var text strings.Builder
	for _, s := range list {
		fmt.Fprintf(&text, "export %s=%s\n", s.Name, diag.Word(s.Value))
	}
	_, err := io.WriteString(a.host.Stdout, text.String())
	return err
}

// setForAll writes settings of go into the settings file of the machine, from where
// the hook and the shims export them.
func (a *app) setForAll(list []goenv.Setting) error {
	file, names := a.layout.SystemSettings(), make([]string, 0, len(list))
	for _, s := range list {
		if s.Name == "GOTOOLCHAIN" { // the hook sets it by a setting of vmgo
			s.Name = "VMGO_GOTOOLCHAIN"
		}
		if _, err := edit.Set(file, s.Name, s.Value); err != nil {
			return err
		}
		names = append(names, s.Name)
	}
	a.sayf("%s has %s for the hook and the shims", file, strings.Join(names, ", "))
	return nil
}

// installFromBundle installs the releases for this platform from the tree, as from
// any proxy.
func (a *app) installFromBundle(c *cli.Context, releases []bundle.Release, dir string) error {
	var list picks
	for _, r := range releases {
		if v, err := gover.Parse(r.Version); err == nil && r.Platform == a.platform().String() {
			list.add(v)
		}
	}
	if len(list.versions) == 0 {
		return nil
	}
	there := *a
	there.host.Env = maps.Clone(a.host.Env)
	there.host.Env["GOPROXY"] = release.FileURL(dir)
	there.settings.Sources = []string{settings.SourceGoproxy}
	report := there.newReport(false)
	defer report.close()
	return report.verdict(there.installAll(c, list, report))
}
