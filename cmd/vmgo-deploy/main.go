// Vmgo-deploy is `vmgo deploy`, and the host's side of it: see docs/deploy.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/vmgo/vmgo/internal/deploy/build"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/ui"
)

const usage = `usage: vmgo deploy COMMAND [FLAG...]

Brings a Go program to hosts over ssh: verified, healthy, or rolled back.

  init                    write a commented vmgo-deploy.toml (--stdout, --schema)
  build                   build a package: NAME-VERSION-ARCH.tar
  verify FILE             check a package: signature, every hash
  trust [HOST...]         have hosts accept packages that your key signed
  plan [HOST...]          show what apply would do; change nothing
  apply [HOST...]         deploy (--dry-run: plan)
  rollback [HOST...]      go back to the release that was good before (--to RELEASE)
  status [HOST...]        what runs
  history [HOST...]       what was deployed, by whom, and what became of it
  logs [HOST...]          the journal of the service (--lines N)
  exec [HOST...] -- CMD   run a command on each host, in the release's directory
  remove [HOST...]        stop the service and remove all releases

HOST is one of ssh; without any, those of the configuration count. Flags:

  --config FILE           default vmgo-deploy.toml
  --env NAME              the keys of [env.NAME] override the others
  --host H,...            the same as naming hosts
  --canary N  --parallel N  --max-failures N   override [rollout]
  --version V             the version of the package; default: git describe
  --json                  one JSON document on stdout
`

func main() { os.Exit(run(host.OS())) }

// app is one run of the program.
type app struct {
	host  host.Host
	flags flags
	args  []string
	built map[string]build.Package // by architecture
}

type flags struct {
	config, env, hosts, version, to, out, arch       string
	canary, parallel, maxFailures, lines             int
	json, dryRun, stdout, schema, replace, reproduce bool
}

func run(h host.Host) int {
	ctx, stop := h.Interrupts(context.Background())
	defer stop()
	words := h.Args[1:]
	if len(words) > 0 && words[0] == "host" {
		return hostSide(ctx, h, words[1:])
	}
	err := dispatch(ctx, h, words)
	var child *diag.Child
	if err != nil && !errors.As(err, &child) {
		if ctx.Err() != nil && diag.CodeOf(err) != diag.Interrupted {
			err = diag.New(diag.Interrupted, "interrupted")
		}
		fmt.Fprint(h.Stderr, ui.Palette(h.StderrTTY && h.Env["NO_COLOR"] == "").Error(diag.Format("vmgo", err)))
	}
	return diag.ExitStatus(err)
}

func dispatch(ctx context.Context, h host.Host, words []string) error {
	commands := map[string]func(*app, context.Context) error{
		"init": (*app).init, "build": (*app).build, "verify": (*app).verify, "trust": (*app).trust, "plan": (*app).plan,
		"apply": (*app).apply, "rollback": (*app).rollback, "status": (*app).status, "history": (*app).history,
		"logs": (*app).logs, "exec": (*app).exec, "remove": (*app).remove,
	}
	if len(words) == 0 || words[0] == "help" || words[0] == "--help" || words[0] == "-h" {
		_, err := io.WriteString(h.Stdout, usage)
		return err
	}
	command := commands[words[0]]
	if command == nil {
		return diag.New(diag.Usage, "vmgo deploy has no command "+diag.Word(words[0]), "vmgo deploy help")
	}
	a := &app{host: h, flags: flags{canary: -1, parallel: -1, maxFailures: -1}, built: map[string]build.Package{}}
	if err := a.parse(words[0], words[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			_, err := io.WriteString(h.Stdout, usage)
			return err
		}
		return err
	}
	return command(a, ctx)
}

// parse reads flags and arguments in any order; all that follows -- are arguments.
func (a *app) parse(command string, words []string) error {
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	f := &a.flags
	set.StringVar(&f.config, "config", "vmgo-deploy.toml", "")
	set.BoolVar(&f.json, "json", false, "")
	own := map[string]func(){
		"env": func() { set.StringVar(&f.env, "env", "", "") }, "host": func() { set.StringVar(&f.hosts, "host", "", "") },
		"version": func() { set.StringVar(&f.version, "version", "", "") }, "to": func() { set.StringVar(&f.to, "to", "", "") },
		"out": func() { set.StringVar(&f.out, "out", "", "") }, "arch": func() { set.StringVar(&f.arch, "arch", "", "") },
		"canary": func() { set.IntVar(&f.canary, "canary", -1, "") }, "parallel": func() { set.IntVar(&f.parallel, "parallel", -1, "") },
		"max-failures": func() { set.IntVar(&f.maxFailures, "max-failures", -1, "") }, "lines": func() { set.IntVar(&f.lines, "lines", 50, "") },
		"dry-run": func() { set.BoolVar(&f.dryRun, "dry-run", false, "") }, "stdout": func() { set.BoolVar(&f.stdout, "stdout", false, "") },
		"schema": func() { set.BoolVar(&f.schema, "schema", false, "") }, "replace": func() { set.BoolVar(&f.replace, "replace", false, "") },
		"reproduce": func() { set.BoolVar(&f.reproduce, "reproduce", false, "") },
	}
	for _, name := range strings.Fields(flagsOf(command)) {
		own[name]()
	}
	for {
		err := set.Parse(words)
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		if err != nil {
			return diag.New(diag.Usage, "vmgo deploy "+command+": "+err.Error(), "vmgo deploy help")
		}
		rest := set.Args()
		if len(rest) == 0 {
			return nil
		}
		if done := len(words) - len(rest); done > 0 && words[done-1] == "--" {
			a.args = append(append(a.args, "--"), rest...)
			return nil
		}
		a.args = append(a.args, rest[0])
		words = rest[1:]
	}
}

// flagsOf lists the flags of a command beside --config and --json.
func flagsOf(command string) string {
	const rolling = " env host version canary parallel max-failures"
	switch command {
	case "init":
		return "stdout schema"
	case "build":
		return "env version out arch reproduce"
	case "verify":
		return "env"
	case "trust":
		return "env host replace"
	case "plan":
		return rolling
	case "apply":
		return rolling + " dry-run"
	case "rollback":
		return "env host canary parallel max-failures to"
	case "logs":
		return "env host lines"
	}
	return "env host"
}
