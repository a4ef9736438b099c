package harden

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

// Engine applies items to a machine, and undoes them.
type Engine struct {
	Machine *Machine
	Items   []Item
	// What is written into the lock, so that a second run can report who holds it.
	What string
	// Trace is called after every step, for tests of crashes; nil
	// otherwise.
	Trace func(point string)
}

func (e *Engine) at(point string) {
	if e.Trace != nil {
		e.Trace(point)
	}
}

// Result is what an apply or an undo did.
type Result struct {
	Plan     Plan
	Finished string   // the verb of an interrupted transition that was finished first
	Warnings []string // commands that failed after the files had been changed
}

// Apply makes the changes that Plan shows for the selection, and no others. With a saved
// plan, it returns an error if the machine's plan has changed. show is called with the
// plan before the first change; an error from it stops the apply.
func (e *Engine) Apply(ctx context.Context, sel Selection, before *Plan, show func(Plan) error) (Result, error) {
	return e.transact(ctx, func() (Plan, ledger, error) {
		plan, led, err := e.plan(sel)
		if err == nil && before != nil {
			err = before.mustEqual(plan)
		}
		return plan, led, err
	}, show)
}

// Undo undoes the selected items, or all of them.
func (e *Engine) Undo(ctx context.Context, only []string, show func(Plan) error) (Result, error) {
	return e.transact(ctx, func() (Plan, ledger, error) { return e.planUndo(only) }, show)
}

func (e *Engine) transact(ctx context.Context, plan func() (Plan, ledger, error), show func(Plan) error) (res Result, err error) {
	lock, err := e.lock(ctx)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	e.at("locked")
	if res.Finished, err = e.recover(&res); err != nil {
		return res, err
	}
	var led ledger
	if res.Plan, led, err = plan(); err != nil {
		_ = e.leave() // it would say the same again
		return res, err
	}
	if show != nil {
		if err := show(res.Plan); err != nil {
			return res, errors.Join(e.unchanged(err), e.leave())
		}
	}
	if err := e.Machine.writable(res.Plan.Changes); err != nil {
		return res, errors.Join(e.unchanged(err), e.leave())
	}
	if len(res.Plan.Changes) == 0 && !res.Plan.bookkeeping {
		return res, e.leave()
	}
	j := journal{Format: formatNow, Verb: res.Plan.Verb, Changes: res.Plan.Changes, Commands: res.Plan.Commands, Ledger: led, Times: e.Machine.times(res.Plan.Changes)}
	j.Ledger.meet(j.Times)
	e.Machine.keepAbove(&j.Ledger)
	return res, e.begin(ctx, j, &res)
}

// leave removes what the state directory does not need any more, and the
// directory if nothing is recorded in it.
func (e *Engine) leave() error {
	led, err := e.Machine.loadLedger()
	if err != nil {
		return err
	}
	return e.Machine.tidy(led, e.at)
}

// lock makes the state directory and takes its lock. Undo removes the
// directory, so it may go while we wait for the lock in it.
func (e *Engine) lock(ctx context.Context) (*fsx.Lock, error) {
	dir := e.Machine.Host.Path(e.Machine.record(StateDir))
	var err error
	e.Machine.lookAbove()
	for range 100 {
		if err = fsx.MkdirAll(dir, 0o755); err != nil {
			return nil, e.unchanged(err)
		}
		e.at("state-dir")
		var lock *fsx.Lock
		lock, err = fsx.Acquire(ctx, filepath.Join(dir, filepath.Base(lockFile)), fsx.LockOptions{
			Holder: fsx.Holder{PID: e.Machine.Host.PID, What: e.What, Since: e.Machine.Host.Now()}, NoWait: true,
		})
		var held *fsx.HeldError
		switch {
		case errors.As(err, &held):
			return nil, diag.New(diag.StoreBusy, "another vmgo harden is running: "+held.Error())
		case err == nil:
			return lock, nil
		case !errors.Is(err, fs.ErrNotExist):
			var led ledger
			e.Machine.keepAbove(&led)
			_ = e.Machine.leavingAbove(led, func() error {
				for _, made := range e.Machine.stateDirs(led.Above) {
					_ = os.Remove(made) // only if it is empty
				}
				return nil
			})
			return nil, e.unchanged(err)
		}
	}
	return nil, e.unchanged(err)
}

// begin writes the journal and runs it.
func (e *Engine) begin(ctx context.Context, j journal, res *Result) error {
	m := e.Machine
	err := m.backup(j.Ledger, e.at)
	if err == nil {
		e.at("journal")
		err = m.save(journalFile, &j)
	}
	if err != nil {
		return errors.Join(e.unchanged(err), e.leave())
	}
	e.at("journaled")
	cause, err := e.finish(ctx, j, res)
	if err != nil {
		return err
	}
	if err := e.leave(); err != nil {
		return err
	}
	if cause != nil {
		return e.unchanged(cause)
	}
	return nil
}

// unchanged returns the error of an apply or undo that changed nothing.
func (e *Engine) unchanged(cause error) error {
	if fsx.IsFull(cause) {
		hint := "df -h " + diag.Word(e.Machine.record(StateDir))
		if !e.Machine.isOwn() {
			hint += " /etc; df -i /etc"
		}
		return diag.Wrap(diag.DiskFull, cause, "nothing was changed", hint)
	}
	return fmt.Errorf("nothing was changed: %w", cause)
}

// finish runs a journal to its end. If a change fails, it reverts those before
// it, and cause is the failure; err means that the revert failed, too.
func (e *Engine) finish(ctx context.Context, j journal, res *Result) (cause, err error) {
	cause = e.run(ctx, j, res)
	if cause == nil {
		// If there is no room for the new ledger, the old one stays valid.
		if err = e.commit(j); j.Back || !fsx.IsFull(err) {
			return nil, err
		}
		cause = err
	}
	if !j.Back {
		j.Back = true
		// Where the disk is full the journal stays as it is. A crash during the revert then
		// leads to the apply again, which is also complete.
		saveErr := e.Machine.save(journalFile, &j)
		e.at("journaled-back")
		// The revert ignores the signal that interrupted the changes.
		if err = e.run(context.WithoutCancel(ctx), j, res); err == nil {
			return cause, e.commit(j)
		}
		err = errors.Join(err, saveErr)
	}
	return cause, diag.Wrap(diag.Failure, errors.Join(cause, err),
		"a change failed, and so did the revert of those before it; the journal is kept", e.Machine.UndoCommand())
}

// run makes the remaining changes of a journal.
func (e *Engine) run(ctx context.Context, j journal, res *Result) error {
	changes := j.Changes
	if j.Back {
		changes = inverse(changes)
	}
	backwards := j.Back || j.Verb == verbUndo
	ran := false
	for _, c := range changes {
		if !ran && c.phase() > phaseReload {
			e.commands(j, res)
			ran = true
		}
		if err := ctx.Err(); err != nil {
			return diag.Wrap(diag.Interrupted, err, "stopped before "+c.Command())
		}
		err := e.change(c, backwards)
		if err != nil && backwards && c.Kind.runtime() {
			// A removed swap file must not stop the rest of an
			// undo.
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s: %v", c.Command(), err))
			continue
		}
		if left := (leftAloneError{}); errors.As(err, &left) {
			res.Warnings = append(res.Warnings, left.Error())
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Command(), err)
		}
	}
	if !ran {
		e.commands(j, res)
	}
	return nil
}

// change makes one change unless it is already made. A cell with neither value
// was changed by others while the transition was interrupted; it is kept and shown as drift.
func (e *Engine) change(c Change, undoing bool) error {
	now, err := e.Machine.readLike(c.key(), c.To)
	if err != nil {
		return err
	}
	if !now.Same(c.From) && (c.Kind != Programs || now.Mode != halfway) {
		return e.Machine.sweep(c)
	}
	e.at("change")
	err = e.Machine.write(c, e.at)
	if c.Kind == Dir && !c.To.Present && isNotEmpty(err) {
		return nil // somebody has put a file there meanwhile
	}
	if undoing && errors.Is(err, fs.ErrNotExist) {
		return nil // the cell to restore no longer exists
	}
	return errors.Join(err, e.Machine.sweep(c))
}

func (e *Engine) commands(j journal, res *Result) {
	for _, argv := range j.Commands {
		e.at("command")
		if _, err := e.Machine.output(argv[0], argv[1:]...); err != nil {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s: %v", joinWords(argv), err))
		}
	}
}

// commit makes the transition final: the ledger first, then the journal goes.
// A crash between the two runs the journal again, which changes nothing.
func (e *Engine) commit(j journal) error {
	m := e.Machine
	if j.Back {
		m.unsettle(j.Times)
	} else {
		m.settle(&j.Ledger, j.Times)
		e.at("ledger")
		if err := m.save(ledgerFile, &j.Ledger); err != nil {
			return err
		}
	}
	e.at("committed")
	if err := m.remove(journalFile); err != nil {
		return err
	}
	e.at("journal-removed")
	return nil
}

// recover finishes the transition that a crash interrupted.
func (e *Engine) recover(res *Result) (verb string, err error) {
	j, err := e.Machine.loadJournal()
	if err != nil || j == nil {
		return "", err
	}
	e.at("recovering")
	cause, err := e.finish(context.Background(), *j, res)
	if cause != nil {
		res.Warnings = append(res.Warnings, fmt.Sprintf("the interrupted %s was reverted: %v", j.Verb, cause))
	}
	return j.Verb, err
}

// Selection selects items, and the profile of the machine.
type Selection struct {
	Profile Profile
	Only    []string // in place of the profile's
	User    string
	Service *Service // whose items are named in Only; kept in the plan
}

func (s Selection) has(item Item, profile Profile) bool {
	if len(s.Only) > 0 {
		return slices.Contains(s.Only, item.ID)
	}
	return item.In(profile)
}

func joinWords(argv []string) string {
	text := ""
	for i, arg := range argv {
		if i > 0 {
			text += " "
		}
		text += diag.Word(arg)
	}
	return text
}
