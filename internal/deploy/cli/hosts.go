package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/deploy/onhost"
	"github.com/vmgo/vmgo/internal/deploy/rollout"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/ui"
)

// targets are the hosts of the command line, else those of the configuration.
func (a *app) targets(c config.Config) ([]string, error) {
	var hosts []string
	for _, arg := range a.args {
		if arg == "--" {
			break
		}
		hosts = append(hosts, arg)
	}
	if a.flags.hosts != "" {
		hosts = append(hosts, strings.Split(a.flags.hosts, ",")...)
	}
	if len(hosts) == 0 {
		hosts = c.Hosts
	}
	if len(hosts) == 0 {
		return nil, diag.New(diag.Usage, "no host is named, here or in "+a.flags.config, "vmgo deploy status root@HOST")
	}
	for _, host := range hosts {
		if host == "" || strings.HasPrefix(host, "-") {
			return nil, diag.New(diag.Usage, diag.Word(host)+" is not a host of ssh", "vmgo deploy --help")
		}
	}
	return hosts, nil
}

// with calls f with everything that is needed to reach hosts.
func (a *app) with(ctx context.Context, f func(*rollout.Rollout, []string) error) (err error) {
	c, err := a.load()
	if err != nil {
		return err
	}
	a.override(&c.Rollout)
	hosts, err := a.targets(c)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vmgo-deploy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	connections, err := rollout.Connect(a.host)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connections.Close()) }()
	cache := dirs.FromEnv(a.host.Env, a.host.Root, a.host.UID).Cache
	r := &rollout.Rollout{
		Host: a.host, Connections: connections, Objects: rollout.OpenObjects(cache), Config: c, Who: a.who(),
		Package: a.packages(c, dir),
		Say: func(host, step string) {
			if !a.flags.json {
				fmt.Fprintln(a.host.Stderr, host+": "+diag.Line(step))
			}
		},
	}
	return f(r, hosts)
}

// unset is the value of a flag that was not given.
const unset = -1

// override has flags count before the configuration.
func (a *app) override(r *config.Rollout) {
	for flag, to := range map[*int]*int{&a.flags.canary: &r.Canary, &a.flags.parallel: &r.Parallel, &a.flags.maxFailures: &r.MaxFailures} {
		if *flag != unset {
			*to = max(0, *flag)
		}
	}
	r.Parallel = max(1, r.Parallel)
}

// who names the user of this machine for the audit.
func (a *app) who() string {
	user := a.host.Env["USER"]
	if user == "" {
		user = "uid " + strconv.Itoa(a.host.UID)
	}
	if name, err := os.Hostname(); err == nil {
		user += "@" + name
	}
	return user
}

func (a *app) trust(ctx context.Context) error {
	return a.with(ctx, func(r *rollout.Rollout, hosts []string) error {
		line := ""
		if !r.Config.Signing.None {
			var err error
			if line, err = a.ownSigner(r.Config); err != nil {
				return err
			}
		}
		for _, host := range hosts {
			if err := r.Trust(ctx, host, line, r.Config.Signing.None, a.flags.replace); err != nil {
				return fmt.Errorf("%s: %w", host, err)
			}
			fmt.Fprintln(a.host.Stderr, host+": accepts "+trusted(r.Config, line))
		}
		return nil
	})
}

func trusted(c config.Config, line string) string {
	if c.Signing.None {
		return "unsigned packages"
	}
	who, _, _ := strings.Cut(line, " ")
	return "packages that " + who + " signed"
}

func (a *app) plan(ctx context.Context) error {
	return a.with(ctx, func(r *rollout.Rollout, hosts []string) error {
		r.Config.Rollout.MaxFailures = len(hosts)
		r.Config.Rollout.Canary = 0
		results, err := r.Run(ctx, hosts, r.Plan)
		return errors.Join(a.report(r.Config, results, true), err)
	})
}

func (a *app) apply(ctx context.Context) error {
	if a.flags.dryRun {
		return a.plan(ctx)
	}
	return a.with(ctx, func(r *rollout.Rollout, hosts []string) error {
		a.notify(ctx, r.Config, config.Begin, rollout.Untouched(hosts))
		results, err := r.Run(ctx, hosts, r.Apply)
		a.keepObjects(r)
		a.notify(ctx, r.Config, config.End, results)
		return errors.Join(a.report(r.Config, results, false), err)
	})
}

// keepObjects remembers what was deployed, for the next delta.
func (a *app) keepObjects(r *rollout.Rollout) {
	for _, p := range a.built {
		if err := r.Objects.Keep(p); err != nil {
			fmt.Fprintln(a.host.Stderr, "warning: the next deploy sends whole files: "+diag.Line(err.Error()))
		}
	}
}

func (a *app) rollback(ctx context.Context) error {
	return a.with(ctx, func(r *rollout.Rollout, hosts []string) error {
		results, err := r.Run(ctx, hosts, func(ctx context.Context, host string) rollout.HostResult {
			words := []string{"rollback"}
			if a.flags.to != "" {
				words = append(words, "--to", a.flags.to)
			}
			return r.Act(ctx, host, words...)
		})
		a.notify(ctx, r.Config, config.End, results)
		return errors.Join(a.report(r.Config, results, false), err)
	})
}

func (a *app) remove(ctx context.Context) error {
	return a.with(ctx, func(r *rollout.Rollout, hosts []string) error {
		results, err := r.Run(ctx, hosts, func(ctx context.Context, host string) rollout.HostResult { return r.Act(ctx, host, "remove") })
		return errors.Join(a.report(r.Config, results, false), err)
	})
}

// report prints what became of the hosts.
func (a *app) report(c config.Config, results []rollout.HostResult, plan bool) error {
	if a.flags.json {
		return ui.JSON(a.host.Stdout, map[string]any{"hosts": results})
	}
	if c.Signing.None {
		fmt.Fprintln(a.host.Stderr, "warning: packages are not signed (signing.none = true)")
	}
	var table ui.Table
	table.Add("HOST", "FROM", "TO", "RESULT", "SECONDS", "REASON")
	for _, r := range results {
		if plan {
			a.printPlan(r)
		}
		table.Add(r.Host, r.From, r.To, r.Result.Result, strconv.FormatFloat(r.Seconds, 'f', 1, 64), r.Reason)
	}
	if err := table.Write(a.host.Stdout); err != nil {
		return err
	}
	for _, r := range results {
		for _, note := range r.Notes {
			fmt.Fprintln(a.host.Stderr, r.Host+": "+diag.Line(note))
		}
		for _, line := range r.Journal[max(0, len(r.Journal)-20):] {
			fmt.Fprintln(a.host.Stderr, r.Host+" | "+diag.Line(line))
		}
	}
	return nil
}

func (a *app) printPlan(r rollout.HostResult) {
	if r.Signer == "" { // no plan: the reason is in the table
		return
	}
	out := ui.Terminal(a.host.Stdout)
	fmt.Fprintf(out, "%s: signed by %s\n", r.Host, r.Signer)
	for _, step := range r.Steps {
		fmt.Fprintf(out, "  %s\n", step)
	}
	fmt.Fprint(out, r.Units)
}

// each asks every host and prints the answers: as one JSON document, or by print.
func (a *app) each(ctx context.Context, words []string, print func(host string, answer json.RawMessage) error) error {
	return a.with(ctx, func(r *rollout.Rollout, hosts []string) error {
		type row struct {
			Host   string          `json:"host"`
			Answer json.RawMessage `json:"answer,omitempty"`
			Reason string          `json:"reason,omitempty"`
		}
		var rows []row
		var failure error
		for _, host := range hosts {
			answer, err := r.Call(ctx, host, words...)
			if err != nil {
				failure = errors.Join(failure, fmt.Errorf("%s: %w", host, err))
				rows = append(rows, row{Host: host, Reason: err.Error()})
				continue
			}
			rows = append(rows, row{Host: host, Answer: answer})
			if !a.flags.json {
				failure = errors.Join(failure, print(host, answer))
			}
		}
		if a.flags.json {
			failure = errors.Join(ui.JSON(a.host.Stdout, map[string]any{"hosts": rows}), failure)
		}
		return failure
	})
}

func (a *app) status(ctx context.Context) error {
	return a.each(ctx, []string{"status"}, func(host string, answer json.RawMessage) error {
		var s onhost.Status
		if err := json.Unmarshal(answer, &s); err != nil {
			return err
		}
		release := s.Release
		if release == "" {
			release = "nothing"
		}
		fmt.Fprintf(a.host.Stdout, "%s: %s, %s, healthy: %s, restarts: %s\n", host, release, s.Active, diag.Line(s.Healthy), s.Restarts)
		if s.Page {
			fmt.Fprintf(a.host.Stdout, "%s: the maintenance page is served\n", host)
		}
		if s.RolledBack != "" {
			fmt.Fprintf(a.host.Stdout, "%s: %s crashed over and over and was rolled back\n", host, s.RolledBack)
		}
		if s.Pending != nil {
			fmt.Fprintf(a.host.Stdout, "%s: a deploy of %s by %s has not ended\n", host, s.Pending.ID, diag.Line(s.Pending.Who))
		}
		return nil
	})
}

func (a *app) history(ctx context.Context) error {
	return a.each(ctx, []string{"history"}, func(host string, answer json.RawMessage) error {
		var entries []onhost.Entry
		if err := json.Unmarshal(answer, &entries); err != nil {
			return err
		}
		var table ui.Table
		for _, e := range entries {
			table.Add(host, e.Time.Format("2006-01-02T15:04:05Z"), e.Release, e.Result.Result, e.Who, e.Reason)
		}
		return table.Write(a.host.Stdout)
	})
}

func (a *app) exec(ctx context.Context) error {
	var command []string
	for i, arg := range a.args {
		if arg == "--" {
			command = a.args[i+1:]
		}
	}
	if len(command) == 0 {
		return diag.New(diag.Usage, "vmgo deploy exec needs a command after --", "vmgo deploy exec -- ls -l")
	}
	status := 0
	err := a.each(ctx, append([]string{"exec", "--"}, command...), func(host string, answer json.RawMessage) error {
		var out onhost.Output
		if err := json.Unmarshal(answer, &out); err != nil {
			return err
		}
		for line := range strings.Lines(out.Stdout + out.Stderr) {
			fmt.Fprintln(a.host.Stdout, host+" | "+diag.Line(strings.TrimSuffix(line, "\n")))
		}
		status = max(status, out.Status)
		return nil
	})
	if err == nil && status != 0 {
		return &diag.Child{Status: status}
	}
	return err
}

// notify tells hooks and webhook; what fails there fails nothing here.
func (a *app) notify(ctx context.Context, c config.Config, event string, results []rollout.HostResult) {
	n := rollout.Notice{Event: event, Name: c.Name, Who: a.who(), OK: true, Time: a.host.Now().UTC(), Hosts: results}
	for _, r := range results {
		if event == config.End && r.Result.Result != onhost.Deployed && r.Result.Result != onhost.Unchanged {
			n.OK = false
		}
	}
	for _, err := range rollout.Notify(context.WithoutCancel(ctx), a.host, c.Notify, filepath.Dir(a.configFile()), n) {
		fmt.Fprintln(a.host.Stderr, "warning: "+diag.Line(err.Error()))
	}
}
