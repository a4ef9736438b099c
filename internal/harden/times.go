package harden

import (
	"maps"
	"os"
	"path"
	"slices"

	"github.com/vmgo/vmgo/internal/fsx"
)

// dirTime has the modification times, in nanoseconds, of a directory in which vmgo has
// made, replaced or removed names.
type dirTime struct {
	Before int64 `json:"before"` // before vmgo
	Left   int64 `json:"left"`   // after vmgo's last change
}

// then returns what an undo sets: the time before vmgo, or the one that others left since.
func (d dirTime) then(now int64) int64 {
	if d.Left == now {
		return d.Before
	}
	return now
}

// modified returns the modification time of a directory of the machine.
func (m *Machine) modified(dir string) (int64, bool) {
	info, err := os.Stat(m.Host.Path(dir))
	if err != nil || !info.IsDir() {
		return 0, false
	}
	return info.ModTime().UnixNano(), true
}

// setModified sets the time of a directory. One that is gone has none, and a time
// that cannot be set is no reason to stop an undo. Links on the way are followed only where
// nobody but the machine's owner could have put them there.
func (m *Machine) setModified(dir string, nanos int64) {
	if _, there := m.modified(dir); !there {
		return
	}
	if m.unsafeWay(dir) == "" {
		_ = setMTime(m.Host.Path(dir), nanos)
		return
	}
	_ = inTrusted(m.Host.Root, dir, func(parent *fsx.Dir, name string) error { return parent.SetMTime(name, nanos) })
}

// times returns the times of the directories that changes write in. One that gets a copy
// of what others wrote has changed for good, and is left out.
func (m *Machine) times(changes []Change) map[string]int64 {
	found := map[string]int64{}
	for _, c := range changes {
		if !c.Kind.named() {
			continue
		}
		if now, there := m.modified(path.Dir(c.Target)); there {
			found[path.Dir(c.Target)] = now
		}
	}
	for _, c := range changes {
		if c.Keep != "" {
			delete(found, path.Dir(c.Keep))
		}
	}
	return found
}

// meet records the times of directories as a transition finds them.
func (l *ledger) meet(times map[string]int64) {
	for dir, now := range times {
		l.setTime(dir, dirTime{Before: l.Times[dir].then(now), Left: now})
	}
}

func (l *ledger) setTime(dir string, t dirTime) {
	if l.Times == nil {
		l.Times = map[string]dirTime{}
	}
	l.Times[dir] = t
}

// writesIn reports whether vmgo's changes have a name in a directory.
func (l *ledger) writesIn(dir string) bool {
	return slices.ContainsFunc(l.Records, func(r record) bool {
		return r.Kind.named() && path.Dir(r.Target) == dir
	})
}

// settle ends the times of a transition: a directory that has nothing of vmgo's any more
// gets its own time back.
func (m *Machine) settle(l *ledger, times map[string]int64) {
	for _, dir := range slices.Sorted(maps.Keys(times)) {
		if t := l.Times[dir]; l.writesIn(dir) {
			t.Left, _ = m.modified(dir)
			l.setTime(dir, t)
		} else {
			m.setModified(dir, t.Before)
		}
	}
	maps.DeleteFunc(l.Times, func(dir string, _ dirTime) bool { return dir != l.Above && !l.writesIn(dir) })
}

// unsettle restores the times after a transition that was reverted.
func (m *Machine) unsettle(times map[string]int64) {
	for dir, nanos := range times {
		m.setModified(dir, nanos)
	}
}

// lookAbove notes where the state directory will be made, if it has to be made.
func (m *Machine) lookAbove() {
	dir := m.record(StateDir)
	m.above = ""
	if _, there := m.modified(dir); there {
		return
	}
	for dir != "/" {
		dir = path.Dir(dir)
		if now, there := m.modified(dir); there {
			m.above, m.aboveTime = dir, now
			return
		}
	}
}

// keepAbove adds to a ledger what lookAbove has noted.
func (m *Machine) keepAbove(l *ledger) {
	if m.above == "" {
		return
	}
	now, _ := m.modified(m.above)
	l.Above = m.above
	l.setTime(m.above, dirTime{Before: m.aboveTime, Left: now})
}

// leavingAbove removes the state directory by remove, and then restores the time of the
// directory in which it was made.
func (m *Machine) leavingAbove(l ledger, remove func() error) error {
	before, _ := m.modified(l.Above)
	err := remove()
	if _, there := m.modified(m.record(StateDir)); !there && l.Above != "" {
		m.setModified(l.Above, l.Times[l.Above].then(before))
	}
	return err
}

// stateDirs lists the state directory and those that were made with it, the innermost first.
func (m *Machine) stateDirs(above string) []string {
	dir := m.record(StateDir)
	parent := path.Dir(dir) // goes in any case: a crash may have left it alone
	made := []string{m.Host.Path(dir), m.Host.Path(parent)}
	if above == "" || above == parent {
		return made
	}
	for dir = path.Dir(parent); dir != above && dir != "/"; dir = path.Dir(dir) {
		made = append(made, m.Host.Path(dir))
	}
	return made
}
