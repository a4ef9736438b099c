package cmd

import (
	"errors"
	"fmt"
	"maps"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
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
		Description: `Everything is verified before anything is visible. Prints the two settings to use; --system writes them to
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
	_, err = b.Install(c.Context, dir, v, a.bundleLock())
	end()
	if err != nil {
		return err
	}
	a.sayf("%s verified and installed in %s", ui.Count(len(b.Manifest.Modules), "module"), dir)
	for _, program := range b.Manifest.Programs {
		a.sayf("%s/%s is one of vmgo's own programs", dir, program)
	}
	if err := a.bundleSettings(c, dir); err != nil {
		return err
	}
	if c.Bool("no-releases") {
		return nil
	}
	return a.installFromBundle(c, b.Manifest.Releases, dir)
}

// bundleSettings prints the two settings by which a go command uses the tree.
func (a *app) bundleSettings(c *cli.Context, dir string) error {
	url := release.FileURL(dir)
	if c.Bool("system") {
		file := a.layout.SystemSettings()
		_, err := edit.Set(file, "GOPROXY", url)
		_, other := edit.Set(file, "VMGO_GOTOOLCHAIN", "local")
		if err := errors.Join(err, other); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write the settings of the machine", "sudo vmgo bundle install --system FILE")
		}
		a.sayf("%s has GOPROXY and VMGO_GOTOOLCHAIN for the hook and the shims", file)
	}
	// A go command with a single file:// proxy does not check the toolchains that
	// it switches to, so that it must not switch by itself.
	_, err := fmt.Fprintf(a.host.Stdout, "export GOPROXY=%s\nexport GOTOOLCHAIN=local\n", diag.Word(url))
	return err
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
