package cmd

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/program"
)

// companionCommand is the command that runs a program beside vmgo. All words after
// its name are that program's own, help and flags included.
func (a *app) companionCommand(p program.Program) *cli.Command {
	category := projectCategory
	if p.Machines {
		category = machineCategory
	}
	named := slices.DeleteFunc(p.Commands, func(command [2]string) bool { return command[0] == "" })
	return a.declare(needs{complete: func(*cli.Context) [][2]string { return named }}, &cli.Command{
		Name:            p.Name,
		Usage:           p.About,
		Category:        category,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return a.runCompanion(p, c.Args().Slice()) },
	})
}

// runCompanion replaces this process with a program that is in the directory of
// vmgo, links resolved. It returns only if that fails.
func (a *app) runCompanion(p program.Program, args []string) error {
	path := filepath.Join(filepath.Dir(a.host.Executable), p.Executable())
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return a.companionMissing(p)
	}
	if a.host.UID == 0 {
		unsafe, err := unsafeForRoot(path, false)
		if err != nil {
			return err
		}
		if unsafe != nil {
			return diag.New(diag.CannotStart, "root would run a program that others can change: "+unsafe.Reason, unsafe.Fix)
		}
	}
	err := a.host.Exec(path, append([]string{path}, args...), environ.Env(a.host.Env).Pairs())
	return diag.Wrap(diag.CannotStart, err, "cannot start "+path)
}

// companionMissing names a program that is not beside vmgo and how to get it.
func (a *app) companionMissing(p program.Program) error {
	dir := filepath.Dir(a.host.Executable)
	hint := "git clone https://github.com/vmgo/vmgo && cd vmgo && "
	if filepath.Base(dir) == "bin" {
		hint += "./install.sh --all --prefix " + diag.Word(filepath.Dir(dir))
	} else {
		hint += "go build -o " + diag.Word(dir) + " ./cmd/" + p.Executable()
	}
	return diag.New(diag.CommandNotFound, p.Spoken()+" needs the program "+p.Executable()+", which is not in "+dir, hint)
}
