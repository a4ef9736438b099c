package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/shell"
)

func (a *app) doctorCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "doctor",
		Usage:     "find out what is wrong with Go on this machine, and how to fix it",
		UsageText: "vmgo doctor [--only ID,...] [--skip ID,...] [--quick | --offline] [--bench] [--fail-on warn|fail] [--baseline FILE] [--fix] [--json | --html FILE | --list]\nvmgo doctor --binary FILE | --undo",
		Description: `Looks at the toolchain, the hook, the machine, the distribution, the network and
security (docs/doctor.md). Nothing is changed without --fix. Exit status 1 if a
check failed, with --fail-on warn also if one warns. The output has neither the
home directory nor secrets.`,
		Category: machineCategory,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "only", Usage: "run only the checks or groups `ID,...`"},
			&cli.StringSliceFlag{Name: "skip", Usage: "leave these checks or groups out: `ID,...`"},
			&cli.BoolFlag{Name: "quick", Usage: "start no program, use no network: within a second"},
			&cli.StringFlag{Name: "fail-on", Usage: "exit with status 1 from this `GRADE` on: warn or fail", Value: "fail"},
			&cli.StringFlag{Name: "baseline", Usage: "report only what is not in `FILE`, an earlier --json"},
			&cli.BoolFlag{Name: "no-record", Usage: "keep nothing for the next run to compare with"},
			&cli.BoolFlag{Name: "list", Usage: "list the checks"},
			&cli.BoolFlag{Name: "offline", Usage: "do not use the network"},
			&cli.BoolFlag{Name: "bench", Usage: "also measure the disk: 64 MB, two seconds"},
			&cli.StringFlag{Name: "listen", Usage: "also check your HTTP service at `ADDRESS`, such as :8080"},
			&cli.StringFlag{Name: "grpc", Usage: "also check your gRPC service at `ADDRESS`"},
			&cli.StringFlag{Name: "binary", Usage: "report which distributions the program `FILE` runs on"},
			&cli.BoolFlag{Name: "fix", Usage: "fix what can be fixed safely, after showing the changes"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "with --fix: do not ask"},
			&cli.BoolFlag{Name: "undo", Usage: "undo the latest --fix"},
			&cli.StringFlag{Name: "html", Usage: "write the report as an HTML page to `FILE`"},
			jsonFlag(),
		},
		Action: a.doctor,
	})
}

func (a *app) doctor(c *cli.Context) error {
	if _, err := arguments(c, 0, 0, ""); err != nil {
		return err
	}
	if err := oneMode(c, "list", "binary", "undo", "fix"); err != nil {
		return err
	}
	checks, err := selectedChecks(c)
	if err != nil {
		return err
	}
	failing, err := failingGrade(c.String("fail-on"))
	if err != nil {
		return err
	}
	baseline, err := a.baseline(c.String("baseline"))
	if err != nil {
		return err
	}
	machine := a.doctorMachine(c)
	return machine.Shown(a.examine(c, machine, checks, baseline, failing))
}

// examine does what the flags ask for on a machine.
func (a *app) examine(c *cli.Context, machine *doctor.Machine, checks []doctor.Check, baseline doctor.Document, failing doctor.Status) error {
	switch {
	case c.Bool("list"):
		return a.listChecks(checks, c.Bool("json"))
	case c.IsSet("binary"):
		return a.doctorBinary(machine, c.String("binary"), c.Bool("json"))
	case c.Bool("undo"):
		return a.undoRepair(c.Context, machine)
	case c.Bool("fix"):
		if err := a.repair(c, machine, checks); err != nil {
			return err
		}
		machine = a.doctorMachine(c) // the facts may have changed
	}
	end := a.showing("checking the machine")
	report := doctor.Run(c.Context, machine, checks)
	end()
	if !c.IsSet("only") && !c.IsSet("skip") && !c.IsSet("baseline") && !c.Bool("quick") && !c.Bool("no-record") {
		report = machine.Compared(report)
	}
	report = report.Since(baseline)
	if err := a.showDoctor(c, report, c.IsSet("only")); err != nil {
		return err
	}
	if report.Has(failing) {
		return reportedError{diag.New(diag.Failure, "a check failed")}
	}
	return nil
}

// selectedChecks returns the checks that --only and --skip leave.
func selectedChecks(c *cli.Context) ([]doctor.Check, error) {
	only, err := listFlag(c, "only", "check", "vmgo doctor --list")
	if err != nil {
		return nil, err
	}
	skip, err := listFlag(c, "skip", "check", "vmgo doctor --list")
	if err != nil {
		return nil, err
	}
	checks, err := doctor.Select(doctor.Catalogue(), only, skip)
	if err == nil && len(checks) == 0 {
		err = diag.New(diag.Usage, "--skip leaves no check", "vmgo doctor --list")
	}
	return checks, err
}

// baseline reads an earlier report; no file is an empty one.
func (a *app) baseline(file string) (earlier doctor.Document, err error) {
	if file == "" {
		return earlier, nil
	}
	const hint = "vmgo doctor --json > baseline.json"
	data, err := smallfile.Read(a.host.Abs(file), harden.MaxRecord)
	if err == nil {
		err = json.Unmarshal(data, &earlier)
	}
	if err != nil {
		return earlier, diag.Wrap(diag.Usage, err, "cannot read the baseline "+file, hint)
	}
	if len(earlier.Checks) == 0 {
		return earlier, diag.New(diag.Usage, file+" is not a report of vmgo doctor", hint)
	}
	return earlier, nil
}

// failingGrade returns the grade from which on the command fails.
func failingGrade(text string) (doctor.Status, error) {
	switch text {
	case "fail":
		return doctor.Fail, nil
	case "warn", "warning":
		return doctor.Warn, nil
	}
	return "", diag.New(diag.Usage, fmt.Sprintf("--fail-on %s: the grades are warn and fail", text), "vmgo doctor --fail-on warn")
}

// oneMode returns an error for flags that exclude each other, and for those that would
// have no effect.
func oneMode(c *cli.Context, modes ...string) error {
	mode := ""
	for _, name := range modes {
		if !c.IsSet(name) {
			continue
		}
		if mode != "" {
			return diag.New(diag.Usage, "--"+mode+" and --"+name+" cannot be combined", "vmgo help doctor")
		}
		mode = name
	}
	switch {
	case c.IsSet("yes") && mode != "fix":
		return diag.New(diag.Usage, "--yes works only with --fix", "vmgo doctor --fix --yes")
	case c.Bool("quick") && (c.Bool("bench") || c.IsSet("listen") || c.IsSet("grpc")):
		return diag.New(diag.Usage, "--quick cannot be combined with --bench, --listen or --grpc", "vmgo doctor --bench")
	case c.IsSet("html") && c.String("html") == "":
		return diag.New(diag.Usage, "--html has no file", "vmgo doctor --html doctor.html")
	}
	return nil
}

// doctorMachine is the machine as the checks see it.
func (a *app) doctorMachine(c *cli.Context) *doctor.Machine {
	return doctor.New(a.host, a.settings, doctor.Options{
		Offline: c.Bool("offline") || a.settings.Offline, Bench: c.Bool("bench"), Quick: c.Bool("quick"),
		Listen: c.String("listen"), GRPC: c.String("grpc"), Vmgo: a.ownPath(), HookLine: shell.Line, StartupFile: shell.StartupFile,
	})
}

func (a *app) showDoctor(c *cli.Context, report doctor.Report, detailed bool) error {
	if file := c.String("html"); file != "" {
		var page bytes.Buffer
		if err := report.HTML(&page, a.host.Now()); err != nil {
			return err
		}
		if err := fsx.WriteOutput(a.host.Abs(file), page.Bytes(), 0o644); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write the page")
		}
		a.sayf("wrote %s", c.String("html"))
	}
	if c.Bool("json") {
		return ui.JSON(a.host.Stdout, report.Document())
	}
	if c.IsSet("html") {
		return nil
	}
	return report.Print(a.host.Stdout, ui.Palette(a.colour(a.host.StdoutTTY)), a.columns(), detailed)
}

func (a *app) listChecks(checks []doctor.Check, asJSON bool) error {
	if asJSON {
		return ui.JSON(a.host.Stdout, doctor.List(checks))
	}
	palette := ui.Palette(a.colour(a.host.StdoutTTY))
	var table ui.Table
	for _, check := range checks {
		note := ""
		switch {
		case check.Online:
			note = "online"
		case check.Bench:
			note = "--bench"
		}
		table.Add(check.ID, check.Title, palette.Dim(note))
	}
	return table.Write(a.host.Stdout)
}

func (a *app) doctorBinary(machine *doctor.Machine, file string, asJSON bool) error {
	binary, err := machine.ReadBinary(file)
	if err != nil {
		return err
	}
	if asJSON {
		err = ui.JSON(a.host.Stdout, binary)
	} else {
		err = binary.Print(a.host.Stdout, ui.Palette(a.colour(a.host.StdoutTTY)))
	}
	if err == nil && binary.StartsHere != nil && !*binary.StartsHere {
		err = reportedError{diag.New(diag.Failure, "the program does not start here")}
	}
	return err
}

// repair shows what --fix would do, asks, and does it.
func (a *app) repair(c *cli.Context, machine *doctor.Machine, checks []doctor.Check) error {
	end := a.showing("checking the machine")
	plan, err := doctor.Plan(machine, doctor.Run(c.Context, machine, checks))
	end()
	if err != nil {
		return err
	}
	if len(plan) == 0 {
		a.sayf("nothing can be fixed automatically")
		return nil
	}
	for _, change := range plan {
		fmt.Fprint(a.host.Stderr, machine.Redact(change.Preview()))
	}
	if !c.Bool("yes") {
		if !a.host.StdinTTY {
			return diag.New(diag.Usage, "no terminal to ask on", "vmgo doctor --fix --yes")
		}
		agreed, err := a.ask(c.Context, "Change these files?")
		if err != nil {
			return err
		}
		if !agreed {
			a.sayf("nothing was changed")
			return nil
		}
	}
	done, err := doctor.Apply(c.Context, machine, plan)
	if err != nil {
		return err
	}
	a.sayAround(machine, done)
	a.sayf("changed %s; undo with: vmgo doctor --undo", ui.Count(len(plan), "file"))
	return nil
}

func (a *app) undoRepair(ctx context.Context, machine *doctor.Machine) error {
	done, err := doctor.Undo(ctx, machine)
	if err != nil {
		return err
	}
	a.sayAround(machine, done)
	for _, path := range done.Files {
		a.sayf("restored %s", machine.Redact(path))
	}
	return nil
}

// sayAround prints what a fix or an undo had to do first, and what it warns of.
func (a *app) sayAround(machine *doctor.Machine, done doctor.Done) {
	if done.Finished != "" {
		a.sayf("finished the interrupted %s first", done.Finished)
	}
	for _, warning := range done.Warnings {
		a.warnf("%s", machine.Redact(warning))
	}
}
