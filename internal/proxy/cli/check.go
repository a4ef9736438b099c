package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/proxy"
	"github.com/vmgo/vmgo/internal/ui"
)

// check is vmgo proxy check and its flags.
type check struct {
	host    host.Host
	json    bool
	timeout time.Duration
}

func newCheck(h host.Host) *check { return &check{host: h} }

const checkHelp = `Asks every entry of GOPROXY for one module, and the checksum database by the way that go
takes to it: what a client here gets, by which way and how fast. Private patterns whose names
reach a proxy or the checksum database are listed with the setting that stops it.
Exit status 1: go would not get the module, or not its record, or a pattern leaks.`

func (c *check) command() program.Command {
	return program.Command{
		Name: "check", Long: checkHelp,
		Flags: func(f *flag.FlagSet) {
			f.BoolVar(&c.json, "json", false, "print JSON (docs/json.md)")
			f.DurationVar(&c.timeout, "timeout", 10*time.Second, "how long a server may take to begin its answer")
		},
		Run: func(ctx context.Context, _ []string) error { return c.run(ctx) },
	}
}

func (c *check) run(ctx context.Context) error {
	client := fetch.New(fetch.Config{
		Transport: c.host.Transport, Env: c.host.Env, Now: c.host.Now, UserAgent: "vmgo-proxy", Attempts: 1, Offline: c.host.Env["VMGO_OFFLINE"] == "1",
		Timeouts: fetch.Timeouts{Connect: c.timeout, TLS: c.timeout, Header: c.timeout, Stall: c.timeout},
	})
	checks, err := proxy.Check(ctx, client, c.host.Env, goSettings(c.host))
	if err != nil {
		return err
	}
	print := c.text
	if c.json {
		print = func(checks proxy.Checks) error { return ui.JSON(c.host.Stdout, checks) }
	}
	if err := print(checks); err != nil {
		return err
	}
	if !checks.OK || len(checks.Leaks) > 0 {
		return &diag.Child{Status: 1} // the table has told
	}
	return nil
}

func (c *check) text(checks proxy.Checks) error {
	var table ui.Table
	table.Add("", "SERVER", "ANSWER", "TIME", "WAY", "CHECKSUM DATABASE")
	for _, row := range checks.Proxies {
		table.Add(mark(row), row.Entry, row.Answer, seconds(row), row.Way, row.SumDB)
	}
	for _, row := range checks.SumDB {
		table.Add(mark(row), row.Entry, row.Answer, seconds(row), row.Way, "")
	}
	err := table.Write(c.host.Stdout)
	for _, leak := range checks.Leaks {
		_, told := fmt.Fprintf(c.host.Stdout, "leak: the names of modules that match %s reach %s; stop it with: %s\n", leak.Pattern, leak.To, leak.Fix)
		err = errors.Join(err, told)
	}
	return err
}

// mark shows which servers go gets its answers from.
func mark(row proxy.Checked) string {
	switch {
	case row.Used:
		return "->"
	case row.OK:
		return "ok"
	}
	return "!"
}

func seconds(row proxy.Checked) string {
	if row.Seconds == 0 {
		return ""
	}
	return time.Duration(row.Seconds * float64(time.Second)).Round(time.Millisecond).String()
}
