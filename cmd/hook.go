package cmd

import (
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/shell"
)

func (a *app) hookCommand() *cli.Command {
	return &cli.Command{
		Name:      "hook",
		Usage:     "print the hook for a shell's start-up file",
		UsageText: "vmgo hook SHELL",
		ArgsUsage: "SHELL",
		Description: `bash: eval "$(vmgo hook bash)" in ~/.bashrc
zsh:  eval "$(vmgo hook zsh)" in ~/.zshrc
fish: vmgo hook fish | source in ~/.config/fish/config.fish`,
		Category: shellCategory,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, "a SHELL: bash, zsh or fish")
			if err != nil {
				return err
			}
			s, err := shell.Lookup(args[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.host.Stdout, s.Hook(a.programs()))
			return err
		},
	}
}

// programs are this program and the lean one, by absolute path; where the lean
// one is missing, this one does its work.
func (a *app) programs() shell.Programs {
	vmgo := a.ownPath()
	lean := filepath.Join(filepath.Dir(vmgo), "vmgo-shim")
	if info, err := os.Stat(lean); err != nil || info.Mode()&0o111 == 0 {
		lean = ""
	}
	return shell.Programs{Vmgo: vmgo, Shim: lean}
}

// ownPath is the path by which this program was found, links kept: a link that
// a package manager moves to the next version stays right.
func (a *app) ownPath() string {
	name := a.host.Args[0]
	if filepath.Base(name) == name {
		if found, ok := lookPath(a.host.Env["PATH"], name); ok {
			name = found
		} else {
			return a.host.Executable
		}
	}
	return filepath.Clean(a.absolute(name))
}

func (a *app) shellCommand() *cli.Command {
	return &cli.Command{
		Name:      "shell",
		Usage:     "use a release in this shell only (needs the hook)",
		UsageText: "vmgo shell SELECTOR | --unset",
		ArgsUsage: "SELECTOR",
		Category:  shellCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "unset", Usage: "go back to what the directory asks for"},
			&cli.StringFlag{Name: "emit", Hidden: true},
		},
		Action: func(c *cli.Context) error {
			least := 1
			if c.Bool("unset") {
				least = 0
			}
			args, err := arguments(c, least, least, "a SELECTOR, or --unset")
			if err != nil {
				return err
			}
			if !c.IsSet("emit") {
				return diag.New(diag.Usage, "vmgo shell changes the shell that calls it, and so works through its hook only",
					`eval "$(vmgo hook bash)"   # or zsh`, "vmgo hook fish | source")
			}
			s, err := shell.Lookup(c.String("emit"))
			if err != nil {
				return err
			}
			change := environ.Change{Name: "VMGO_VERSION"}
			if !c.Bool("unset") {
				selector, err := a.atHand(args[0])
				if err != nil {
					return err
				}
				change.Value = environ.Text(selector.Text())
			}
			_, err = io.WriteString(a.host.Stdout, s.Export([]environ.Change{change}))
			return err
		},
	}
}
