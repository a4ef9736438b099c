package cmd

import (
	"errors"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/redact"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/settings/edit"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) configCommand() *cli.Command {
	return a.declare(needs{complete: settingCandidates}, &cli.Command{
		Name:      "config",
		Usage:     "show or change settings",
		UsageText: "vmgo config [NAME] | -w NAME=VALUE | -u NAME | --json",
		Description: `Settings are VMGO_* variables. Those that the environment leaves unset come from
the user's settings file, then from the machine's (/etc/vmgo/env).`,
		Category: aboutCategory,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "w", Usage: "write `NAME=VALUE` to the user's settings file"},
			&cli.StringFlag{Name: "u", Usage: "remove `NAME` from the user's settings file"},
			jsonFlag(),
		},
		Action: a.config,
	})
}

func (a *app) config(c *cli.Context) error {
	most := 1
	if c.IsSet("w") || c.IsSet("u") {
		most = 0
	}
	args, err := arguments(c, 0, most, "")
	if err != nil {
		return err
	}
	switch {
	case c.IsSet("w") && c.IsSet("u"):
		return diag.New(diag.Usage, "-w and -u cannot be combined", "vmgo help config")
	case c.IsSet("w"):
		name, value, found := strings.Cut(c.String("w"), "=")
		if !found {
			return diag.New(diag.Usage, "-w needs NAME=VALUE, not "+strconv.Quote(c.String("w")), "vmgo config -w VMGO_GOPATH=tree")
		}
		return a.writeSetting(name, value)
	case c.IsSet("u"):
		return a.writeSetting(c.String("u"), "")
	}
	return a.showSettings(args, c.Bool("json"))
}

// writeSetting changes the user's settings file; an empty value removes.
func (a *app) writeSetting(name, value string) error {
	path := a.layout.UserSettings()
	if path == "" {
		return diag.New(diag.BadSetting, "HOME is not set, so there is no settings file", homeHint)
	}
	changed, err := edit.Set(path, name, value)
	if err != nil || !changed {
		return err
	}
	if env := a.host.Env[name]; env != "" && env != value {
		a.warnf("%s is %q in the environment, which overrides the file", name, redact.New(a.host.Env).Secrets(env))
	}
	return nil
}

// settingJSON is a setting in the document of "config --json".
type settingJSON struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Origin  string `json:"origin"`
	Meaning string `json:"meaning"`
}

// showSettings prints one setting's value, or all of them with their origin.
func (a *app) showSettings(args []string, asJSON bool) error {
	loaded, bad := settings.Load(a.host.Env, a.layout.SettingsFiles()...)
	hide := redact.New(a.host.Env).Secrets
	var rows []settingJSON
	for _, r := range settings.Table() {
		if len(args) == 0 || args[0] == r.Name {
			v := loaded.Value(r.Name)
			rows = append(rows, settingJSON{r.Name, hide(v.Text), v.Origin(), r.Meaning})
		}
	}
	if len(rows) == 0 {
		return settings.Check(args[0], "")
	}
	// An invalid setting is shown like the others, and then reported.
	switch {
	case asJSON:
		return errors.Join(ui.JSON(a.host.Stdout, rows), bad)
	case len(args) == 1:
		return errors.Join(a.outln(rows[0].Value), bad)
	}
	var table ui.Table
	for _, r := range rows {
		table.Add(r.Name+"="+r.Value, "# "+r.Origin)
	}
	return errors.Join(table.Write(a.host.Stdout), bad)
}
