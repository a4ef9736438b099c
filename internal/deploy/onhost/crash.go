package onhost

import (
	"context"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/fsx"
)

// What is found after a crash at any point, and who ends it:
//
//	while receiving         a stage in releases; the next deploy removes it
//	before pending.json     the old release runs; nothing to do
//	after pending.json      old or new is current: the rename decides. Recover goes
//	                        back to pending.From, which is known to be good
//	after state.json        the new release is good; Recover only forgets pending.json
//
// Recover is called by ExecStopPost= of the transient unit in which a switch runs
// (SIGKILL), by NAME-recover.service at boot (power failure), and by the next deploy.

// Recover ends a switch that was interrupted, and returns what became of it; nil
// if there is none. boot means that systemd will start the service once this has
// ended.
func (a *App) Recover(ctx context.Context, boot bool) (*Result, error) {
	if p, err := a.Pending(); p == nil {
		return nil, err
	}
	lock, err := a.Lock(ctx, "vmgo deploy recover")
	if err != nil {
		return nil, err
	}
	defer lock.Release() // the process ends after this
	return a.recover(ctx, boot)
}

func (a *App) recover(ctx context.Context, boot bool) (*Result, error) {
	p, err := a.Pending()
	if err != nil || p == nil {
		return nil, err
	}
	state, err := a.State()
	if err != nil {
		return nil, err
	}
	result := &Result{From: p.From, To: p.ID, Result: Deployed}
	if len(state.Good) > 0 && state.Good[len(state.Good)-1] == p.ID {
		return result, a.forget("pending.json")
	}
	a.Say("ending the deploy of " + p.ID + " that was interrupted")
	if err := a.endInterrupted(ctx, *p, boot); err != nil {
		return nil, err
	}
	result.To, result.Result, result.Reason = a.Current(), RolledBack, "the deploy was interrupted"
	r, err := a.Load(p.ID)
	if err != nil {
		return result, err
	}
	return result, a.record(r, *result)
}

func (a *App) endInterrupted(ctx context.Context, p Pending, boot bool) error {
	if !boot {
		return a.finish(ctx, p)
	}
	// Nothing can be started while systemd waits for this.
	if p.From == "" {
		if err := a.uninstall(); err != nil {
			return err
		}
	} else {
		r, err := a.Load(p.From)
		if err != nil {
			return err
		}
		if err := a.install(r); err != nil {
			return err
		}
	}
	if a.live() {
		if err := a.systemctl(ctx, "daemon-reload"); err != nil {
			return err
		}
	}
	return a.forget("pending.json")
}

// Crashed is what follows when the service has crashed so often that systemd gave
// it up: back to the release that was good before. That happens once; if that one
// crashes too, the maintenance page stays until somebody deploys.
func (a *App) Crashed(ctx context.Context) error {
	lock, err := a.Lock(ctx, "vmgo deploy crashed")
	if err != nil {
		return nil // a deploy is at work, and goes back by itself
	}
	defer lock.Release() // the process ends after this
	state, err := a.State()
	if err != nil {
		return err
	}
	bad := a.Current()
	to := a.lastGood(state, bad)
	if to == "" || state.RolledBack != "" {
		a.audit(bad+" crashes over and over; nothing to go back to", "crashed", bad)
		return nil
	}
	state.RolledBack = bad
	state.Good = slices.DeleteFunc(state.Good, func(id string) bool { return id == bad })
	if err := a.write("state.json", state); err != nil {
		return err
	}
	w := &watch{app: a}
	w.look(ctx)
	lines := w.journal(ctx)
	if err := a.write("pending.json", Pending{Format: stateFormat, ID: bad, From: to, Who: a.Who, Since: a.Host.Now().UTC()}); err != nil {
		return err
	}
	result := Result{From: bad, Result: RolledBack, Reason: bad + " crashed over and over", Journal: lines}
	failed := a.finish(ctx, Pending{ID: bad, From: to})
	result.To = a.Current()
	if failed != nil {
		result.Result, result.Reason = Failed, result.Reason+"; "+failed.Error()
	}
	r, err := a.Load(to)
	if err != nil {
		return err
	}
	return a.record(r, result)
}

// names lists what is in the directory of the releases.
func (a *App) names() ([]string, error) {
	dir, err := fsx.OpenDirectory(a.releases())
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Names()
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, ".") && !strings.HasPrefix(n, stagePrefix) }), err
}
