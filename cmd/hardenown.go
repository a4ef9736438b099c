package cmd

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/harden"
)

// hardenOwn returns an engine on this user's own part of the machine.
func (a *app) hardenOwn(c *cli.Context, extra ...harden.Item) (*harden.Engine, error) {
	if c.IsSet("root") {
		return nil, diag.New(diag.Usage, "--user is for the services of this machine, not of an image", "vmgo harden "+c.Command.Name+" --help")
	}
	if name := a.host.Env["SUDO_USER"]; a.host.UID == 0 && name != "" && name != "root" {
		words := []string{"sudo -iu", diag.Word(name), "vmgo"}
		for _, arg := range a.host.Args[1:] {
			words = append(words, diag.Word(arg))
		}
		return nil, diag.New(diag.Usage, "--user is for your own services, and sudo makes you root", strings.Join(words, " "))
	}
	m, err := harden.Own(a.host, a.layout)
	if err != nil {
		return nil, err
	}
	return &harden.Engine{Machine: m, Items: extra, What: "vmgo harden " + c.Command.Name}, nil
}

// hardenStanding returns how the items of the machine stand, and what is applied to
// this user's own services.
func (a *app) hardenStanding(c *cli.Context) (*harden.Engine, harden.Plan, error) {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return nil, harden.Plan{}, err
	}
	sel, err := a.hardenSelection(c)
	if err != nil {
		return nil, harden.Plan{}, err
	}
	var own []string
	sel.Only = slices.DeleteFunc(sel.Only, func(id string) bool {
		is := strings.HasPrefix(id, harden.UserService)
		if is {
			own = append(own, id)
		}
		return is
	})
	if len(own) > 0 && len(sel.Only) == 0 {
		engine, err := a.hardenOwn(c)
		if err != nil {
			return nil, harden.Plan{}, err
		}
		plan, err := engine.Plan(harden.Selection{Only: own})
		return engine, plan, err
	}
	engine, err := a.hardenEngine(c)
	if err != nil {
		return nil, harden.Plan{}, err
	}
	plan, err := engine.Plan(sel)
	if err != nil {
		return nil, plan, err
	}
	mine, err := a.hardenOwn(c)
	if err != nil {
		if len(own) == 0 {
			err = nil // an image, or no home: there are no services of one's own
		}
		return engine, plan, err
	}
	standing, err := mine.Plan(harden.Selection{Only: own})
	plan.Items = append(plan.Items, standing.Items...)
	plan.Notes = append(plan.Notes, standing.Notes...)
	return engine, plan, err
}
