package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/onhost"
	"github.com/vmgo/vmgo/internal/deploy/rollout"
	"github.com/vmgo/vmgo/internal/deploy/units"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/ui"
)

// hostFlags are those of the host's side.
type hostFlags struct {
	who, root, at, to, page string
	boot, again, unsigned   bool
	replace                 bool
	lines, retryAfter       int
	name, id                string
	command                 []string
}

// hostSide is `vmgo-deploy host VERB`: what runs on a host, as root, and answers in
// JSON lines.
func hostSide(ctx context.Context, h host.Host, words []string) int {
	// The work goes on when nobody listens any more.
	signal.Ignore(syscall.SIGPIPE)
	answer := func(line rollout.Line) { _ = ui.JSONLine(h.Stdout, line) }
	result, err := hostVerb(ctx, h, words, func(step string) { answer(rollout.Line{Step: step}) })
	if err != nil {
		answer(rollout.Line{Error: &rollout.RemoteFailure{Code: diag.CodeOf(err), Msg: err.Error(), Hints: diag.HintsOf(err)}})
		fmt.Fprint(h.Stderr, diag.Format("vmgo-deploy", err))
		return diag.ExitStatus(err)
	}
	if result == nil {
		return 0
	}
	data, err := json.Marshal(result)
	if err != nil {
		return 1
	}
	answer(rollout.Line{Result: data})
	return 0
}

func hostVerb(ctx context.Context, h host.Host, words []string, say func(string)) (any, error) {
	if len(words) == 0 {
		return nil, diag.New(diag.Usage, "this is the host's side of vmgo deploy, which runs by itself", "vmgo deploy --help")
	}
	f, err := parseHost(words[0], words[1:])
	if err != nil {
		return nil, err
	}
	switch words[0] {
	case "trust":
		line, err := io.ReadAll(io.LimitReader(h.Stdin, 64<<10))
		if err != nil {
			return nil, err
		}
		return "trusted", onhost.Trust(h, f.root, string(line), f.unsigned, f.replace)
	case "page":
		return "stopped", onhost.ServePage(ctx, h.Env, f.page, f.retryAfter)
	}
	a, err := onhost.Open(h, f.root, f.name)
	if err != nil {
		return nil, err
	}
	a.Say, a.Who = say, onhost.Who(f.who, h.Env)
	switch words[0] {
	case "info":
		return a.Info(runtime.GOARCH), nil
	case "plan":
		return hostPlan(ctx, a, h.Stdin, f)
	case "apply":
		return hostApply(ctx, a, h, f)
	case "switch":
		return hostSwitch(ctx, a, f)
	case "recover":
		result, err := a.Recover(ctx, f.boot)
		if result == nil { // nothing to do, and nothing to say
			return nil, err
		}
		return result, err
	case "crashed":
		return "done", a.Crashed(ctx)
	case "rollback":
		return a.Rollback(ctx, f.to)
	case "status":
		return a.Status(ctx)
	case "history":
		return a.History(f.lines)
	case "logs":
		return a.Logs(ctx, f.lines)
	case "archive":
		return a.Archive(ctx)
	case "archive-now":
		return a.ArchiveNow(ctx)
	case "log-key":
		return a.LogKey()
	case "exec":
		return a.Exec(ctx, f.command)
	case "remove":
		return a.Remove(ctx)
	}
	return nil, diag.New(diag.Usage, "the host's side of vmgo deploy does not know "+diag.Word(words[0]), "vmgo deploy --help")
}

func parseHost(verb string, words []string) (hostFlags, error) {
	var f hostFlags
	if len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		f.name, words = words[0], words[1:]
	}
	set := flag.NewFlagSet(verb, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.who, "who", "", "")
	set.StringVar(&f.root, "root", "/", "")
	set.StringVar(&f.at, "time", "", "")
	set.StringVar(&f.to, "to", "", "")
	set.StringVar(&f.id, "release", "", "")
	set.StringVar(&f.page, "page", "", "")
	set.BoolVar(&f.boot, "boot", false, "")
	set.BoolVar(&f.again, "again", false, "")
	set.BoolVar(&f.unsigned, "unsigned", false, "")
	set.BoolVar(&f.replace, "replace", false, "")
	set.IntVar(&f.lines, "lines", 50, "")
	set.IntVar(&f.retryAfter, "retry-after", 30, "")
	if err := set.Parse(words); err != nil {
		return f, diag.New(diag.Usage, "vmgo-deploy host "+verb+": "+err.Error(), "vmgo deploy --help")
	}
	f.command = set.Args()
	if f.name == "" && len(f.command) > 0 {
		f.name, f.command = f.command[0], f.command[1:]
	}
	if len(f.command) > 0 && verb != "exec" {
		return f, diag.New(diag.Usage, "vmgo-deploy host "+verb+" was given the unexpected argument "+diag.Word(f.command[0]), "vmgo deploy --help")
	}
	return f, nil
}

func hostPlan(ctx context.Context, a *onhost.App, in io.Reader, f hostFlags) (any, error) {
	at, err := time.Parse(time.RFC3339, f.at)
	if err != nil {
		return nil, diag.New(diag.Usage, "vmgo-deploy host plan: --time is missing", "vmgo deploy plan")
	}
	r, signer, err := a.ReadPlan(in)
	if err != nil {
		return nil, err
	}
	result, err := a.Plan(ctx, r, at)
	result.Signer = signer
	if strings.HasPrefix(signer, "refused: ") && result.Reason == "" {
		result.Result.Result, result.Reason = onhost.Failed, strings.TrimPrefix(signer, "refused: ")
	}
	return result, err
}

// hostApply receives a release and has it switched to by the helper that came with
// it, now that this one has checked it.
func hostApply(ctx context.Context, a *onhost.App, h host.Host, f hostFlags) (any, error) {
	id, err := a.Receive(ctx, h.Stdin)
	if err != nil {
		return nil, err
	}
	if f.root != "/" {
		f.id = id
		return hostSwitch(ctx, a, f)
	}
	return a.SwitchApart(ctx, filepath.Join(units.Directory(a.Name), "releases", id, units.Helper), id)
}

func hostSwitch(ctx context.Context, a *onhost.App, f hostFlags) (any, error) {
	r, err := a.Load(f.id)
	if err != nil {
		return nil, err
	}
	return a.Switch(ctx, r, f.again)
}
