package observe

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/observe/findings"
	"github.com/vmgo/vmgo/internal/observe/profiles"
	"github.com/vmgo/vmgo/internal/observe/report"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Comparison is what two captures differ in.
type Comparison struct {
	Before   string     `json:"before"` // directories
	After    string     `json:"after"`
	Findings []Change   `json:"findings"`
	Profiles []Function `json:"functions"`
	flames   []report.Flame
	notes    []string
	facts    [][2]string
}

// Change is a finding in two captures.
type Change struct {
	ID      string   `json:"id"`
	Word    string   `json:"change"` // new, gone, worse, better, same
	Summary string   `json:"summary"`
	Unit    string   `json:"unit"`
	Before  *float64 `json:"before"` // null: it was not found
	After   *float64 `json:"after"`
}

// Function is a function whose own part of a profile changed.
type Function struct {
	Profile string  `json:"profile"`
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Before  float64 `json:"before"` // per second of the capture
	After   float64 `json:"after"`
}

// recorded is what a directory of an earlier capture has.
type recorded struct {
	dir      string
	metadata Metadata
	findings []findings.Finding
	profiles map[string]*profiles.Profile
}

// maxRecord bounds metadata.json and findings.json, in bytes.
const maxRecord = 16 << 20

func load(dir string) (recorded, error) {
	r := recorded{dir: dir, profiles: map[string]*profiles.Profile{}}
	for name, into := range map[string]any{"metadata.json": &r.metadata, "findings.json": &r.findings} {
		data, err := smallfile.Read(filepath.Join(dir, name), maxRecord)
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			return r, diag.Wrap(diag.Failure, err, dir+" is not a directory that vmgo observe wrote", "vmgo observe UNIT --out "+diag.Word(dir))
		}
	}
	if err := diag.Newer(filepath.Join(dir, "metadata.json"), r.metadata.Format, metadataFormat); err != nil {
		return r, err
	}
	for _, c := range compared() {
		data, err := smallfile.Read(filepath.Join(dir, "profiles", c.name+".pb.gz"), capture.MaxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			r.profiles[c.name], err = profiles.Parse(data)
		}
		if err != nil {
			return r, diag.Wrap(diag.Failure, err, "cannot read the profile "+c.name+" of "+dir, "ls -l "+diag.Word(dir))
		}
	}
	return r, nil
}

// compares is how a profile is compared.
type compares struct {
	name, value, title string
	rate               bool // per second of the capture; else as it stands
}

func compared() []compares {
	return []compares{
		{"cpu", "cpu", "CPU", true}, {"allocs", "alloc_space", "allocated", true}, {"heap", "inuse_space", "live heap", false},
		{"block", "delay", "blocked", true}, {"mutex", "delay", "held locks", true},
	}
}

// Diff compares two directories that Record wrote.
func Diff(before, after string) (Comparison, error) {
	c := Comparison{Before: before, After: after, Findings: []Change{}, Profiles: []Function{}}
	a, err := load(before)
	if err != nil {
		return c, err
	}
	b, err := load(after)
	if err != nil {
		return c, err
	}
	c.Findings = changes(a.findings, b.findings)
	for _, kind := range compared() {
		if err := c.profile(kind, a, b); err != nil {
			return c, err
		}
	}
	for _, r := range []recorded{a, b} {
		rows := r.metadata.facts()
		word := "before: "
		if r.dir == after {
			word = "after: "
		}
		for _, row := range rows {
			c.facts = append(c.facts, [2]string{word + row[0], row[1]})
		}
	}
	return c, nil
}

func changes(before, after []findings.Finding) []Change {
	const same = 0.1
	out := []Change{}
	for _, f := range after {
		change := Change{ID: f.ID, Word: "new", Summary: f.Summary, Unit: f.Unit, After: &f.Value}
		if i := slices.IndexFunc(before, func(g findings.Finding) bool { return g.ID == f.ID }); i >= 0 {
			was := before[i].Value
			change.Before = &was
			switch {
			case f.Value > was*(1+same):
				change.Word = "worse"
			case f.Value < was*(1-same):
				change.Word = "better"
			default:
				change.Word = "same"
			}
		}
		out = append(out, change)
	}
	for _, f := range before {
		if !slices.ContainsFunc(after, func(g findings.Finding) bool { return g.ID == f.ID }) {
			out = append(out, Change{ID: f.ID, Word: "gone", Summary: f.Summary, Unit: f.Unit, Before: &f.Value})
		}
	}
	return out
}

// profile compares one kind: as flame graph of the difference, and the functions that
// changed most.
func (c *Comparison) profile(kind compares, before, after recorded) error {
	a, b := before.profiles[kind.name], after.profiles[kind.name]
	if a == nil || b == nil {
		if a != b {
			c.notes = append(c.notes, "only one capture has the profile "+kind.title)
		}
		return nil
	}
	scale := 1.0
	if kind.rate {
		scale = after.metadata.Seconds / max(before.metadata.Seconds, 0.1)
	}
	diff, err := profiles.Minus(b, a, scale)
	if err != nil {
		c.notes = append(c.notes, kind.title+": "+err.Error())
		return nil
	}
	c.flames = append(c.flames, report.Flame{ID: "diff-" + kind.name, Title: kind.title, Profile: diff, Value: kind.value})
	i := diff.Index(kind.value)
	unit := diff.Values()[i].Unit
	if kind.rate {
		unit += " per second"
	}
	was, is := own(a, kind.value), own(b, kind.value)
	perA, perB := 1.0, 1.0
	if kind.rate {
		perA, perB = max(before.metadata.Seconds, 0.1), max(after.metadata.Seconds, 0.1)
	}
	changed := diff.Functions(i)
	slices.SortStableFunc(changed, func(x, y profiles.Function) int {
		return cmp.Compare(max(y.Self, -y.Self), max(x.Self, -x.Self)) // whatever the sign
	})
	for _, f := range changed[:min(len(changed), 10)] {
		if f.Self != 0 {
			c.Profiles = append(c.Profiles, Function{Profile: kind.name, Name: f.Name, Unit: unit, Before: was[f.Name] / perA, After: is[f.Name] / perB})
		}
	}
	return nil
}

func own(p *profiles.Profile, value string) map[string]float64 {
	all := map[string]float64{}
	for _, f := range p.Functions(p.Index(value)) {
		all[f.Name] = float64(f.Self)
	}
	return all
}

// Page returns the comparison as a page.
func (c Comparison) Page() report.Page {
	p := report.Page{
		Title: "before and after", Lead: filepath.Base(c.Before) + " and " + filepath.Base(c.After), None: "Red in a flame graph is more than before, green is less.",
		Flames: c.flames, Notes: c.notes, Facts: c.facts,
	}
	for _, f := range c.Findings {
		p.Changes = append(p.Changes, report.Change{ID: f.ID, Word: f.Word, Summary: f.Summary, Before: f.Number(f.Before), After: f.Number(f.After)})
	}
	return p
}

// Number writes one of the change's values with its unit; "not found" for none.
func (c Change) Number(value *float64) string {
	if value == nil {
		return "not found"
	}
	return strconv.FormatFloat(*value, 'g', 3, 64) + " " + c.Unit
}

// String is the change on one line.
func (f Function) String() string {
	return fmt.Sprintf("%s %s: %.4g before, %.4g after (%s)", f.Profile, f.Name, f.Before, f.After, f.Unit)
}
