package harden

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// assess finds out how an item stands: by the ledger if it is applied, else as the
// machine will be after the items before it.
func (e *Engine) assess(item Item, led ledger, t *transition) ItemStatus {
	status := describe(item)
	desired, err := item.Desired(e.Machine)
	if err != nil {
		status.State, status.Reason = Blocked, reasonOf(err)
		return status
	}
	status.desired, status.Notes, status.Advice = desired, desired.Notes, desired.Advice
	if led.entry(item.ID) != nil {
		status.State, status.Reason = e.assessApplied(item, desired, led)
		return status
	}
	switch {
	case desired.Blocked != "":
		status.State, status.Reason = Blocked, desired.Blocked
	case desired.NotApplicable != "":
		status.State, status.Reason = NotApplicable, desired.NotApplicable
	default:
		status.State, status.Reason = assessFresh(desired, t)
	}
	return status
}

// assessApplied compares the cells of an applied item with what vmgo wrote
// and with what the item wants today.
func (e *Engine) assessApplied(item Item, desired Desired, led ledger) (State, string) {
	if drift := e.drift(item.ID, led); len(drift) > 0 {
		return Drifted, strings.Join(drift, "; ")
	}
	if desired.Effective != nil {
		if winners := desired.Effective(); len(winners) > 0 {
			return Overridden, strings.Join(winners, "; ")
		}
	}
	older := ""
	if desired.Older != nil {
		older = desired.Older()
	}
	if desired.Blocked != "" || desired.NotApplicable != "" {
		return Applied, older
	}
	t := newTransition(e.Machine, led)
	if err := t.apply(item, desired); err != nil {
		return Blocked, reasonOf(err)
	}
	if slices.ContainsFunc(t.changes, func(c Change) bool { return !c.From.Same(c.To) }) {
		return Pending, "applied, but there are new changes"
	}
	return Applied, older
}

// drift names the cells of an item that are no longer as vmgo left them.
func (e *Engine) drift(id string, led ledger) []string {
	var drift []string
	for _, r := range led.owned(id) {
		if r.Kind.runtime() && (!e.Machine.Live || r.Kind == Unit && !e.Machine.Systemd()) {
			continue
		}
		now, err := e.Machine.readLike(r.key(), r.Written)
		switch {
		case err != nil:
			drift = append(drift, reasonOf(err))
		case r.Kind == Dir && now.Present, now.Same(r.Written):
		case !now.Present && r.Kind.runtime():
			drift = append(drift, fmt.Sprintf("%s %s is off", r.Kind, r.Target))
		case !now.Present:
			drift = append(drift, r.Target+" is gone")
		case r.Kind == Sysctl:
			drift = append(drift, fmt.Sprintf("%s is %s, not %s", r.Target, now.Text, r.Written.Text))
		case r.Kind.runtime():
			drift = append(drift, fmt.Sprintf("%s %s is on again", r.Kind, r.Target))
		default:
			drift = append(drift, r.Target+" was changed")
		}
	}
	return drift
}

// ChangedSince lists what others have changed since an apply: it has neither the value
// that vmgo left nor the one from before.
func (e *Engine) ChangedSince() ([]string, error) {
	led, err := e.Machine.loadLedger()
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, r := range led.Records {
		now, err := e.Machine.readLike(r.key(), r.Written)
		switch {
		case err != nil:
			changed = append(changed, reasonOf(err))
		case !now.Same(r.Written) && !now.Same(r.Original):
			changed = append(changed, r.Target+" was changed since")
		}
	}
	return changed, nil
}

// notByVmgo is the reason of an item that has nothing to do.
const notByVmgo = "already set, not by vmgo"

// assessFresh judges the cells of an item that was never applied, as they will
// be after the items before it.
func assessFresh(desired Desired, t *transition) (State, string) {
	pending := false
	for _, w := range t.m.expand(desired.Wants) {
		key := cellKey{w.Kind, w.Target}
		now, err := t.current(key, w.Value)
		if err != nil {
			return Blocked, reasonOf(err)
		}
		r := t.led.find(key)
		switch {
		case w.Kind == Dir && now.Present:
		case r != nil && w.Shared:
			if !now.Same(r.Written) {
				return Blocked, w.Target + " was changed by others after vmgo wrote it; undo its items first, or write it again with --only"
			}
			pending = true
		case now.Same(w.Value) && !w.Shared:
		case (w.Kind == File || w.Kind == Link) && now.Present && !w.Foreign && r == nil:
			return Blocked, w.Target + " already exists, and was not made by vmgo"
		default:
			pending = true
		}
	}
	if pending {
		return Pending, ""
	}
	return Applied, notByVmgo
}

// strangers are applied items that this vmgo has no definition of here: those
// of a service, or of another version.
func (e *Engine) strangers(led ledger, only []string) []ItemStatus {
	var out []ItemStatus
	for _, entry := range led.Items {
		if _, ok := Find(e.Items, entry.ID); ok {
			continue
		}
		status := ItemStatus{ID: entry.ID, What: entry.What, State: Applied, Selected: slices.Contains(only, entry.ID), Profiles: []string{}, Changes: []FileDiff{}}
		if drift := e.drift(entry.ID, led); len(drift) > 0 {
			status.State, status.Reason = Drifted, strings.Join(drift, "; ")
		} else if winners := e.serviceOf(entry.ID, led).effective(e.Machine); len(winners) > 0 {
			status.State, status.Reason = Overridden, strings.Join(winners, "; ")
		} else if s := e.serviceOf(entry.ID, led); s.Name != "" {
			status.Reason = s.proof(e.Machine)
		}
		out = append(out, status)
	}
	return out
}

// serviceOf reads from the drop-in that vmgo wrote what the limits of a service are;
// the zero Service for other items.
func (e *Engine) serviceOf(id string, led ledger) Service {
	var s Service
	for _, r := range led.owned(id) {
		if r.Kind != File || path.Base(r.Target) != limitsDropIn {
			continue
		}
		s.Name = strings.TrimSuffix(path.Base(path.Dir(r.Target)), ".d")
		for line := range strings.Lines(r.Written.Text) {
			switch key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key {
			case "MemoryMax":
				s.Memory, _ = strconv.ParseInt(value, 10, 64)
			case "CPUQuota":
				percent, _ := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
				s.CPUs = percent / 100
			}
		}
	}
	return s
}

func describe(item Item) ItemStatus {
	status := ItemStatus{
		ID: item.ID, What: item.What, Why: item.Why, OffWhy: item.OffWhy, Effect: item.Effect, Evidence: item.Evidence,
		Needs: item.Needs, NeedsReboot: item.Needs == NeedsReboot, Undo: item.Undo, Profiles: []string{}, Changes: []FileDiff{},
	}
	for _, p := range item.On {
		status.Profiles = append(status.Profiles, string(p))
	}
	return status
}

// Step is one thing that apply or undo does for an item.
type Step struct {
	File    *FileDiff // the change of a file; else
	Command string    // what amounts to the change
}

// show puts the changes for an item into words, in the order in which they are made.
// reload has the commands between files and what runs.
func (s *ItemStatus) show(changes []Change, reload [][]string) {
	s.Changes = []FileDiff{}
	changes = slices.Clone(changes)
	order(changes)
	reloaded := false
	for i, c := range changes {
		if diff := c.Diff(); diff != "" {
			s.Changes = append(s.Changes, FileDiff{Path: c.Target, Diff: diff, Keep: c.Keep})
			s.Steps = append(s.Steps, Step{File: &s.Changes[len(s.Changes)-1]})
		} else {
			s.Commands = append(s.Commands, c.Command())
			s.Steps = append(s.Steps, Step{Command: c.Command()})
		}
		if last := i == len(changes)-1; !reloaded && (last || changes[i+1].phase() > phaseReload) {
			reloaded = true
			for _, argv := range reload {
				s.Steps = append(s.Steps, Step{Command: joinWords(argv)})
			}
		}
	}
}

func reasonOf(err error) string {
	var p *fs.PathError
	if errors.Is(err, fs.ErrPermission) && errors.As(err, &p) {
		return p.Path + " cannot be read as this user"
	}
	return err.Error()
}
