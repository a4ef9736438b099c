// Package cli is the command line of vmgo-deploy, and the host's side of it: see
// docs/deploy.md.
package cli

import (
	"context"
	"flag"
	"strings"

	"github.com/vmgo/vmgo/internal/deploy/build"
	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
)

// app is one run of the program.
type app struct {
	host  host.Host
	flags flags
	args  []string
	built map[string]build.Package // by architecture
}

type flags struct {
	config, env, hosts, version, to, out, arch, signers string
	canary, parallel, maxFailures, lines                int
	json, dryRun, stdout, schema, replace, reproduce    bool
}

// Main runs the program in the given world and returns its exit status.
func Main(h host.Host) int {
	if words := h.Args[1:]; len(words) > 0 && words[0] == "host" {
		ctx, stop := h.Interrupts(context.Background())
		defer stop()
		return hostSide(ctx, h, words[1:])
	}
	return program.Main(h, program.Deploy(), func(h host.Host) []program.Command {
		a := &app{host: h, flags: flags{canary: unset, parallel: unset, maxFailures: unset}, built: map[string]build.Package{}}
		return a.commands()
	})
}

const (
	someHosts = "[HOST...]"
	anyNumber = -1
	selecting = "env host"
	rolling   = selecting + " canary parallel max-failures"
)

func (a *app) commands() []program.Command {
	return []program.Command{
		a.command("init", "", 0, "stdout schema", (*app).init),
		a.command("build", "", 0, "env version out arch reproduce", (*app).build),
		a.command("verify", "FILE", 1, "env", (*app).verify),
		a.command("trust", someHosts, anyNumber, selecting+" replace", (*app).trust),
		a.command("plan", someHosts, anyNumber, rolling+" version", (*app).plan),
		a.command("apply", someHosts, anyNumber, rolling+" version dry-run", (*app).apply),
		a.command("rollback", someHosts, anyNumber, rolling+" to", (*app).rollback),
		a.command("status", someHosts, anyNumber, selecting, (*app).status),
		a.command("history", someHosts, anyNumber, selecting, (*app).history),
		a.logsCommand(),
		a.command("exec", someHosts+" -- COMMAND", anyNumber, selecting, (*app).exec),
		a.command("remove", someHosts, anyNumber, selecting, (*app).remove),
	}
}

func (a *app) logsCommand() program.Command {
	c := a.command("logs", someHosts, anyNumber, selecting+" lines signers out", (*app).logs)
	c.Long += "\n" + logsHelp
	return c
}

// logSignersFile is where logs verify looks for the keys of hosts.
const logSignersFile = "log-signers"

// command describes one command. Every command has --config and --json besides the
// flags that it names.
func (a *app) command(name, arguments string, most int, flags string, run func(*app, context.Context) error) program.Command {
	c := program.Command{Name: name, Arguments: arguments, Most: most, Apart: true}
	if strings.HasPrefix(arguments, someHosts) {
		c.Long = "A HOST is written as for ssh. Without any, those of the configuration count."
	}
	c.Flags = func(set *flag.FlagSet) { a.define(set, strings.Fields(flags)) }
	c.Run = func(ctx context.Context, arguments []string) error {
		a.args = arguments
		return run(a, ctx)
	}
	return c
}

func (a *app) define(set *flag.FlagSet, names []string) {
	f := &a.flags
	set.StringVar(&f.config, "config", config.File, "the configuration, a `FILE`")
	set.BoolVar(&f.json, "json", false, "one JSON document on stdout")
	text := func(to *string, value, usage string) func(string) {
		return func(name string) { set.StringVar(to, name, value, usage) }
	}
	number := func(to *int, value int, usage string) func(string) {
		return func(name string) { set.IntVar(to, name, value, usage) }
	}
	yes := func(to *bool, usage string) func(string) {
		return func(name string) { set.BoolVar(to, name, false, usage) }
	}
	known := map[string]func(string){
		"arch":         text(&f.arch, "", "build for this GOARCH: `ARCH`; without it, for this machine's"),
		"canary":       number(&f.canary, unset, "`N` hosts go first, one by one"),
		"dry-run":      yes(&f.dryRun, "the same as plan"),
		"env":          text(&f.env, "", "keys of [env.`NAME`] override the others"),
		"host":         text(&f.hosts, "", "the same as naming `HOSTS`, with commas between"),
		"lines":        number(&f.lines, 50, "the last `N` lines"),
		"max-failures": number(&f.maxFailures, unset, "stop when more than `N` hosts have failed"),
		"out":          text(&f.out, "", "write to this `PATH`"),
		"parallel":     number(&f.parallel, unset, "after the canaries, `N` hosts at a time"),
		"replace":      yes(&f.replace, "instead of the keys that the host trusts"),
		"reproduce":    yes(&f.reproduce, "build twice and compare"),
		"signers":      text(&f.signers, logSignersFile, "the allowed signers of archives, a `FILE`"),
		"schema":       yes(&f.schema, "print the JSON schema of "+config.File),
		"stdout":       yes(&f.stdout, "print it"),
		"to":           text(&f.to, "", "go back to this `RELEASE`"),
		"version":      text(&f.version, "", "the package's `VERSION`; without it, what git describe says"),
	}
	for _, name := range names {
		known[name](name)
	}
}
