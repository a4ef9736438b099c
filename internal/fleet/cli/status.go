package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fleet"
	"github.com/vmgo/vmgo/internal/fleet/inventory"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/ui"
)

// status is vmgo fleet status and its flags.
type status struct {
	host            host.Host
	inventory, html string
	only            string
	options         fleet.Options
	json            bool
}

func newStatus(h host.Host) *status { return &status{host: h} }

func (s *status) command() program.Command {
	return program.Command{
		Name: "status", Arguments: "HOST...", Most: -1,
		Long: `HOST is what ssh takes: a name of your ssh configuration, or user@address. With --inventory it is a host or a
group of an Ansible inventory; none means all of them. The system's ssh is used, with your configuration, agent
and jump hosts; it asks no questions. Hosts need a POSIX shell, and vmgo for all but the version of go.
Nothing is changed there, and by default the hosts use no network.

Exit status: 0 if all is well, else the gravest of 5 (a release fails vmgo verify), 4 (a host cannot be
reached), 1 (another check failed).`,
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&s.inventory, "inventory", "", "an Ansible inventory `FILE`, read by ansible-inventory where that is installed")
			f.StringVar(&s.inventory, "i", "", "")
			f.StringVar(&s.only, "only", "", "the checks to run, `LIST` by comma of verify, doctor, harden, audit (default: all)")
			f.IntVar(&s.options.Parallel, "parallel", 16, "look at `N` hosts at a time")
			f.DurationVar(&s.options.Timeout, "timeout", 2*time.Minute, "give a host up after this `TIME`")
			f.BoolVar(&s.options.Sudo, "sudo", false, "run vmgo as root there; sudo must not ask for a password")
			f.BoolVar(&s.options.Online, "online", false, "let the hosts use the network, for the checks of doctor that need it")
			f.StringVar(&s.html, "html", "", "write the report as an HTML page to `FILE`")
			f.BoolVar(&s.json, "json", false, "print JSON (docs/json.md)")
		},
		Run: s.run,
	}
}

func (s *status) run(ctx context.Context, names []string) error {
	if err := s.check(names); err != nil {
		return err
	}
	targets, err := s.targets(ctx, names)
	if err != nil {
		return err
	}
	report, err := s.look(ctx, targets)
	if err != nil {
		return err
	}
	if err := s.show(report); err != nil {
		return err
	}
	if err := report.Err(); err != nil {
		return &diag.Child{Status: diag.ExitStatus(err)} // the report has it
	}
	return nil
}

// check refuses flags that make no sense.
func (s *status) check(names []string) error {
	const help = "vmgo fleet status --help"
	for id := range strings.SplitSeq(s.only, ",") {
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		if !slices.Contains(fleet.Checks(), id) {
			return diag.New(diag.Usage, "there is no check "+diag.Word(id)+"; there are "+strings.Join(fleet.Checks(), ", "), help)
		}
		s.options.Checks = append(s.options.Checks, id)
	}
	switch {
	case len(names) == 0 && s.inventory == "":
		return diag.New(diag.Usage, `"vmgo fleet status" needs hosts, or --inventory`, "vmgo fleet status root@HOST", "vmgo fleet status --inventory FILE")
	case s.options.Parallel < 1:
		return diag.New(diag.Usage, "--parallel needs a number from 1 on", help)
	case s.options.Timeout < time.Second:
		return diag.New(diag.Usage, "--timeout needs a time from 1s on", help)
	}
	return nil
}

// targets finds the hosts that were named, each once.
func (s *status) targets(ctx context.Context, names []string) (targets []fleet.Target, err error) {
	if s.inventory == "" {
		for _, name := range names {
			if !slices.ContainsFunc(targets, func(t fleet.Target) bool { return t.Name == name }) {
				targets = append(targets, fleet.Target{Name: name, Destination: name})
			}
		}
		return targets, nil
	}
	inv, err := inventory.Read(ctx, s.host, s.host.Abs(s.inventory))
	if err != nil {
		return nil, err
	}
	for _, note := range inv.Notes {
		fmt.Fprintln(s.host.Stderr, "vmgo: warning: "+diag.Line(note))
	}
	list, err := inv.Select(names)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, diag.New(diag.BadSetting, s.inventory+" names no hosts", "less "+diag.Word(s.inventory))
	}
	for _, h := range list {
		t := fleet.Target{Name: h.Name}
		t.Destination, t.Options, t.Err = h.SSH()
		targets = append(targets, t)
	}
	return targets, nil
}

// look looks at the hosts; on a terminal it shows how many have answered.
func (s *status) look(ctx context.Context, targets []fleet.Target) (fleet.Report, error) {
	o, h := s.options, s.host
	o.Ended = func(fleet.Host) {}
	if h.StderrTTY && !s.json {
		progress := ui.NewProgress(h.Stderr, h.StderrSize, h.Now)
		defer progress.Close()
		job := progress.Job("fleet")
		var done atomic.Int64
		job.Phase(fmt.Sprintf("0 of %d hosts have answered", len(targets)))
		o.Ended = func(fleet.Host) { job.Phase(fmt.Sprintf("%d of %d hosts have answered", done.Add(1), len(targets))) }
	}
	return fleet.Status(ctx, h, targets, o)
}

func (s *status) show(report fleet.Report) error {
	h := s.host
	if s.html != "" {
		path := h.Abs(s.html)
		var page bytes.Buffer
		if err := report.HTML(&page); err != nil {
			return err
		}
		if err := fsx.WriteOutput(path, page.Bytes(), 0o600); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write the page", "ls -ld "+diag.Word(filepath.Dir(path)))
		}
		fmt.Fprintln(h.Stderr, "wrote "+diag.Line(s.html))
	}
	switch {
	case s.json:
		return ui.JSON(h.Stdout, report)
	case s.html != "":
		return nil
	}
	return report.Print(h.Stdout, ui.Palette(h.StdoutTTY && h.Env["NO_COLOR"] == ""))
}
