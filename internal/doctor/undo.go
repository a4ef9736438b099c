package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/harden"
)

// fixItem is what the engine of harden calls the changes of one --fix. Each has its
// record, <State>/doctor/<time>, of which the last is undone first.
const fixItem = "doctor-fix"

// Done is what a fix or an undo did.
type Done struct {
	Files    []string
	Finished string // the verb of an interrupted run that was finished first
	Warnings []string
}

func (m *Machine) fixesDir() (string, error) {
	if m.Layout.State == "" {
		return "", diag.New(diag.Failure, "HOME is not set, so there is no place for backups", "export HOME=/your/home")
	}
	return filepath.Join(m.Layout.State, "doctor"), nil
}

// engine returns the engine of harden with its record in dir.
func (m *Machine) engine(dir string) (*harden.Engine, error) {
	recorded, err := harden.Recorded(m.Host, dir, "vmgo doctor --undo")
	if err != nil {
		return nil, fmt.Errorf("creating the directory of backups: %w", err)
	}
	return &harden.Engine{Machine: recorded, What: "vmgo doctor"}, nil
}

// Apply carries out a plan, all of it or nothing. The record is on the disk before the
// first change, so that what a crash interrupts can be undone too.
func Apply(ctx context.Context, m *Machine, plan []Change) (Done, error) {
	parent, err := m.fixesDir()
	if err != nil {
		return Done{}, err
	}
	engine, err := m.engine(filepath.Join(parent, m.Now().UTC().Format("20060102T150405.000000000Z")))
	if err != nil {
		return Done{}, err
	}
	engine.Items = []harden.Item{{ID: fixItem, What: "vmgo doctor --fix", Desired: func(on *harden.Machine) (harden.Desired, error) {
		wants, err := m.wants(on, plan)
		return harden.Desired{Wants: wants}, err
	}}}
	res, err := engine.Apply(ctx, harden.Selection{Only: []string{fixItem}}, nil, func(p harden.Plan) error {
		if item := p.Items[0]; item.State == harden.Blocked {
			return errors.New(item.Reason)
		}
		return nil
	})
	return done(m, res), err
}

func done(m *Machine, res harden.Result) Done {
	d := Done{Finished: res.Finished, Warnings: res.Warnings}
	for _, c := range res.Plan.Changes {
		d.Files = append(d.Files, m.Show(c.Target))
	}
	return d
}

// wants returns a plan as cells of the engine.
func (m *Machine) wants(on *harden.Machine, plan []Change) ([]harden.Want, error) {
	var wants []harden.Want
	for _, c := range plan {
		// A dotfile that is a link is changed where it really is.
		real, err := filepath.EvalSymlinks(m.Path(c.Path))
		if err != nil {
			return nil, err
		}
		want, err := m.want(c, real)
		if err != nil {
			return nil, err
		}
		want.Target, want.Foreign = on.Host.Show(real), true
		wants = append(wants, want)
	}
	return wants, nil
}

func (m *Machine) want(c Change, real string) (harden.Want, error) {
	if c.Gather != nil {
		move, err := m.realGather(*c.Gather)
		if err != nil {
			return harden.Want{}, err
		}
		value, err := harden.ProgramsValue(*move, true)
		return harden.Want{Kind: harden.Programs, Value: value}, err
	}
	info, err := os.Stat(real)
	if err != nil {
		return harden.Want{}, err
	}
	st := info.Sys().(*syscall.Stat_t)
	value := harden.Value{Present: true, Mode: modeBits(c.Mode), UID: int(st.Uid), GID: int(st.Gid)}
	if c.After == nil {
		return harden.Want{Kind: harden.Mode, Value: value}, nil
	}
	if now, err := m.ReadFile(c.Path); err != nil || string(now) != string(c.Before) {
		return harden.Want{}, errors.Join(errors.New(c.Path+" changed while it was examined"), err)
	}
	value.Text = string(c.After)
	return harden.Want{Kind: harden.File, Value: value}, nil
}

// Undo reverts the latest fix and returns the files that it restored. If one of the
// files was changed since, it changes nothing.
func Undo(ctx context.Context, m *Machine) (Done, error) {
	parent, err := m.fixesDir()
	if err != nil {
		return Done{}, err
	}
	entries, err := os.ReadDir(m.Path(parent))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Done{}, err
	}
	for _, entry := range slices.Backward(entries) {
		dir := filepath.Join(parent, entry.Name())
		has := func(name string) bool { // one that cannot be read is no reason to undo an earlier fix
			_, err := os.Lstat(filepath.Join(m.Path(dir), name))
			return !errors.Is(err, fs.ErrNotExist)
		}
		switch {
		case has(oldRecord):
			return undoOld(m, dir)
		case has("ledger.json") || has("journal.json"):
			return m.undo(ctx, dir)
		}
	}
	return Done{}, diag.New(diag.Failure, "no fix to undo", "vmgo doctor --fix")
}

func (m *Machine) undo(ctx context.Context, dir string) (Done, error) {
	engine, err := m.engine(dir)
	if err != nil {
		return Done{}, err
	}
	res, err := engine.Undo(ctx, nil, func(harden.Plan) error {
		changed, err := engine.ChangedSince()
		if err == nil && len(changed) > 0 {
			err = m.cannotUndo(errors.New(strings.Join(changed, "; ")), dir)
		}
		return err
	})
	return done(m, res), err
}

// cannotUndo is the error of an undo that would lose what others wrote.
func (m *Machine) cannotUndo(cause error, dir string) error {
	return diag.Wrap(diag.Failure, cause, "cannot undo", "ls -R "+diag.Word(m.Show(dir))+"   # the copies, to compare with")
}
