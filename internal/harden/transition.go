package harden

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// transition collects the changes from the present to the wanted state of the machine,
// and the new ledger. It reads only.
type transition struct {
	m       *Machine
	led     ledger
	changes []Change
	index   map[cellKey]int
	steps   map[string][]Change // by item, in order, for showing
	notes   []string
}

func newTransition(m *Machine, led ledger) *transition {
	return &transition{m: m, led: led.clone(), index: map[cellKey]int{}, steps: map[string][]Change{}}
}

// current is the value of a cell after the changes so far. like is another value of it.
func (t *transition) current(key cellKey, like Value) (Value, error) {
	if i, ok := t.index[key]; ok {
		return t.changes[i].To, nil
	}
	return t.m.readLike(key, like)
}

// set adds a change, or changes an earlier one of the same cell.
func (t *transition) set(item string, c Change) {
	c.Items = []string{item}
	t.steps[item] = append(t.steps[item], c)
	key := c.key()
	if i, ok := t.index[key]; ok {
		t.changes[i].To, t.changes[i].Check = c.To, c.Check
		t.changes[i].Items = append(t.changes[i].Items, item)
		return
	}
	t.index[key] = len(t.changes)
	t.changes = append(t.changes, c)
}

// apply adds what an item wants, and restores what it no longer wants.
func (t *transition) apply(item Item, desired Desired) error {
	wanted := map[cellKey]bool{}
	for _, w := range t.m.expand(desired.Wants) {
		wanted[cellKey{w.Kind, w.Target}] = true
		if err := t.want(item.ID, w); err != nil {
			return err
		}
	}
	if err := t.release(item.ID, wanted); err != nil {
		return err
	}
	if e := t.led.entry(item.ID); e != nil {
		e.What, e.User = item.What, t.m.User
		return nil
	}
	t.led.Items = append(t.led.Items, entry{ID: item.ID, What: item.What, User: t.m.User, At: t.m.Host.Now().UTC()})
	return nil
}

// expand adds the directories that the wants need and leaves out what an image
// does not have. A directory that exists stays as it is.
func (m *Machine) expand(wants []Want) []Want {
	var out []Want
	seen, mode := map[string]bool{}, uint32(0o755)
	if m.isOwn() {
		mode = 0o700 // as the XDG base directory specification has it
	}
	for _, w := range wants {
		if w.Kind.runtime() && !m.Live || w.Kind == Unit && !m.Systemd() {
			continue
		}
		if w.Kind == File || w.Kind == Link {
			for _, dir := range parents(w.Target) {
				if !seen[dir] {
					seen[dir] = true
					out = append(out, Want{Kind: Dir, Target: dir, Value: Value{Present: true, Mode: mode, UID: m.Owner, GID: m.Group}})
				}
			}
		}
		out = append(out, w)
	}
	return out
}

// parents lists the directories above a path, the outermost first.
func parents(target string) []string {
	var dirs []string
	for dir := path.Dir(target); dir != "/"; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}

func (t *transition) want(item string, w Want) error {
	key := cellKey{w.Kind, w.Target}
	now, err := t.current(key, w.Value)
	if err != nil {
		return err
	}
	r := t.led.find(key)
	if r == nil {
		if w.Kind == Dir && now.Present {
			return nil
		}
		if !w.Shared && now.Same(w.Value) {
			return nil // already set, not by us: nothing to undo later
		}
		r = t.led.add(record{Kind: w.Kind, Target: w.Target, Original: now})
	}
	if !slices.Contains(r.Items, item) {
		r.Items = append(r.Items, item)
	}
	to := w.Value
	if w.Shared {
		if r.Parts == nil {
			r.Parts = map[string]string{}
		}
		r.Parts[item] = to.Text
		to.Text = compose(r.Parts)
	}
	if w.Kind == Dir && now.Present {
		return nil
	}
	return t.move(item, r, now, to, w.Check)
}

// move brings the cell of a record to a value and keeps the version of whoever
// changed it since.
func (t *transition) move(item string, r *record, now, to Value, check []string) error {
	drifted := r.Written.Present && now.Present && !now.Same(r.Written)
	r.Written = to
	if now.Same(to) {
		return nil
	}
	c := Change{Kind: r.Kind, Target: r.Target, From: now, To: to, Check: check}
	if drifted && (r.Kind == File || r.Kind == Link) {
		keep, err := t.keepPath(r.Target)
		if err != nil {
			return err
		}
		c.Keep = keep
	}
	t.set(item, c)
	return nil
}

// keepPath finds a free name beside a file. No drop-in directory reads a file
// of that suffix, so a kept one has no effect.
func (t *transition) keepPath(target string) (string, error) {
	for n := range 1000 {
		keep := target + ".vmgo-kept"
		if n > 0 {
			keep = fmt.Sprintf("%s.%d.vmgo-kept", target, n)
		}
		real := t.m.real(keep)
		if _, err := os.Lstat(real); os.IsNotExist(err) {
			return keep, nil
		}
	}
	return "", fmt.Errorf("%s: a thousand kept copies already", target)
}

// release lets go of an item's cells but those in except: a cell that nobody
// wants any more gets its original value.
func (t *transition) release(item string, except map[cellKey]bool) error {
	for i := len(t.led.Records) - 1; i >= 0; i-- {
		r := &t.led.Records[i]
		at := slices.Index(r.Items, item)
		if at < 0 || except[r.key()] {
			continue
		}
		r.Items = slices.Delete(r.Items, at, at+1)
		delete(r.Parts, item)
		if err := t.restore(item, r); err != nil {
			return err
		}
	}
	t.led.sweep()
	return nil
}

// restore changes a cell to what the remaining items want, or to its
// original.
func (t *transition) restore(item string, r *record) error {
	if r.Kind.runtime() && (!t.m.Live || r.Kind == Unit && !t.m.Systemd()) {
		return nil
	}
	now, err := t.current(r.key(), r.Written)
	if theirs := (otherKindError{}); errors.As(err, &theirs) && !r.Original.Present {
		t.notes = append(t.notes, theirs.Error()+" any more, so it belongs to others and is kept")
		return nil
	}
	if err != nil {
		return err
	}
	to := r.Original
	switch {
	case r.Parts != nil && len(r.Items) > 0:
		to = r.Written
		to.Text = compose(r.Parts)
	case len(r.Items) > 0:
		return nil
	case r.Kind == Mode && !now.Present:
		return nil // gone, and nothing is left to have a mode
	case r.Kind == Dir && t.occupied(r.Target):
		t.notes = append(t.notes, r.Target+" is kept: it has files that vmgo did not make")
		return nil
	case r.Kind == File && to.Present && !now.Same(r.Written):
		if text, ok := withdraw(now.Text, r.Written.Text, to.Text); ok {
			to.Text, to.MTime = text, 0
		}
	}
	if !now.Same(r.Written) && r.Kind != Dir {
		t.notes = append(t.notes, fmt.Sprintf("%s %s was changed by others after vmgo wrote it", r.Kind, r.Target))
	}
	return t.move(item, r, now, to, nil)
}

// occupied reports whether a directory holds something that this transition does
// not remove.
func (t *transition) occupied(dir string) bool {
	if t.stops(escapePath(dir) + ".mount") {
		return false // what is seen there now lies in the mount
	}
	for _, e := range t.m.Host.ReadDir(dir) {
		name := path.Join(dir, e.Name())
		if !t.removes(name) && !strings.HasSuffix(name, ".vmgo-stage") {
			return true
		}
	}
	return slices.ContainsFunc(t.changes, func(c Change) bool { return path.Dir(c.Keep) == dir })
}

func (t *transition) stops(unit string) bool {
	return slices.ContainsFunc(t.changes, func(c Change) bool { return c.Kind == Unit && c.Target == unit && !c.To.Present })
}

func (t *transition) removes(target string) bool {
	return slices.ContainsFunc(t.changes, func(c Change) bool {
		return c.Target == target && !c.To.Present && c.Kind != Mode
	})
}

// commands are what must run once the files have changed.
func (m *Machine) commands(changes []Change) [][]string {
	if !m.Systemd() {
		return nil
	}
	for _, c := range changes {
		// systemd makes units of /etc/fstab, too.
		if (c.Kind == File || c.Kind == Link) && (strings.HasPrefix(c.Target, "/etc/systemd/") || m.isOwn() || c.Target == "/etc/fstab") {
			return [][]string{m.systemctl("daemon-reload")}
		}
	}
	return nil
}
