package cmd

import (
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/shims"
)

func (a *app) shimsCommand() *cli.Command {
	return a.declare(needs{settings: true}, &cli.Command{
		Name:      "shims",
		Usage:     "make or refresh the shims, for editors, cron, systemd and other sessions without the hook",
		UsageText: "vmgo shims [--dir DIR] [--remove]",
		Description: `A shim is a link named go or gofmt. Each call selects the release by its working directory.
The links go to /usr/local/bin for root and to ~/.local/bin for others, unless --dir names another directory.
Not every kind of session searches ~/.local/bin: vmgo shims lists those that do not, and what to do.`,
		Category: shellCategory,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "the directory `DIR` for the links"},
			&cli.BoolFlag{Name: "remove", Usage: "remove the links, and those on PATH whose target is gone"},
		},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			dir := shims.DefaultDir(a.layout, a.host.Root, a.host.UID)
			if c.IsSet("dir") {
				dir = c.String("dir")
			}
			dir = a.host.Abs(dir)
			if c.Bool("remove") {
				return a.removeShims(dir)
			}
			return a.makeShims(dir)
		},
	})
}

// refreshShims makes the links in dir, and returns dir.
func (a *app) refreshShims(dir string) (string, error) {
	programs := a.programs()
	target := programs.Shim
	if target == "" {
		target = programs.Vmgo
	}
	if a.host.UID == 0 {
		everybody := a.host.Root == "/" && fsx.OpenToAll(dir, fsx.Look) // a made-up machine has no other users
		if err := rootMayRun(target, everybody); err != nil {
			return "", err
		}
		if err := rootMayLink(dir); err != nil {
			return "", err
		}
	}
	return dir, shims.Refresh(dir, target)
}

func (a *app) makeShims(dir string) error {
	if _, err := a.refreshShims(dir); err != nil {
		return err
	}
	if !slices.Contains(filepath.SplitList(a.host.Env["PATH"]), dir) {
		a.warnf("%s is not on PATH", dir)
	}
	for _, line := range unservedSessions(dir, filepath.Join(a.host.Root, "usr/local/bin")) {
		a.sayf("%s", line)
	}
	return a.outln(dir)
}

// rootMayRun returns an error unless only root can change a program: as a shim
// it runs as any user who calls go, root included. everybody means that all
// users will call it.
func rootMayRun(program string, everybody bool) error {
	unsafe, err := unsafeForRoot(program, everybody)
	if err != nil || unsafe == nil {
		return err
	}
	return diag.New(diag.Failure, "with a shim, all users and root would run a program that others can change: "+unsafe.Reason,
		"git clone https://github.com/vmgo/vmgo && cd vmgo && ./install.sh --prefix /usr/local && /usr/local/bin/vmgo shims", unsafe.Fix)
}

// rootMayLink returns an error unless only root can change what is in a
// directory of shims. That keeps root's links out of homes, too.
func rootMayLink(dir string) error {
	way, missing, err := fsx.Chain(dir, fsx.Look)
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot tell who may write in "+dir)
	}
	unsafe := facts.Owners(host.Host{Root: "/"}, 0).Judge(way, len(missing) > 0)
	if len(unsafe) == 0 {
		return nil
	}
	return diag.New(diag.Failure, "others could replace the shims of root in "+dir+": "+unsafe[0].Reason,
		"vmgo shims --dir /usr/local/bin   # or as the user who owns "+dir, unsafe[0].Fix)
}

// unsafeForRoot returns who besides root can change a program, nil if nobody;
// with everybody set, also why another user could not run it.
func unsafeForRoot(program string, everybody bool) (*fsx.UnsafeError, error) {
	unsafe, err := facts.Owners(host.Host{Root: "/"}, 0).Program(program, everybody, fsx.Look)
	if err != nil {
		return nil, diag.Wrap(diag.Failure, err, "cannot tell who may change "+program)
	}
	if len(unsafe) == 0 {
		return nil, nil
	}
	return unsafe[0], nil
}

// unservedSessions returns which kinds of session do not search a directory of
// shims, and what to do, one line each. The kinds were tried with sshd, sudo,
// cron and su on Debian.
func unservedSessions(dir, system string) []string {
	path := dir + ":/usr/local/bin:/usr/bin:/bin"
	if dir == system {
		return []string{
			"crontabs of users and files in /etc/cron.d do not search " + dir + ", and on EL 8 and 9 neither does sudo:",
			"  cron: a line PATH=" + dir + ":/usr/bin:/bin at the top of crontab -e, or of the file",
			"  sudo: vmgo harden plan --only sudo-path",
		}
	}
	export := `export PATH=` + diag.Word(dir) + `:"$PATH"`
	return []string{
		"these sessions do not search " + dir + ": ssh HOST COMMAND, cron, systemd units, sudo, and logins whose shell is zsh, fish or tcsh:",
		"  ssh, bash: " + export + " as the first line of ~/.bashrc, above the test for an interactive shell",
		"  ssh and logins, zsh: " + export + " in ~/.zshenv",
		"  logins, fish: fish_add_path " + diag.Word(dir),
		"  ssh and logins, tcsh: set path = ( " + diag.Word(dir) + " $path ) in ~/.cshrc",
		"  cron: a line PATH=" + path + " at the top of crontab -e",
		"  systemd: Environment=PATH=" + path + " in the unit",
		"  all but crontabs, as root: ./install.sh --prefix /usr/local && /usr/local/bin/vmgo shims",
	}
}

// removeShims removes the links in dir, and on PATH those that lead nowhere.
func (a *app) removeShims(dir string) error {
	removed, err := shims.Remove(dir)
	for _, path := range removed {
		a.sayf("removed %s", path)
	}
	if err != nil {
		return err
	}
	for _, path := range a.danglingShims() {
		if err := shims.RemoveDangling(path); err != nil {
			a.warnf("%s has no target and is kept: %v", path, err)
			continue
		}
		a.sayf("removed %s, whose target is gone", path)
	}
	return nil
}

// danglingShims lists our links without a target, in the usual directory and on
// PATH.
func (a *app) danglingShims() []string {
	places := append([]string{shims.DefaultDir(a.layout, a.host.Root, a.host.UID)}, filepath.SplitList(a.host.Env["PATH"])...)
	return shims.Dangling(places)
}
