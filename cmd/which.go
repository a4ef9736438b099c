package cmd

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/lookpath"
)

func (a *app) whichCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, complete: words("go", "gofmt")}, &cli.Command{
		Name:      "which",
		Usage:     "print the full path of what would run here",
		UsageText: "vmgo which TOOL",
		ArgsUsage: "TOOL",
		Category:  projectCategory,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, "a TOOL, such as go or gofmt")
			if err != nil {
				return err
			}
			situation, err := a.look(here.Question{})
			if err != nil {
				return err
			}
			path, err := a.findTool(situation, args[0])
			if err != nil {
				return err
			}
			return a.outln(path)
		},
	})
}

// findTool returns the path of a tool on the PATH of the resolution: the
// release's own programs, those that the project installed, then the rest.
func (a *app) findTool(s here.Situation, tool string) (string, error) {
	if tool == "" || strings.ContainsRune(tool, '/') {
		return "", diag.New(diag.Usage, "a tool is named without a directory, not "+tool, "vmgo which go")
	}
	if tool == "go" && s.Resolution.System {
		return s.Resolution.SystemGo, nil
	}
	if path, found := lookpath.Exec(s.Inside(a.host.Env, environ.How{Fresh: true})["PATH"], tool); found {
		return path, nil
	}
	return "", diag.New(diag.CommandNotFound, "neither Go "+nameOf(s.Resolution)+" nor PATH has a program "+tool, "vmgo current --explain")
}
