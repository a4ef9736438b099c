package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/ui"
)

const hardenDescription = `Every change is shown first, recorded in a journal before it is made, and can be
undone. docs/harden.md describes the items and their effects.

   vmgo harden plan                     # what would be done, as diffs and commands
   sudo vmgo harden apply               # makes these changes
   sudo vmgo harden undo                # restores every byte and value`

func (a *app) hardenCommand() *cli.Command {
	only := &cli.StringSliceFlag{Name: "only", Usage: "the items `ID,...` instead of the profile's"}
	applied := &cli.StringSliceFlag{Name: "only", Usage: "undo only the items `ID,...`"}
	root := &cli.StringFlag{Name: "root", Usage: "change the image or chroot in `DIR`, not the running system"}
	profile := &cli.StringFlag{Name: "profile", Usage: "the purpose of the machine: `dev|ci|server` (default: the last applied, else server)"}
	user := &cli.StringFlag{Name: "user", Usage: "the user `NAME` for items per user (default: the user who called sudo)"}
	out := &cli.StringFlag{Name: "out", Usage: "also write the plan to `FILE`, for vmgo harden apply FILE"}
	sub := func(name, usage, arguments string, action func(*cli.Context) error, flags ...cli.Flag) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage, Flags: flags, Action: action,
			UsageText: strings.TrimSpace("vmgo harden " + name + " " + arguments),
		}
	}
	return a.declare(needs{settings: true}, &cli.Command{
		Name: "harden", Aliases: []string{"hardening"},
		Usage:       "prepare the machine for Go; every change is shown first and can be undone",
		UsageText:   "vmgo harden status|plan|apply|undo|service|report",
		Description: hardenDescription,
		Category:    machineCategory,
		Subcommands: []*cli.Command{
			sub("status", "show the state of every item; exit status 1 if one has drifted or is overridden", "", a.hardenStatus, only, profile, user, root, jsonFlag()),
			sub("plan", "show every change that apply would make", "[--out FILE]", a.hardenPlan, only, profile, user, root, out, jsonFlag()),
			sub("apply", "make the changes, or those of a saved plan if the machine has not changed since", "[FILE]", a.hardenApply, only, profile, user, root, jsonFlag()),
			sub("undo", "undo everything, or the items of --only", "[--dry-run]", a.hardenUndo, applied, root, jsonFlag(),
				&cli.BoolFlag{Name: "user", Usage: "undo what was applied to your own services"},
				&cli.BoolFlag{Name: "dry-run", Usage: "only show what would be restored"}),
			sub("service", "limit or sandbox a systemd service, or give it a socket for vmgo observe", "NAME [--user] [--memory SIZE] [--cpus N] [--sandbox] [--observe] [--apply]", a.hardenService, root, out, jsonFlag(),
				&cli.BoolFlag{Name: "user", Usage: "a service of your own manager (systemctl --user), without root"},
				&cli.StringFlag{Name: "memory", Usage: "MemoryMax `SIZE`, such as 512M or 50%, with MemoryHigh and GOMEMLIMIT below it"},
				&cli.Float64Flag{Name: "cpus", Usage: "limit the service to `N` CPUs, such as 1.5, and set GOMAXPROCS to match", DefaultText: "no limit"},
				&cli.BoolFlag{Name: "sandbox", Usage: "deny everything that a Go service does not need"},
				&cli.BoolFlag{Name: "observe", Usage: "add a private socket on which the service serves profiles to vmgo observe"},
				&cli.StringSliceFlag{Name: "write", Usage: "a `DIR` that the sandboxed service may write to"},
				&cli.BoolFlag{Name: "apply", Usage: "make the changes (default: only show them)"}),
			sub("report", "write a page with the state before, the state after, and what is left to do", "--html FILE", a.hardenReport, only, profile, user, root,
				&cli.StringFlag{Name: "html", Usage: "the `FILE` to write"}),
		},
	})
}

// hardenEngine returns an engine on the machine of the flags.
func (a *app) hardenEngine(c *cli.Context, extra ...harden.Item) (*harden.Engine, error) {
	if c.Bool("user") { // of undo and service; the other commands name a user
		return a.hardenOwn(c, extra...)
	}
	m, err := harden.Running(a.host)
	if dir := c.String("root"); dir != "" {
		m, err = harden.Image(a.host, a.host.Abs(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("opening the machine: %w", err)
	}
	return &harden.Engine{Machine: m, Items: append(harden.Catalogue(), extra...), What: "vmgo harden " + c.Command.Name}, nil
}

func (a *app) hardenSelection(c *cli.Context) (harden.Selection, error) {
	only, err := listFlag(c, "only", "item", "vmgo harden status")
	sel := harden.Selection{Only: only, User: c.String("user")}
	if err != nil {
		return sel, err
	}
	if sel.User == "" {
		sel.User = a.host.Env["SUDO_USER"]
	}
	if sel.User == "" && a.host.UID != 0 {
		sel.User = a.host.Env["USER"]
	}
	if c.IsSet("profile") {
		sel.Profile, err = harden.ParseProfile(c.String("profile"))
	}
	return sel, err
}

// listFlag returns what a flag that may stand several times lists, separated by
// commas or blanks. One that is there and names nothing is a usage error; kind is
// what it should name.
func listFlag(c *cli.Context, name, kind, hint string) ([]string, error) {
	var list []string
	for _, value := range c.StringSlice(name) {
		list = append(list, strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	if c.IsSet(name) && len(list) == 0 {
		return nil, diag.New(diag.Usage, "--"+name+" has no "+kind, hint)
	}
	return list, nil
}

func (a *app) hardenStatus(c *cli.Context) error {
	engine, plan, err := a.hardenStanding(c)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = ui.JSON(a.host.Stdout, plan)
	} else {
		err = a.hardenTable(engine, plan, c.IsSet("only"))
	}
	for _, item := range plan.Items {
		if err == nil && (item.State == harden.Drifted || item.State == harden.Overridden) {
			err = reportedError{diag.New(diag.Failure, "an item is "+string(item.State))}
		}
	}
	return err
}

// hardenPlanned returns the plan for the flags.
func (a *app) hardenPlanned(c *cli.Context) (*harden.Engine, harden.Plan, error) {
	var plan harden.Plan
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return nil, plan, err
	}
	sel, err := a.hardenSelection(c)
	if err != nil {
		return nil, plan, err
	}
	engine, err := a.hardenEngine(c)
	if err != nil {
		return nil, plan, err
	}
	plan, err = engine.Plan(sel)
	return engine, plan, err
}

func (a *app) hardenPlan(c *cli.Context) error {
	_, plan, err := a.hardenPlanned(c)
	if err != nil {
		return err
	}
	return a.hardenShow(c, plan)
}

// hardenShow prints a plan, and saves it to the file of --out.
func (a *app) hardenShow(c *cli.Context, plan harden.Plan) error {
	if file := c.String("out"); file != "" {
		data, err := json.MarshalIndent(plan, "", " ")
		if err == nil {
			err = fsx.WriteOutput(a.host.Abs(file), append(data, '\n'), 0o600)
		}
		if err != nil {
			return fmt.Errorf("writing the plan: %w", err)
		}
	}
	if c.Bool("json") {
		return ui.JSON(a.host.Stdout, plan)
	}
	return a.hardenText(plan)
}

func (a *app) hardenApply(c *cli.Context) error {
	args, err := arguments(c, 0, 1, "")
	if err != nil {
		return err
	}
	sel, err := a.hardenSelection(c)
	if err != nil {
		return err
	}
	var saved *harden.Plan
	var extra []harden.Item
	if len(args) == 1 {
		if c.IsSet("only") || c.IsSet("profile") || c.IsSet("user") {
			return diag.New(diag.Usage, "a saved plan has its own items", "vmgo harden apply "+args[0])
		}
		if saved, err = a.loadPlan(args[0]); err != nil {
			return err
		}
		sel = saved.Selection()
		if saved.Service != nil {
			extra = saved.Service.Items()
		}
	}
	open := a.hardenEngine
	if saved != nil && saved.Service != nil && saved.Service.User {
		open = a.hardenOwn
	}
	engine, err := open(c, extra...)
	if err != nil {
		return err
	}
	return a.hardenRun(c, engine, func(ctx context.Context, show func(harden.Plan) error) (harden.Result, error) {
		return engine.Apply(ctx, sel, saved, show)
	}, func() (harden.Plan, error) { return engine.Plan(sel) })
}

func (a *app) loadPlan(file string) (*harden.Plan, error) {
	data, err := smallfile.Read(a.host.Abs(file), harden.MaxRecord)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	return harden.ReadPlan(data)
}

func (a *app) hardenUndo(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	only, err := listFlag(c, "only", "item", "vmgo harden status")
	if err != nil {
		return err
	}
	engine, err := a.hardenEngine(c)
	if err != nil {
		return err
	}
	plan := func() (harden.Plan, error) { return engine.PlanUndo(only) }
	if c.Bool("dry-run") {
		shown, err := plan()
		if err != nil {
			return err
		}
		return a.hardenShow(c, shown)
	}
	return a.hardenRun(c, engine, func(ctx context.Context, show func(harden.Plan) error) (harden.Result, error) {
		return engine.Undo(ctx, only, show)
	}, plan)
}

// hardenRun changes the machine as root; for other users it shows the
// changes and the command to run as root. It never calls sudo itself.
func (a *app) hardenRun(c *cli.Context, engine *harden.Engine,
	run func(context.Context, func(harden.Plan) error) (harden.Result, error), plan func() (harden.Plan, error),
) error {
	if !engine.Machine.MayChange() {
		shown, err := plan()
		if err == nil {
			err = a.hardenShow(c, shown)
		}
		if err != nil {
			return err
		}
		return diag.New(diag.Failure, "changing the machine needs root; nothing was changed", a.sudoCommand())
	}
	res, err := run(c.Context, func(plan harden.Plan) error {
		if c.Bool("json") {
			return nil
		}
		return a.hardenText(plan)
	})
	if res.Finished != "" {
		a.sayf("an interrupted %s was finished first", res.Finished)
	}
	for _, warning := range res.Warnings {
		a.warnf("%s", warning)
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = ui.JSON(a.host.Stdout, res.Plan)
	} else {
		a.hardenDone(res, engine.Machine.UndoCommand())
	}
	return firstError(err, refused(res.Plan))
}

// refused returns an error if an item that was named cannot have its effect.
func refused(plan harden.Plan) error {
	for _, item := range plan.Items {
		if len(plan.Only) > 0 && item.Selected && (item.State == harden.Blocked || item.State == harden.Overridden) {
			return diag.New(diag.Failure, item.ID+" is "+string(item.State)+": "+item.Reason, "vmgo harden status")
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sudoCommand returns the typed command line for root. The program's full path is used, as
// sudo's own PATH may lack it; root runs no program that others may change.
func (a *app) sudoCommand() string {
	words := []string{"sudo", diag.Word(a.host.Executable)}
	if rootMayRun(a.host.Executable, false) != nil {
		words = []string{"sudo git clone https://github.com/vmgo/vmgo && cd vmgo && sudo ./install.sh --prefix /usr/local && sudo /usr/local/bin/vmgo"}
	}
	for _, arg := range a.host.Args[1:] {
		words = append(words, diag.Word(arg))
	}
	return strings.Join(words, " ")
}

func (a *app) hardenService(c *cli.Context) error {
	args, err := arguments(c, 1, 1, "the name of a service")
	if err != nil {
		return err
	}
	service := harden.Service{Name: args[0], User: c.Bool("user"), CPUs: c.Float64("cpus"), Sandbox: c.Bool("sandbox"), Write: c.StringSlice("write"), Observe: c.Bool("observe")}
	if c.IsSet("memory") {
		total := uint64(0) // of an image it is not known
		if !c.IsSet("root") {
			total = a.host.Memory().Total
		}
		if service.Memory, err = harden.ParseMemory(c.String("memory"), total); err != nil {
			return err
		}
	}
	if service, err = harden.NewService(service); err != nil {
		return err
	}
	items := service.Items()
	engine, err := a.hardenEngine(c, items...)
	if err != nil {
		return err
	}
	sel := harden.Selection{Service: &service}
	for _, item := range items {
		sel.Only = append(sel.Only, item.ID)
	}
	plan := func() (harden.Plan, error) { return engine.Plan(sel) }
	if c.Bool("apply") {
		return a.hardenRun(c, engine, func(ctx context.Context, show func(harden.Plan) error) (harden.Result, error) {
			return engine.Apply(ctx, sel, nil, show)
		}, plan)
	}
	shown, err := plan()
	if err != nil {
		return err
	}
	return firstError(a.hardenShow(c, shown), refused(shown))
}

func (a *app) hardenReport(c *cli.Context) error {
	if c.String("html") == "" {
		return diag.New(diag.Usage, "harden report needs --html FILE", "vmgo harden report --html harden.html")
	}
	engine, plan, err := a.hardenPlanned(c)
	if err != nil {
		return err
	}
	page, err := engine.Report(plan)
	if err == nil {
		err = fsx.WriteOutput(a.host.Abs(c.String("html")), page, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
