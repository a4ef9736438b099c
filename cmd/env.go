package cmd

import (
	"io"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/shell"
)

func (a *app) envCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true}, &cli.Command{
		Name:      "env",
		Usage:     "print what the hook would set here",
		UsageText: "vmgo env [--shell SHELL|--json]",
		Description: `github appends to the files that GITHUB_ENV and GITHUB_PATH name, for the next steps of the job.
dotenv, systemd (EnvironmentFile=) and docker (--env-file) print a file; a variable that the hook would unset is empty in it.`,
		Category: shellCategory,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "shell", Usage: "in the language of `SHELL`: " + oneOf(shell.Names()) + " (default: that of $SHELL, else bash), or for github, dotenv, systemd, docker, json"},
			jsonFlag(),
		},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			situation, err := a.look(here.Question{})
			if err != nil {
				return err
			}
			situation.Prepare()
			for _, note := range situation.Notes {
				a.warnf("%s", note)
			}
			applied, _ := environ.Apply(situation.Outside, situation.Wanted)
			changes := environ.Diff(situation.Outside, applied)
			form := c.String("shell")
			switch {
			case c.Bool("json") || form == "json":
				return a.printEnvJSON(situation.Resolution, changes)
			case form == "github":
				return a.envGitHub(changes)
			}
			text, err := a.envText(form, changes)
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.host.Stdout, text)
			return err
		},
	})
}

func (a *app) envText(form string, changes []environ.Change) (string, error) {
	if format, known := envFormats()[form]; known {
		return format.write(form, changes)
	}
	language, err := a.language(form)
	if err != nil {
		return "", err
	}
	return language.Export(changes), nil
}

// language returns the requested shell, else the user's own, else bash.
func (a *app) language(name string) (shell.Shell, error) {
	if name != "" {
		return shell.Lookup(name)
	}
	if own, err := shell.Lookup(a.host.Env["SHELL"]); err == nil {
		return own, nil
	}
	return shell.Lookup("bash")
}

// envJSON is the document of "env --json".
type envJSON struct {
	Set    map[string]string `json:"set"`
	Unset  []string          `json:"unset"`
	Origin originJSON        `json:"origin"`
}

func (a *app) printEnvJSON(r resolve.Resolution, changes []environ.Change) error {
	document := envJSON{map[string]string{}, []string{}, jsonOrigin(r.Requirement.Origin)}
	for _, change := range changes {
		if change.Value.Set {
			document.Set[change.Name] = change.Value.Text
		} else {
			document.Unset = append(document.Unset, change.Name)
		}
	}
	return ui.JSON(a.host.Stdout, document)
}
