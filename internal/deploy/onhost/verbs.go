package onhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/sshsig"
)

// Info is what a host has, for who sends it a release.
type Info struct {
	Arch    string      `json:"arch"`
	Current string      `json:"current"`
	Have    []pack.File `json:"have"`
}

// Info returns the files of the current release.
func (a *App) Info(arch string) Info {
	i := Info{Arch: arch, Current: a.Current()}
	if r, err := a.Load(i.Current); err == nil {
		i.Have = r.Manifest.Files
	}
	return i
}

// PlanResult is what a deploy would do.
type PlanResult struct {
	Result
	Signer string   `json:"signer"`
	Steps  []string `json:"steps"`
	Units  string   `json:"units"`
}

// Plan goes through a deploy of r without changing anything. A result Failed has
// the reasons why the host is not fit for it.
func (a *App) Plan(ctx context.Context, r Release, now time.Time) (PlanResult, error) {
	p := PlanResult{Units: a.unitDiff(r), Steps: []string{}}
	a.Dry = true
	a.Say = func(step string) { p.Steps = append(p.Steps, step) }
	problems := a.Fit(ctx, r, now)
	current := a.Current()
	if current == r.ID {
		p.Result = Result{From: current, To: current, Result: Unchanged}
		return p, nil
	}
	have := a.have()
	for _, f := range r.Manifest.Files {
		if _, same := have[f.SHA256]; !same {
			a.Say("write " + filepath.Join(a.dir(), "releases", r.ID, f.Path) + " (" + strconv.FormatInt(f.Size, 10) + " bytes)")
		}
	}
	if err := a.prepare(ctx, r); err != nil {
		return p, err
	}
	if err := a.activate(ctx, r); err != nil {
		return p, err
	}
	a.Say("wait until it is healthy: " + describe(r.Config.Health))
	p.Result = Result{From: current, To: r.ID, Result: Deployed}
	if len(r.Config.Listen) == 0 {
		p.Notes = append(p.Notes, "the program opens its own sockets: connections are refused while it restarts")
	}
	if len(problems) > 0 {
		p.Result.Result, p.To, p.Reason = Failed, current, strings.Join(problems, "; ")
	}
	return p, nil
}

// SwitchApart replaces this process with a wait for a unit in which the switch runs,
// so that it ends, one way or the other, when the connection breaks or somebody
// kills it. It returns only if that cannot be started.
func (a *App) SwitchApart(ctx context.Context, helper, id string) (Result, error) {
	r, err := a.Load(id)
	if err != nil {
		return Result{}, err
	}
	reason := strings.Join(a.Fit(ctx, r, time.Time{}), "; ")
	if reason == "" {
		reason = a.FitProgram(ctx, r)
	}
	if reason != "" {
		return Result{From: a.Current(), To: a.Current(), Result: Failed, Reason: reason}, nil
	}
	lock, err := a.Lock(ctx, "vmgo deploy")
	if err != nil {
		return Result{}, err
	}
	if err := lock.Release(); err != nil {
		return Result{}, err
	}
	// Of another name each time: the unit of a deploy that has just ended may still
	// be loaded. The lock keeps deploys apart.
	unit := fmt.Sprintf("vmgo-deploy-%s-%d", a.Name, a.Host.PID)
	words := []string{
		"systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=" + unit, "--service-type=exec",
		"-p", "ExecStopPost=" + helper + " host recover " + a.Name, helper, "host", "switch", a.Name, "--release", id, "--who", a.Who,
	}
	program := a.Host.Find(words[0], a.Host.Env["PATH"]+":/usr/bin:/bin")
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	return Result{}, diag.Wrap(diag.CannotStart, a.Host.Exec(program, words, env), "cannot start systemd-run")
}

// Rollback goes back to a release that was good, by default the one before the
// current one.
func (a *App) Rollback(ctx context.Context, to string) (Result, error) {
	state, err := a.State()
	if err != nil {
		return Result{}, err
	}
	if to == "" {
		to = a.lastGood(state, a.Current())
	}
	if to == "" {
		return Result{}, diag.New(diag.NotInstalled, a.Name+" has no release to go back to on this host", "vmgo deploy history")
	}
	if _, err := a.Load(to); err != nil {
		return Result{}, err
	}
	return a.SwitchApart(ctx, filepath.Join(a.dir(), "releases", to, ".vmgo/vmgo-deploy"), to)
}

// Status is what runs on a host.
type Status struct {
	Release    string   `json:"release"`
	Active     string   `json:"active"`  // systemd's ActiveState
	Healthy    string   `json:"healthy"` // "yes", or what is wrong
	Page       bool     `json:"page"`    // the maintenance page is served
	Restarts   string   `json:"restarts"`
	Good       []string `json:"good"`
	RolledBack string   `json:"rolled_back,omitempty"`
	Pending    *Pending `json:"pending,omitempty"`
}

// Status asks systemd and the service.
func (a *App) Status(ctx context.Context) (Status, error) {
	state, err := a.State()
	if err != nil {
		return Status{}, err
	}
	s := Status{Release: a.Current(), Good: append([]string{}, state.Good...), RolledBack: state.RolledBack}
	if s.Pending, err = a.Pending(); err != nil || s.Release == "" {
		return s, err
	}
	r, err := a.Load(s.Release)
	if err != nil {
		return s, err
	}
	unit := a.show(ctx, a.Name+".service")
	s.Active, s.Restarts = unit["ActiveState"], unit["NRestarts"]
	s.Page = a.show(ctx, a.Name+"-degraded.service")["ActiveState"] == "active"
	if s.Healthy = a.probe(ctx, r.Config.Health); s.Healthy == "" {
		s.Healthy = "yes"
	}
	return s, nil
}

// Logs returns the last lines of the service's journal, and of ours about it.
func (a *App) Logs(ctx context.Context, lines int) (string, error) {
	return a.run(ctx, append([]string{"journalctl", "--no-pager", "-o", "short-iso", "-n", strconv.Itoa(lines)}, a.matches()...)...)
}

// matches selects what the service said, what systemd says of it, and what we do
// with it. The options -u and -t of journalctl together select what has both.
func (a *App) matches() []string {
	unit := a.Name + ".service"
	return []string{"_SYSTEMD_UNIT=" + unit, "+", "_PID=1", "UNIT=" + unit, "+", "_UID=0", "VMGO_DEPLOY_NAME=" + a.Name}
}

// Output is what a command printed on a host.
type Output struct {
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	Status int    `json:"status"`
}

// Exec runs a command in the directory of the current release.
func (a *App) Exec(ctx context.Context, words []string) (Output, error) {
	if len(words) == 0 || a.Current() == "" {
		return Output{}, diag.New(diag.NotInstalled, a.Name+" has no release on this host, or there is nothing to run", "vmgo deploy status")
	}
	a.audit("ran "+strings.Join(words, " "), "exec", a.Current())
	out, err := a.Host.Ask(ctx, host.Command{Args: words, Dir: a.dir() + "/current"})
	return Output{out.Stdout, out.Stderr, out.Status}, err
}

// Remove stops the service and removes its units and all of its releases. What it
// wrote into its state directory stays.
func (a *App) Remove(ctx context.Context) (Result, error) {
	result := Result{From: a.Current(), Result: Unchanged}
	if _, err := os.Stat(a.path("releases")); errors.Is(err, fs.ErrNotExist) {
		return result, nil
	}
	lock, err := a.Lock(ctx, "vmgo deploy remove")
	if err != nil {
		return result, err
	}
	defer lock.Release() // the process ends after this
	if err := a.deactivate(ctx); err != nil {
		return result, err
	}
	a.audit("removed", "removed", result.From)
	result.Result = "removed"
	return result, fsx.RemoveAll(filepath.Dir(a.path(".")), a.Name)
}

// Trust has this host accept packages by the signers that lines name, and keeps
// this program as the one that checks the first of them. Other lines than those
// that are there replace them only on request.
func Trust(h host.Host, root, lines string, unsigned, replace bool) error {
	dir := filepath.Join(root, TrustDir)
	if err := fsx.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if unsigned {
		if err := fsx.WriteFile(filepath.Join(root, UnsignedFile), nil, 0o644); err != nil {
			return err
		}
	} else if err := trustSigners(filepath.Join(root, SignersFile), lines, replace); err != nil {
		return err
	}
	if err := fsx.SyncDir(dir); err != nil {
		return err
	}
	helper := filepath.Join(root, FirstHelper)
	program, err := smallfile.Read(h.Executable, 256<<20)
	if err != nil {
		return err
	}
	if err := fsx.MkdirAll(filepath.Dir(helper), 0o755); err != nil {
		return err
	}
	if err := fsx.WriteFile(helper, program, 0o755); err != nil {
		return err
	}
	return fsx.SyncDir(filepath.Dir(helper))
}

func trustSigners(file, lines string, replace bool) error {
	signers, err := sshsig.ParseSigners([]byte(lines))
	if err != nil || len(signers) == 0 {
		return diag.New(diag.SignatureInvalid, "the key is not an Ed25519 key; other kinds are not supported", "ssh-keygen -t ed25519")
	}
	old, err := smallfile.Read(file, maxSignersLen)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(old) > 0 && !replace {
		known, err := sshsig.ParseSigners(old)
		if err != nil {
			return err
		}
		for _, k := range known {
			if bytes.Equal(k.Key, signers[0].Key) {
				return nil
			}
		}
		return diag.New(diag.SignatureInvalid, "the host trusts other keys, in "+SignersFile, "vmgo deploy trust --replace   # yours instead")
	}
	return fsx.WriteFile(file, []byte(lines), 0o644)
}
