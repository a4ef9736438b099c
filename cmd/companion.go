package cmd

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
)

// companion is a command that another program, vmgo-NAME, carries out, because its
// libraries would make every start of vmgo slower.
type companion struct {
	name, usage, category string
	commands              []string // for completion
}

// companions lists the programs that are installed beside vmgo.
func companions() []companion {
	return []companion{
		{"proxy", "serve a caching module proxy, check one, print the settings for its clients", projectCategory, []string{"serve", "check", "env", "unit"}},
		{"deploy", "deploy a Go program to hosts over SSH, with health checks and rollback", projectCategory,
			[]string{"init", "build", "verify", "trust", "plan", "apply", "rollback", "status", "history", "logs", "exec", "remove"}},
		{"fleet", "report how many hosts are doing, over SSH; write cloud-init data", machineCategory, []string{"status", "cloud-init"}},
		{"observe", "record what a running Go program does, in one report", projectCategory, []string{"diff", "init"}},
	}
}

// companionCommand is the command that runs a companion. All words after its
// name are the companion's own, help and flags included.
func (a *app) companionCommand(p companion) *cli.Command {
	return a.declare(needs{complete: words(p.commands...)}, &cli.Command{
		Name:            p.name,
		Usage:           p.usage,
		Category:        p.category,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return a.runCompanion("vmgo-"+p.name, c.Args().Slice()) },
	})
}

// runCompanion replaces this process with the program of that name, which is
// in the directory of vmgo, links resolved. It returns only if that fails.
func (a *app) runCompanion(program string, args []string) error {
	path := filepath.Join(filepath.Dir(a.host.Executable), program)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return a.companionMissing(program)
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
func (a *app) companionMissing(program string) error {
	dir := filepath.Dir(a.host.Executable)
	hint := "git clone https://github.com/vmgo/vmgo && cd vmgo && "
	if filepath.Base(dir) == "bin" {
		hint += "./install.sh --all --prefix " + diag.Word(filepath.Dir(dir))
	} else {
		hint += "go build -o " + diag.Word(dir) + " ./cmd/" + program
	}
	return diag.New(diag.CommandNotFound, "vmgo "+strings.TrimPrefix(program, "vmgo-")+" needs the program "+program+", which is not in "+dir, hint)
}
