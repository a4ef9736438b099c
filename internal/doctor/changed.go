package doctor

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Changed is what a run found otherwise than the last one.
type Changed struct {
	Since string   `json:"since"` // when the last run was, RFC 3339
	New   []string `json:"new"`   // ids of findings that were none then, or lesser ones
	Gone  []string `json:"gone"`  // ids of findings of then that are none now
}

// lastRun is the record of the last run: <State>/doctor-last.json.
type lastRun struct {
	Format int      `json:"format"`
	Time   string   `json:"time"`
	Status statuses `json:"status"` // by the id of the check; of one that was skipped, what was known before
}

const lastRunFormat = 1

// statuses are the grades of checks by their ids: of a baseline, or of the last run.
type statuses map[string]Status

// knows reports whether a finding was one before, at the same grade or a worse one.
func (s statuses) knows(o Outcome) bool {
	was, found := s[o.Check.ID]
	return found && o.isFinding() && was.rank() >= o.Status.rank()
}

// isFinding reports whether there is something to know or to fix.
func (r Result) isFinding() bool { return r.Status.rank() >= Info.rank() }

// Compared returns the report with what has changed since the last run of this user,
// and keeps its grades for the next one. Without a record there is nothing to compare
// with; where none can be written, the next run has none.
func (m *Machine) Compared(r Report) Report {
	file := m.Path(filepath.Join(m.Layout.State, "doctor-last.json"))
	if m.Layout.State == "" {
		return r
	}
	var last lastRun
	data, err := smallfile.Read(file, smallfile.Usual)
	if err == nil {
		err = fsx.Decode("the record of the last run, "+file+",", data, lastRunFormat, &last)
	}
	switch {
	case diag.CodeOf(err) == diag.NewerFormat:
		return r // a newer vmgo goes on with it
	case err == nil && last.Time != "":
		r.Changed = r.since(last)
	}
	m.keepRun(file, r, last.Status)
	return r
}

// since compares with the last run. A check that was skipped now is as it was.
func (r Report) since(last lastRun) *Changed {
	c := Changed{Since: last.Time, New: []string{}, Gone: []string{}}
	for _, o := range r.Heads() {
		switch was := last.Status[o.Check.ID]; {
		case o.isFinding() && !last.Status.knows(o):
			c.New = append(c.New, o.Check.ID)
		case o.Status == OK && was.rank() >= Info.rank():
			c.Gone = append(c.Gone, o.Check.ID)
		}
	}
	return &c
}

// keepRun writes the grades of a run, unless the directory is another user's: root with
// the HOME of a user would leave files there that are not the user's.
func (m *Machine) keepRun(file string, r Report, before statuses) {
	if m.isAnothers(m.Nearest(m.Layout.State)) {
		return
	}
	now := lastRun{Format: lastRunFormat, Time: m.Now().UTC().Format(time.RFC3339), Status: statuses{}}
	for _, o := range r.Outcomes {
		now.Status[o.Check.ID] = o.Status
		if was, found := before[o.Check.ID]; found && o.Status == Skip {
			now.Status[o.Check.ID] = was
		}
	}
	data, err := json.Marshal(now)
	if err != nil || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	_ = fsx.WriteFile(file, append(data, '\n'), 0o600) // without it the next run compares with nothing
}

// isNew reports whether a finding is none of the last run.
func (r Report) isNew(id string) bool { return r.Changed != nil && slices.Contains(r.Changed.New, id) }

// String says how much has changed, and what is gone.
func (c *Changed) String() string {
	if c == nil {
		return ""
	}
	if len(c.New)+len(c.Gone) == 0 {
		return "nothing has changed since " + c.Since
	}
	text := fmt.Sprintf("since %s: %d new, %d gone", c.Since, len(c.New), len(c.Gone))
	if len(c.Gone) > 0 {
		text += " (" + strings.Join(c.Gone, ", ") + ")"
	}
	return text
}
