package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/resolve"
)

func (a *app) whichCommand() *cli.Command {
	return &cli.Command{
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
			resolution, err := a.resolve()
			if err != nil {
				return err
			}
			path, err := a.findTool(resolution, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.host.Stdout, path)
			return err
		},
	}
}

// findTool looks where PATH would lead in the environment of the resolution:
// the release's own programs, those that the project installed, then the rest.
func (a *app) findTool(r resolve.Resolution, tool string) (string, error) {
	if tool == "" || strings.ContainsRune(tool, '/') {
		return "", diag.New(diag.Usage, "a tool is named without a directory, not "+tool, "vmgo which go")
	}
	env, err := a.environment(r)
	if err != nil {
		return "", err
	}
	if path, found := lookPath(env["PATH"], tool); found {
		return path, nil
	}
	return "", diag.New(diag.CommandNotFound, "neither Go "+nameOf(r)+" nor PATH has a program "+tool, "go install …/"+tool+"@latest")
}

// lookPath finds an executable file on a PATH that is not the process's own.
func lookPath(path, name string) (string, bool) {
	for _, dir := range filepath.SplitList(path) {
		if dir == "" {
			dir = "."
		}
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, true
		}
	}
	return "", false
}
