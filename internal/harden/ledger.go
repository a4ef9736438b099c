package harden

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// StateDir is where harden keeps its ledger, journal and originals, from the
// machine's root.
const StateDir = "/var/lib/vmgo/harden"

// MaxRecord bounds a plan, a ledger or a journal, in bytes: they hold whole files.
const MaxRecord = 64 << 20

const (
	ledgerFile   = StateDir + "/ledger.json"
	journalFile  = StateDir + "/journal.json"
	lockFile     = StateDir + "/lock"
	originalsDir = StateDir + "/originals"
	formatNow    = 1
)

// ledger records what vmgo has changed on a machine and not undone.
type ledger struct {
	Format  int      `json:"format"`
	Profile Profile  `json:"profile,omitempty"` // of the last apply
	Items   []entry  `json:"items"`             // applied ones, oldest first
	Records []record `json:"records"`           // cells in the order of their first change
	// Times are those of directories in which there are names of vmgo's.
	Times map[string]dirTime `json:"times,omitempty"`
	// Above is the directory in which the state directory was made.
	Above string `json:"above,omitempty"`

	// places has the index of each record, once somebody has asked for one: a store
	// with a bad umask has tens of thousands.
	places map[cellKey]int
}

type entry struct {
	ID   string    `json:"id"`
	What string    `json:"what"`
	User string    `json:"user,omitempty"`
	At   time.Time `json:"at"`
}

// record is a cell that vmgo changed.
type record struct {
	Kind     Kind     `json:"kind"`
	Target   string   `json:"target"`
	Items    []string `json:"items"`    // who wants it so
	Original Value    `json:"original"` // before vmgo
	Written  Value    `json:"written"`  // what vmgo left last
	// Parts are the texts of a shared file by item.
	Parts map[string]string `json:"parts,omitempty"`
}

func (r record) key() cellKey { return cellKey{r.Kind, r.Target} }

func (l *ledger) find(key cellKey) *record {
	if l.places == nil {
		l.places = make(map[cellKey]int, len(l.Records))
		for i, r := range l.Records {
			l.places[r.key()] = i
		}
	}
	if i, ok := l.places[key]; ok {
		return &l.Records[i]
	}
	return nil
}

// add begins the record of a cell that has none.
func (l *ledger) add(r record) *record {
	l.Records = append(l.Records, r)
	if l.places != nil {
		l.places[r.key()] = len(l.Records) - 1
	}
	return &l.Records[len(l.Records)-1]
}

// sweep drops the records of cells that no item wants any more.
func (l *ledger) sweep() {
	l.Records = slices.DeleteFunc(l.Records, func(r record) bool { return len(r.Items) == 0 })
	l.places = nil
}

func (l *ledger) entry(id string) *entry {
	for i := range l.Items {
		if l.Items[i].ID == id {
			return &l.Items[i]
		}
	}
	return nil
}

// owned returns the records of an item, in order.
func (l *ledger) owned(id string) []record {
	var out []record
	for _, r := range l.Records {
		if slices.Contains(r.Items, id) {
			out = append(out, r)
		}
	}
	return out
}

// private says that the ledger holds what not everybody may read: an fstab, say,
// with the passwords of network shares.
func (l *ledger) private() bool {
	return slices.ContainsFunc(l.Records, func(r record) bool {
		return r.Kind == File && r.Original.Present && (r.Original.hidden() || r.Written.hidden())
	})
}

func (l *ledger) empty() bool { return len(l.Items) == 0 && len(l.Records) == 0 }

func (l *ledger) clone() ledger {
	out := *l
	out.places = nil
	out.Times = maps.Clone(l.Times)
	out.Items = slices.Clone(l.Items)
	out.Records = slices.Clone(l.Records)
	for i := range out.Records {
		out.Records[i].Items = slices.Clone(out.Records[i].Items)
		out.Records[i].Parts = maps.Clone(out.Records[i].Parts)
	}
	return out
}

// journal is a transition under way. It is on the disk, whole, before the
// first change, and is removed after the ledger has been replaced. A later
// run that finds one repeats its changes; a change that is already made does nothing.
type journal struct {
	Format   int        `json:"format"`
	Verb     string     `json:"verb"` // apply or undo
	Back     bool       `json:"back"` // a change failed: the transition is being reverted
	Changes  []Change   `json:"changes"`
	Commands [][]string `json:"commands,omitempty"`
	Ledger   ledger     `json:"ledger"` // as it will be
	// Times are those of the directories that the changes write in, as they were.
	Times map[string]int64 `json:"times,omitempty"`
}

func (j *journal) private() bool {
	return j.Ledger.private() || slices.ContainsFunc(j.Changes, func(c Change) bool {
		return c.Kind == File && (c.From.hidden() || c.To.hidden())
	})
}

// load reads a JSON file of the state directory; ok is false where there is
// none.
func (m *Machine) load(path string, into any) (ok bool, err error) {
	real := m.real(m.record(path))
	data, err := smallfile.Read(real, MaxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := fsx.Decode(path, data, formatNow, into); diag.CodeOf(err) == diag.NewerFormat {
		return false, err
	} else if err != nil {
		return false, diag.Wrap(diag.Failure, err, path+", the record of vmgo's changes, cannot be read", "ls "+m.record(originalsDir))
	}
	return true, nil
}

// save replaces a JSON file of the state directory and makes it durable.
func (m *Machine) save(path string, value interface{ private() bool }) error {
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	mode := uint32(0o644)
	if value.private() {
		mode = 0o600
	}
	return m.replace(m.real(m.record(path)), append(data, '\n'), mode)
}

// replace puts a file of vmgo's own in place, durably.
func (m *Machine) replace(real string, data []byte, mode uint32) error {
	stage := stagePath(real)
	if err := os.Remove(stage); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	own := Change{Kind: File, To: Value{Present: true, Text: string(data), Mode: mode, UID: m.Owner, GID: m.Group}}
	err := m.stage(stage, real, own)
	if err == nil {
		err = os.Rename(stage, real)
	}
	if err != nil {
		return errors.Join(err, os.Remove(stage))
	}
	return fsx.SyncDir(filepath.Dir(real))
}

// remove deletes a file of the state directory and makes that durable.
func (m *Machine) remove(path string) error {
	real := m.real(m.record(path))
	if err := os.Remove(real); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return fsx.SyncDir(filepath.Dir(real))
}

func (m *Machine) loadLedger() (ledger, error) {
	led := ledger{Format: formatNow}
	_, err := m.load(ledgerFile, &led)
	if errors.Is(err, fs.ErrPermission) {
		err = diag.Wrap(diag.Failure, err, "only root may read the record of vmgo's changes", "sudo vmgo harden status")
	}
	return led, err
}

func (m *Machine) loadJournal() (*journal, error) {
	var j journal
	if ok, err := m.load(journalFile, &j); !ok {
		return nil, err
	}
	return &j, m.confine(&j)
}

// confine keeps a journal that lies in an image from acting on the machine that
// works on the image. It may have been begun when the image ran, on values that
// only the running machine has; or a stranger may have written it.
func (m *Machine) confine(j *journal) error {
	if m.Live {
		return nil
	}
	j.Commands = nil
	j.Changes = slices.DeleteFunc(j.Changes, func(c Change) bool { return c.Kind.runtime() })
	for _, c := range j.Changes {
		if len(c.Check) > 0 && !slices.Equal(c.Check, visudo()) {
			return fmt.Errorf("%s asks for the command %s, which vmgo does not know", journalFile, joinWords(c.Check))
		}
	}
	return nil
}

// backup also keeps the originals of files that vmgo did not create as plain
// files, to restore them without vmgo.
func (m *Machine) backup(led ledger, at func(string)) error {
	for _, r := range led.Records {
		if r.Kind != File || !r.Original.Present {
			continue
		}
		path := m.real(m.record(originalsDir) + r.Target)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		if err := fsx.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		at("original")
		if err := m.replace(path, []byte(r.Original.Text), r.Original.Mode&0o777); err != nil {
			return err
		}
	}
	return nil
}

// tidy removes what the state directory no longer needs: the backups of files
// that are their original again, and all of it when nothing is applied.
func (m *Machine) tidy(led ledger, at func(string)) error {
	originals := m.real(m.record(originalsDir))
	if !slices.ContainsFunc(led.Records, func(r record) bool { return r.Kind == File && r.Original.Present }) {
		if err := os.RemoveAll(originals); err != nil {
			return err
		}
	}
	if !led.empty() {
		return nil
	}
	at("tidy")
	if err := m.remove(ledgerFile); err != nil {
		return err
	}
	at("ledger-removed")
	m.keepAbove(&led)
	return m.leavingAbove(led, func() error { return m.removeState(led.Above, at) })
}

// removeState removes the state directory with nothing but the lock and
// unfinished stages in it, and what is empty then above it and was made with it.
func (m *Machine) removeState(above string, at func(string)) error {
	dir := m.Host.Path(m.record(StateDir))
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		entries, err = nil, nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(lockFile) && !strings.Contains(e.Name(), ".vmgo-stage") {
			return nil
		}
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
		at("state-file-removed")
	}
	for _, d := range m.stateDirs(above) {
		if err := os.Remove(d); err != nil {
			if isNotEmpty(err) {
				return nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		at("state-dir-removed")
	}
	return nil
}
