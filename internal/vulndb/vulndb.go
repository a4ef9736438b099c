// Package vulndb has the Go vulnerability database, as the module
// golang.org/x/vulndb carries it: which versions of which modules are affected
// by what, and where it is fixed.
package vulndb

import (
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/modpath"
)

// The names that the database has for what comes with a release.
const (
	Std       = "stdlib"    // the standard library: a part of each program
	Toolchain = "toolchain" // the go command and the compiler
)

// Entry is what the database knows of one vulnerability, in the form of OSV
// (ossf.github.io/osv-schema) as far as it is used here.
type Entry struct {
	ID        string     `json:"id"`
	Aliases   []string   `json:"aliases,omitempty"`
	Summary   string     `json:"summary"`
	Withdrawn *time.Time `json:"withdrawn,omitempty"`
	Affected  []Affected `json:"affected"`
}

// Affected is one module that a vulnerability is in.
type Affected struct {
	Package struct {
		Name string `json:"name"` // path of the module
	} `json:"package"`
	Ranges   []Range `json:"ranges,omitempty"`
	Specific struct {
		Imports []Import `json:"imports,omitempty"`
	} `json:"ecosystem_specific"`
}

// Import is a package that a vulnerability is in, on some platforms only or,
// where the lists are empty, on all.
type Import struct {
	Path string   `json:"path"`
	OS   []string `json:"goos,omitempty"`
	Arch []string `json:"goarch,omitempty"`
}

// Range is a list of versions; only those of the type SEMVER mean anything here.
type Range struct {
	Type   string  `json:"type"`
	Events []Event `json:"events"`
}

// Event begins a range of affected versions, or ends it.
type Event struct {
	Introduced string `json:"introduced,omitempty"` // "0": from the beginning
	Fixed      string `json:"fixed,omitempty"`
}

// Module is a module as a program has it.
type Module struct {
	Path    string
	Version string // "v1.2.3"; empty or "(devel)": not known
}

// Match is a vulnerability that a version of a module has.
type Match struct {
	Entry *Entry
	Fixed string // the next version without it, "v1.2.4"; empty: there is none yet
}

// Database is the database at one time.
type Database struct {
	Version   string    `json:"version"` // of the module
	H1        string    `json:"h1"`      // its hash, which the checksum database has
	FetchedAt time.Time `json:"fetched_at"`
	Entries   []*Entry  `json:"entries"`

	path     string // of the file that it was read from
	byModule map[string][]*Entry
}

// index makes the table by which modules are found.
func (d *Database) index() {
	d.byModule = map[string][]*Entry{}
	for _, e := range d.Entries {
		for i := range e.Affected {
			path := e.Affected[i].Package.Name
			if list := d.byModule[path]; len(list) == 0 || list[len(list)-1] != e {
				d.byModule[path] = append(list, e)
			}
		}
	}
}

// Affecting lists what is known of a version of a module on a platform, by the
// rules of govulncheck: a version that is not known counts as unaffected, an
// empty platform as each. The order is that of the identifiers.
func (d *Database) Affecting(m Module, goos, goarch string) []Match {
	if m.Version == "" || m.Version == "(devel)" {
		return nil
	}
	var matches []Match
	for _, e := range d.byModule[m.Path] {
		if e.Withdrawn != nil {
			continue
		}
		for i := range e.Affected {
			a := &e.Affected[i]
			if a.Package.Name != m.Path || !a.onPlatform(goos, goarch) {
				continue
			}
			if affected, fixed := a.judge(m.Version); affected {
				matches = append(matches, Match{Entry: e, Fixed: fixed})
				break
			}
		}
	}
	return matches
}

func (a *Affected) onPlatform(goos, goarch string) bool {
	fits := func(want string, list []string) bool {
		return want == "" || len(list) == 0 || slices.Contains(list, want)
	}
	return len(a.Specific.Imports) == 0 || slices.ContainsFunc(a.Specific.Imports, func(i Import) bool {
		return fits(goos, i.OS) && fits(goarch, i.Arch)
	})
}

// judge reports whether a version is in one of the ranges, and the version that
// ends it. Without a range of semantic versions, each version is affected.
func (a *Affected) judge(version string) (affected bool, fixed string) {
	known := false
	for _, r := range a.Ranges {
		if r.Type != "SEMVER" {
			continue
		}
		known = true
		if affected, fixed := r.judge(version); affected {
			return true, fixed
		}
	}
	return !known, ""
}

func (r Range) judge(version string) (affected bool, fixed string) {
	if len(r.Events) == 0 {
		return true, ""
	}
	events := slices.Clone(r.Events)
	slices.SortStableFunc(events, func(a, b Event) int { return modpath.Compare(a.at(), b.at()) })
	for _, e := range events {
		switch {
		case e.Fixed == "" && !affected:
			affected = e.Introduced == "0" || modpath.Compare(version, e.at()) >= 0
		case e.Fixed != "" && affected:
			if modpath.Compare(version, e.at()) < 0 {
				return true, e.at()
			}
			affected = false
		}
	}
	return affected, ""
}

// at returns the version of an event; "" comes before all others.
func (e Event) at() string {
	switch {
	case e.Introduced == "0":
		return ""
	case e.Fixed != "":
		return "v" + strings.TrimPrefix(e.Fixed, "v")
	}
	return "v" + strings.TrimPrefix(e.Introduced, "v")
}
