package cmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/shell"
)

func (a *app) hookCommand() *cli.Command {
	return a.declare(needs{settings: true, complete: words(shell.Names()...)}, &cli.Command{
		Name:        "hook",
		Usage:       "print the hook for a shell's start-up file",
		UsageText:   "vmgo hook SHELL",
		ArgsUsage:   "SHELL",
		Description: a.hookLines(),
		Category:    shellCategory,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, "a SHELL: "+oneOf(shell.Names()))
			if err != nil {
				return err
			}
			s, err := shell.Lookup(args[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.host.Stdout, s.Hook(a.programs()))
			if a.host.StdoutTTY {
				a.sayf("this is a script for the shell; to load it in every %s, add this line to %s:", s.Name(), s.About().StartupFile)
				a.sayf("    %s", a.hookLine(s.Name()))
			}
			return err
		},
	})
}

// hookLine returns the line for a start-up file that loads the hook of this program.
func (a *app) hookLine(name string) string { return shell.Line(name, a.ownPath()) }

// hookLines returns, for each shell, that line and the file that it belongs to.
func (a *app) hookLines() string {
	var lines []string
	for _, name := range shell.Names() {
		lines = append(lines, fmt.Sprintf("%-8s %s   # in %s", name+":", a.hookLine(name), shell.StartupFile(name)))
	}
	return strings.Join(lines, "\n")
}

// programs returns the absolute paths of this program and the lean one; where the
// lean one is missing, this one replaces it.
func (a *app) programs() shell.Programs {
	vmgo := a.ownPath()
	lean := filepath.Join(filepath.Dir(vmgo), "vmgo-shim")
	if info, err := os.Stat(lean); err != nil || info.Mode()&0o111 == 0 {
		lean = ""
	}
	return shell.Programs{Vmgo: vmgo, Shim: lean}
}

// findOwnPath returns the path by which this program was found, links kept: a
// link that a package manager moves to the next version stays right.
func findOwnPath(h host.Host) string {
	name := h.Args[0]
	if filepath.Base(name) == name {
		found, ok := lookpath.Exec(h.Env["PATH"], name)
		if !ok {
			return h.Executable
		}
		name = found
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(h.Dir, name)
	}
	return filepath.Clean(name)
}

func (a *app) shellCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, complete: a.installedCandidates}, &cli.Command{
		Name:      "shell",
		Usage:     "use a release in this shell only (needs the hook)",
		UsageText: "vmgo shell SELECTOR | --unset",
		ArgsUsage: "SELECTOR",
		Category:  shellCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "unset", Usage: "return to the release that the directory requests"},
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
				return diag.New(diag.Usage, "vmgo shell changes the calling shell, so it works only where the hook is loaded",
					"vmgo help hook   # has the lines for "+strings.Join(shell.Names(), ", "))
			}
			s, err := shell.Lookup(c.String("emit"))
			if err != nil && c.String("emit") != "json" { // for hooks that get data
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
			if s == nil {
				version := map[string]*string{change.Name: nil}
				if change.Value.Set {
					version[change.Name] = &change.Value.Text
				}
				return ui.JSON(a.host.Stdout, version)
			}
			_, err = io.WriteString(a.host.Stdout, s.Export([]environ.Change{change}))
			return err
		},
	})
}
