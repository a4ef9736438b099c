package cmd

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/sshsig"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/packaging"
)

// testKey is the fingerprint of the key with which tests sign made-up releases.
// Everybody can sign with it, so a program that accepts it must not update itself.
const testKey = "SHA256:KfsDm/edALVJkZnIfV87nw6CwxkQC2fDRVme5qptxpw"

// selfCommand manages vmgo's own releases. The work is done by the install.sh
// that each release has: one program verifies, whether vmgo is there or not yet.
func (a *app) selfCommand() *cli.Command {
	return a.declare(needs{store: true}, &cli.Command{
		Name:      "self",
		Usage:     "update vmgo itself, return to the previous release, or remove it",
		UsageText: "vmgo self status|update|rollback|uninstall",
		Category:  aboutCategory,
		Subcommands: []*cli.Command{
			{
				Name: "status", Usage: "print the release of vmgo, and the other releases that are kept",
				UsageText: "vmgo self status [--json]", Flags: []cli.Flag{jsonFlag()},
				Action: a.selfStatus,
			},
			{
				Name: "update", Usage: "install a release of vmgo after verifying its signature and checksum",
				UsageText: "vmgo self update [--check] [--version V] [--base-url URL | --from FILE|DIR | --source LIST]",
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "check", Usage: "only print the version that would be installed"},
					&cli.StringFlag{Name: "version", Usage: "the release `V` (default: the latest)"},
					&cli.StringFlag{Name: "base-url", Usage: "a mirror `URL` of the releases"},
					&cli.StringFlag{Name: "from", Usage: "a release on this machine, `FILE` or directory"},
					&cli.StringFlag{Name: "source", Value: "release,goproxy", Usage: "`LIST`: release (signed), goproxy (the module, built here), or both in order"},
				},
				Action: a.selfUpdate,
			},
			{
				Name: "rollback", Usage: "return to the previous release of vmgo",
				UsageText: "vmgo self rollback",
				Action:    func(c *cli.Context) error { return a.selfScript(c, "--rollback") },
			},
			{
				Name: "uninstall", Usage: "remove vmgo, its shims and its lines in rc files; Go releases stay",
				UsageText: "vmgo self uninstall [--purge] [--dry-run]",
				Flags: []cli.Flag{
					&cli.BoolFlag{Name: "purge", Usage: "remove the Go releases, settings and caches, too"},
					&cli.BoolFlag{Name: "dry-run", Usage: "only print what would be removed"},
				},
				Action: func(c *cli.Context) error {
					words := []string{uninstalling}
					for _, name := range []string{"purge", "dry-run"} {
						if c.Bool(name) {
							words = append(words, "--"+name)
						}
					}
					return a.selfScript(c, words...)
				},
			},
		},
	})
}

// selfUpdate runs the install.sh of the running release, unless this program
// accepts the key of the tests.
func (a *app) selfUpdate(c *cli.Context) error {
	keys, err := releaseKeys()
	if err != nil {
		return err
	}
	if slices.Contains(keys, testKey) {
		return diag.New(diag.Failure, "this vmgo accepts releases that are signed with the key of its tests, which everybody has", "git clone https://github.com/vmgo/vmgo && cd vmgo && ./install.sh")
	}
	return a.selfScript(c, append([]string{"--programs-only"}, updateWords(c)...)...)
}

// releaseKeys returns the fingerprints of the keys that may sign a release, the
// current one first.
func releaseKeys() ([]string, error) {
	signers, err := sshsig.ParseSigners(packaging.ReleaseKeys())
	if err != nil {
		return nil, diag.Wrap(diag.Failure, err, "the release keys of this vmgo cannot be read")
	}
	keys := make([]string, len(signers))
	for i, signer := range signers {
		keys[i] = sshsig.Fingerprint(signer.Key)
	}
	return keys, nil
}

// updateWords returns the options of install.sh that say which release. One of
// them is always there, so that no checkout around us counts.
func updateWords(c *cli.Context) []string {
	words := []string{"--release"}
	if c.Bool("check") {
		words = append(words, "--check")
	}
	if !c.IsSet("base-url") && !c.IsSet("from") {
		words = append(words, "--source", c.String("source"))
	}
	for _, name := range []string{"version", "base-url", "from"} {
		if c.IsSet(name) {
			words = append(words, "--"+name, c.String(name))
		}
	}
	return words
}

// ownRelease is the place where install.sh has put the running release of vmgo.
type ownRelease struct {
	prefix string
	dir    string // with the release's bin and share
}

// ownRelease reports whether install.sh installed this program from a release, and where.
func (a *app) ownRelease() (own ownRelease, found bool) {
	dir := filepath.Dir(filepath.Dir(a.host.Executable)) // PREFIX/lib/vmgo/0.1.0
	lib := filepath.Dir(dir)
	if _, err := os.Lstat(filepath.Join(lib, "current")); err != nil || !strings.HasSuffix(lib, "/lib/vmgo") {
		return ownRelease{}, false
	}
	return ownRelease{prefix: filepath.Dir(filepath.Dir(lib)), dir: dir}, true
}

// managed returns the place of this program for a command, the first word of
// install.sh: of a release for all of them, of a checkout for --uninstall. The error
// names the command that does it instead.
func (a *app) managed(command string) (ownRelease, error) {
	if own, found := a.ownRelease(); found {
		return own, nil
	}
	prefix := filepath.Dir(filepath.Dir(a.host.Executable))
	built := ownRelease{prefix: prefix, dir: filepath.Join(prefix, "lib/vmgo")}
	packaged := prefix == "/usr"
	if _, err := os.Stat(built.script()); command == uninstalling && !packaged && err == nil {
		return built, nil
	}
	hint := "git pull && ./install.sh   # in the checkout that it was built from"
	switch {
	case packaged:
		hint = a.packageCommand(command)
	case command == uninstalling:
		hint = "rm " + diag.Word(a.host.Executable)
	}
	return ownRelease{}, diag.New(diag.Failure, a.host.Executable+" was not installed from a release by install.sh", hint)
}

func (o ownRelease) script() string { return filepath.Join(o.dir, "share/vmgo/install.sh") }

// uninstalling is the option of install.sh that removes vmgo.
const uninstalling = "--uninstall"

// packageCommand returns the command that updates or removes a package of this machine.
func (a *app) packageCommand(command string) string {
	_, err := os.Stat(filepath.Join(a.host.Root, "var/lib/dpkg/status"))
	debian := err == nil
	switch {
	case debian && command == uninstalling:
		return "sudo apt-get purge vmgo"
	case debian:
		return "sudo apt-get install ./vmgo_VERSION-1_ARCH.deb"
	case command == uninstalling:
		return "sudo dnf remove vmgo"
	}
	return "sudo dnf install ./vmgo-VERSION-1.ARCH.rpm"
}

// selfScript replaces this process with the install.sh of the running release.
func (a *app) selfScript(c *cli.Context, words ...string) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	own, err := a.managed(words[0])
	if err != nil {
		return err
	}
	script := own.script()
	if _, err := os.Stat(script); err != nil {
		return diag.New(diag.Failure, script+" is missing", "git clone https://github.com/vmgo/vmgo && cd vmgo && ./install.sh --uninstall && ./install.sh")
	}
	if a.host.UID == 0 {
		unsafe, err := unsafeForRoot(script, false)
		if err != nil {
			return err
		}
		if unsafe != nil {
			return diag.New(diag.CannotStart, "root would run a program that others can change: "+unsafe.Reason, unsafe.Fix)
		}
	}
	argv := append([]string{"sh", script, "--prefix", own.prefix}, words...)
	env := environ.Env(maps.Clone(a.host.Env))
	settings := a.goSettings()
	env["GOPROXY"], env["GOSUMDB"] = settings.GOPROXY().Value, settings.Get("GOSUMDB").Value
	if a.settings.Root != "" {
		env["VMGO_ROOT"] = a.settings.Root
	}
	err = a.host.Exec("/bin/sh", argv, env.Pairs())
	return diag.Wrap(diag.CannotStart, err, "cannot start "+script)
}

// selfJSON is the document of "self status --json".
type selfJSON struct {
	Version    string   `json:"version"`
	Executable string   `json:"executable"`
	Managed    bool     `json:"managed"`
	Previous   string   `json:"previous"`
	Keys       []string `json:"keys"`
}

func (a *app) selfStatus(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	status := selfJSON{Version: currentBuild().version, Executable: a.host.Executable}
	if own, found := a.ownRelease(); found {
		status.Managed = true
		if previous, err := os.Readlink(filepath.Join(own.dir, "previous")); err == nil {
			status.Previous = filepath.Base(previous)
		}
	}
	var err error
	if status.Keys, err = releaseKeys(); err != nil {
		return err
	}
	if c.Bool("json") {
		return ui.JSON(a.host.Stdout, status)
	}
	if err := a.outln("vmgo " + status.Version + " in " + status.Executable); err != nil {
		return err
	}
	switch {
	case !status.Managed:
		return a.outln("not installed from a release: vmgo self update does not apply")
	case status.Previous != "":
		return a.outln(fmt.Sprintf("vmgo self rollback returns to %s", status.Previous))
	}
	return a.outln("no release before this one is kept")
}
