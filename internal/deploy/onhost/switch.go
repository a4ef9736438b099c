package onhost

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
)

// Results of a deploy on a host.
const (
	Deployed   = "deployed"
	RolledBack = "rolled-back"
	Unchanged  = "unchanged"
	Failed     = "failed"
)

// Result is what became of a deploy on this host.
type Result struct {
	From    string   `json:"from"`
	To      string   `json:"to"` // what is current now
	Result  string   `json:"result"`
	Seconds float64  `json:"seconds"`
	Reason  string   `json:"reason,omitempty"`
	Journal []string `json:"journal,omitempty"` // of the invocation that failed; in the history, of every one
	Notes   []string `json:"notes,omitempty"`
}

// Seconds returns a duration as reports have it.
func Seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// Switch makes r the current release, waits until it is healthy, and goes back to
// the last known good one if it is not. The error is about what kept it from doing
// either; a rollback is none.
func (a *App) Switch(ctx context.Context, r Release, again bool) (result Result, err error) {
	start := a.Host.Now()
	defer func() { result.Seconds = Seconds(a.Host.Now().Sub(start)) }()
	lock, err := a.Lock(ctx, "vmgo deploy")
	if err != nil {
		return Result{Result: Failed}, err
	}
	defer lock.Release() // the process ends after this
	if _, err := a.recover(ctx, false); err != nil {
		return Result{Result: Failed}, err
	}
	result = Result{From: a.Current(), To: a.Current(), Result: Failed}
	state, err := a.State()
	if err != nil {
		return result, err
	}
	if result.From == r.ID && !again && slices.Contains(state.Good, r.ID) && a.healthyNow(ctx, r) {
		result.Result = Unchanged
		return result, nil
	}
	if err := a.prepare(ctx, r); err != nil {
		return result, err
	}
	pending := Pending{Format: stateFormat, ID: r.ID, From: a.back(state, result.From, r.ID), Who: a.Who, Since: start.UTC()}
	if err := a.do("note in "+a.path("pending.json")+" where to go back to", func() error { return a.write("pending.json", pending) }); err != nil {
		return result, err
	}
	reason, journal := a.try(ctx, r)
	if reason != "" {
		return a.goBack(ctx, r, pending, result, &failure{reason, journal})
	}
	result.To, result.Result = r.ID, Deployed
	err = a.do("record "+r.ID+" as the last known good release", func() error {
		kept := result
		kept.Journal = journal
		return a.keep(r, state, kept)
	})
	return result, err
}

// back returns what to go back to: what ran, if it is known to be good, else the
// last that was.
func (a *App) back(s State, current, next string) string {
	if current != next && slices.Contains(s.Good, current) {
		return current
	}
	return a.lastGood(s, next)
}

// prepare does what may fail without a trace: hooks before the switch.
func (a *App) prepare(ctx context.Context, r Release) error {
	dir := filepath.Join(a.dir(), "releases", r.ID)
	for _, hook := range []struct {
		name     string
		commands [][]string
	}{{"backup", r.Config.Hooks.Backup}, {"migrate", r.Config.Hooks.Migrate}} {
		for _, words := range hook.commands {
			err := a.do(hook.name+": "+strings.Join(words, " "), func() error {
				_, err := a.runIn(ctx, dir, words...)
				return err
			})
			if err != nil {
				return diag.Wrap(diag.Failure, err, "the hook "+hook.name+" failed, so nothing was switched")
			}
		}
	}
	return nil
}

// failure is why a release was not kept.
type failure struct {
	reason  string
	journal []string
}

// try has r run, and returns why it cannot stay, empty if it can, and its journal.
func (a *App) try(ctx context.Context, r Release) (reason string, journal []string) {
	w := &watch{app: a, release: r}
	if err := a.activate(ctx, r); err != nil {
		w.look(ctx)
		return err.Error() + w.ended(), w.journal(ctx)
	}
	if a.live() {
		reason = w.healthy(ctx)
	}
	return reason, w.journal(ctx)
}

// goBack ends a switch that failed. It is done even if ctx has ended: a host is old
// or new, never between.
func (a *App) goBack(ctx context.Context, r Release, p Pending, result Result, f *failure) (Result, error) {
	ctx = context.WithoutCancel(ctx)
	result.Reason, result.Journal, result.Result = f.reason, f.journal, RolledBack
	result.Notes = a.undoMigrations(ctx, r)
	a.Say(r.ID + " failed: " + f.reason)
	err := a.finish(ctx, p)
	result.To = a.Current()
	if err != nil {
		result.Result = Failed
		return result, diag.Wrap(diag.Failure, err, "neither "+r.ID+" nor what was before it runs", "vmgo deploy status")
	}
	return result, a.record(r, result)
}

// undoMigrations runs the inverse of what the hooks did to a database.
func (a *App) undoMigrations(ctx context.Context, r Release) []string {
	if len(r.Config.Hooks.Migrate) > 0 && len(r.Config.Hooks.MigrateUndo) == 0 {
		return []string{"hooks.migrate ran and has no migrate_undo: the database stays as the failed release left it"}
	}
	var notes []string
	for _, words := range r.Config.Hooks.MigrateUndo {
		a.Say("migrate_undo: " + strings.Join(words, " "))
		if _, err := a.runIn(ctx, filepath.Join(a.dir(), "releases", r.ID), words...); err != nil {
			notes = append(notes, "migrate_undo failed: "+err.Error())
		}
	}
	return notes
}

// finish goes back to where a pending switch came from, and forgets the switch.
func (a *App) finish(ctx context.Context, p Pending) error {
	if p.From == "" {
		if err := a.deactivate(ctx); err != nil {
			return err
		}
		return a.forget("pending.json")
	}
	r, err := a.Load(p.From)
	if err != nil {
		return err
	}
	if err := a.activate(ctx, r); err != nil {
		return err
	}
	if a.live() {
		w := &watch{app: a, release: r}
		if reason := w.healthy(ctx); reason != "" {
			return errors.Join(fmt.Errorf("%s is not healthy either: %s", p.From, reason), a.forget("pending.json"))
		}
	}
	return a.forget("pending.json")
}

// keep records that r is good, and removes releases that nobody goes back to.
func (a *App) keep(r Release, s State, result Result) error {
	s.Good = append(slices.DeleteFunc(s.Good, func(id string) bool { return id == r.ID }), r.ID)
	s.RolledBack = ""
	if surplus := len(s.Good) - r.Config.Keep; surplus > 0 {
		s.Good = s.Good[surplus:]
	}
	if err := a.write("state.json", s); err != nil {
		return err
	}
	if err := a.forget("pending.json"); err != nil {
		return err
	}
	return errors.Join(a.record(r, result), a.clean(s))
}

// clean removes releases that are neither good nor current, and what killed
// processes left.
func (a *App) clean(s State) error {
	names, err := a.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != a.Current() && !slices.Contains(s.Good, name) {
			err = errors.Join(err, fsx.RemoveAll(a.releases(), name))
		}
	}
	return err
}

func (a *App) runIn(ctx context.Context, dir string, words ...string) (string, error) {
	out, err := a.Host.Ask(ctx, host.Command{Args: words, Dir: dir})
	if err == nil && out.Status != 0 {
		err = fmt.Errorf("%s: exit status %d: %s", strings.Join(words, " "), out.Status, strings.TrimSpace(out.Stderr))
	}
	return out.Stdout, err
}
