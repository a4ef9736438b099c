// Package audit looks up what is known of what a machine has: installed
// releases, programs built by Go, and the modules that projects require. For each
// vulnerability it names the version that has the fix and the command that gets it.
package audit

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/vulndb"
)

// Kind is what a subject is.
type Kind string

// The kinds of subjects.
const (
	Release Kind = "release"
	Program Kind = "program"
	Project Kind = "project"
)

// Subject is one thing that is looked at.
type Subject struct {
	Kind     Kind
	Path     string   // GOROOT, file, or directory of the go.mod
	Real     string   // of a program: the file that links lead to
	Units    []string // services that run it
	Modules  []vulndb.Module
	OS, Arch string // that it is for; empty: any

	Go      gover.Version // of a release, or that built a program; zero if that is not known
	Managed bool          // a release: vmgo installed it
	Package string        // import path of a program
	Main    vulndb.Module // of a program
	Tool    string        // its name, if vmgo tools installed it
	GOBIN   bool          // it is where go install puts programs
	Owner   string        // the system's package that it belongs to
}

// where returns the path of the subject with the units that run it.
func (s *Subject) where() string {
	if len(s.Units) == 0 {
		return s.Path
	}
	return s.Path + " (" + strings.Join(s.Units, ", ") + ")"
}

// Level is how near a vulnerability is known to be.
type Level string

// The levels, the nearer one last.
const (
	LevelModule Level = "module" // a version of the module that has it is there
	LevelSymbol Level = "symbol" // a function that has it is there, or called
)

// Finding is one vulnerability of one version of a module, wherever that is.
type Finding struct {
	ID      string   `json:"id"`
	Aliases []string `json:"aliases"`
	Summary string   `json:"summary"`
	Module  string   `json:"module"`
	Version string   `json:"version"`
	Fixed   string   `json:"fixed"` // empty: there is no fix yet
	Kind    Kind     `json:"kind"`
	Where   []string `json:"where"`
	Fix     string   `json:"fix"` // a command; empty: there is none yet
	Level   Level    `json:"level"`
	// Checked is how closely was looked: "symbol" if govulncheck did.
	Checked Level `json:"checked"`
}

// Ended is an installed release whose line gets no more fixes.
type Ended struct {
	Version string `json:"version"`
	Since   string `json:"since"`
	Where   string `json:"where"`
	Fix     string `json:"fix"`
}

// Source says which database the findings are by.
type Source struct {
	Version   string    `json:"version"`
	AgeDays   int       `json:"age_days"` // since its newest change
	FetchedAt time.Time `json:"fetched_at"`
	H1        string    `json:"h1"` // as the checksum database has it
}

// Unread is something that could not be looked at.
type Unread struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// Report is the outcome of an audit.
type Report struct {
	Database  Source       `json:"database"`
	Looked    map[Kind]int `json:"looked_at"`
	Findings  []Finding    `json:"findings"`
	EndOfLife []Ended      `json:"end_of_life"`
	Unread    []Unread     `json:"unread"`
}

// Auditor compares subjects with a database.
type Auditor struct {
	Database *vulndb.Database
	Lines    gover.Lines
	Now      time.Time
	// Symbols returns which of the vulnerabilities of a subject are in functions
	// that it has; nil where govulncheck is not installed.
	Symbols func(ctx context.Context, s *Subject, ids []string) (map[string]bool, error)
}

// Audit looks up everything. Findings come in the order of kinds, modules and
// identifiers.
func (a Auditor) Audit(ctx context.Context, subjects []Subject) Report {
	db := a.Database
	r := Report{
		Database: Source{Version: db.Version, FetchedAt: db.FetchedAt, H1: db.H1},
		Looked:   map[Kind]int{}, Findings: []Finding{}, EndOfLife: []Ended{}, Unread: []Unread{},
	}
	if made := db.Made(); !made.IsZero() {
		r.Database.AgeDays = max(0, int(a.Now.Sub(made)/(24*time.Hour)))
	}
	known := map[same]int{}
	for i := range subjects {
		s := &subjects[i]
		r.Looked[s.Kind]++
		r.add(a.findings(ctx, s, &r), known)
		if since := a.Lines.EndOfLife(s.Go); s.Kind == Release && since != "" {
			r.EndOfLife = append(r.EndOfLife, Ended{s.Go.String(), since, s.Path, "vmgo install latest"})
		}
	}
	slices.SortStableFunc(r.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(rank(x.Kind), rank(y.Kind)), cmp.Compare(x.Module, y.Module), cmp.Compare(x.Version, y.Version),
			cmp.Compare(x.ID, y.ID), cmp.Compare(x.Fix, y.Fix))
	})
	return r
}

func rank(k Kind) int { return slices.Index([]Kind{Release, Program, Project}, k) }

func (a Auditor) findings(ctx context.Context, s *Subject, r *Report) []Finding {
	var found []Finding
	var ids []string
	for _, m := range s.Modules {
		matches := a.Database.Affecting(m, s.OS, s.Arch)
		fix := a.fix(s, m, last(matches))
		for _, match := range matches {
			ids = append(ids, match.Entry.ID)
			f := Finding{
				ID: match.Entry.ID, Aliases: match.Entry.Aliases, Summary: match.Entry.Summary, Module: m.Path, Version: m.Version,
				Fixed: match.Fixed, Kind: s.Kind, Where: []string{s.where()}, Level: LevelModule, Checked: LevelModule,
			}
			if f.Aliases == nil {
				f.Aliases = []string{}
			}
			if match.Fixed != "" {
				f.Fix = fix // one command for all of them
			}
			found = append(found, f)
		}
	}
	if len(found) == 0 || a.Symbols == nil || s.Kind == Release {
		return found
	}
	near, err := a.Symbols(ctx, s, ids)
	if err != nil {
		r.Unread = append(r.Unread, Unread{s.Path, err.Error()})
		return found
	}
	for i := range found {
		found[i].Checked = LevelSymbol
		if near[found[i].ID] {
			found[i].Level = LevelSymbol
		}
	}
	return found
}

// last returns the version in which the last of some vulnerabilities is fixed, of
// those that are.
func last(matches []vulndb.Match) (fixed string) {
	for _, match := range matches {
		if modpath.Compare(match.Fixed, fixed) > 0 {
			fixed = match.Fixed
		}
	}
	return fixed
}

// same is what findings have in common that differ in nothing but their place.
type same struct {
	id, module, version, fix string
	kind                     Kind
	level, checked           Level
}

// add unites findings that differ in nothing but their place. known has the index of
// each finding of the report.
func (r *Report) add(found []Finding, known map[same]int) {
	for _, f := range found {
		key := same{f.ID, f.Module, f.Version, f.Fix, f.Kind, f.Level, f.Checked}
		i, old := known[key]
		if !old {
			known[key] = len(r.Findings)
			r.Findings = append(r.Findings, f)
			continue
		}
		for _, where := range f.Where {
			if !slices.Contains(r.Findings[i].Where, where) {
				r.Findings[i].Where = append(r.Findings[i].Where, where)
			}
		}
	}
}

// Reaches reports whether a finding is as near as least. What was not looked at
// more closely may be.
func (f Finding) Reaches(least Level) bool {
	return least == LevelModule || f.Level == LevelSymbol || f.Checked == LevelModule
}

// Since returns the report without the findings that an earlier one has in the
// same places.
func (r Report) Since(earlier Report) Report {
	type place struct{ id, module, version, where string }
	known := map[place]bool{}
	for _, f := range earlier.Findings {
		for _, where := range f.Where {
			known[place{f.ID, f.Module, f.Version, where}] = true
		}
	}
	all := r.Findings
	r.Findings = []Finding{}
	for _, f := range all {
		f.Where = slices.DeleteFunc(slices.Clone(f.Where), func(where string) bool { return known[place{f.ID, f.Module, f.Version, where}] })
		if len(f.Where) > 0 {
			r.Findings = append(r.Findings, f)
		}
	}
	return r
}
