// Package project finds out what the files around a directory ask for: it walks
// upwards, reads .go-version, .tool-versions, go.work and go.mod, and says
// which of them decides and why.
//
// Which file decides, in this order (the first that answers wins):
//
//  1. Inside the repository (up to the directory that has .git, or to the root
//     where there is none): the nearest of the files written for version
//     managers, .go-version before .tool-versions in one directory. Of two such
//     pins the nearer wins.
//  2. Inside the repository: go.work as the go command finds it (GOWORK obeyed),
//     else the nearest go.mod. A toolchain line in it pins; without one the go
//     line is a minimum.
//  3. Beyond the repository, upwards: the nearest .go-version or .tool-versions.
//
// So a .go-version at the top of a repository beats the toolchain line of a
// go.mod farther down. A toolchain line is mostly written by the go command, and for Go it
// is a suggestion that never lowers the version; a .go-version is written by a
// person who wants that release. Where both exist and disagree so far that go
// itself would refuse (the go line asks for more), resolve reports a conflict.
//
// The files are data, never code. They are opened without blocking, must be
// regular files, are read up to a limit, and follow a strict grammar; anything
// else is bad-version-file with path and line. Only a file whose content could
// decide is an error: a go.mod that does not parse is passed over where a
// .go-version decides.
//
// The package is linked into the lean program: no fmt, no regexp.
package project

import (
	"strconv"

	"github.com/vmgo/vmgo/internal/gover"
)

// Kind names where a requirement comes from. The values are part of the
// contract of "vmgo current --json".
type Kind string

// The kinds of origins, in the order of precedence.
const (
	Variable       Kind = "VMGO_VERSION"
	GoVersion      Kind = ".go-version"
	ToolVersions   Kind = ".tool-versions"
	GoWork         Kind = "go.work"
	GoMod          Kind = "go.mod"
	UserDefault    Kind = "user-default"
	MachineDefault Kind = "machine-default"
	SystemGo       Kind = "system"
)

// Origin says where a requirement stands.
type Origin struct {
	Kind        Kind
	Path        string // the file; empty for a variable; for SystemGo the go found on PATH
	Line        int    // counted from 1; 0 where there are no lines
	Requirement string // as it was written: "1.22.5", "go 1.22", "toolchain go1.22.5"
}

// String returns the origin as people write it: "/src/app/go.mod:3", or the name
// of the variable.
func (o Origin) String() string {
	switch {
	case o.Path == "":
		return string(o.Kind)
	case o.Line == 0:
		return o.Path
	default:
		return o.Path + ":" + strconv.Itoa(o.Line)
	}
}

// Requirement is what one origin asks for.
type Requirement struct {
	// Selector is what is asked for. For a minimum it is an Exact or a Prefix
	// whose Version is the lowest that will do.
	Selector gover.Selector
	Minimum  bool // a go line: that version or a newer one
	// Fallbacks are what will do, in this order, where Selector has nothing installed.
	Fallbacks []gover.Selector
	Origin    Origin
}

// IsZero reports whether nothing is asked for.
func (r Requirement) IsZero() bool { return r.Selector.IsZero() }

// Wanted returns what to install to satisfy r: the selector of a pin, and for a
// minimum the newest patch of its line (the prerelease itself, if it is one).
func (r Requirement) Wanted() gover.Selector {
	v := r.Selector.Version()
	if r.Minimum && !v.IsPrerelease() {
		return gover.PrefixSelector(v)
	}
	return r.Selector
}

// Verdict says what became of one thing that was looked at.
type Verdict string

// The verdicts.
const (
	Absent  Verdict = "absent"  // there is no such file, or the variable is not set
	Decided Verdict = "decided" // this is the one
	Passed  Verdict = "passed"  // it asks for something, but another one goes first
	Ignored Verdict = "ignored" // it is there and asks for nothing; Note says why
	Bad     Verdict = "bad"     // it cannot be read as what it should be; Note says why
)

// Step is one thing that was looked at, in order, for "vmgo current --explain".
type Step struct {
	Origin  Origin // Requirement is empty unless the origin asks for something
	Verdict Verdict
	Note    string
}

// Survey is what a walk found.
type Survey struct {
	// Requirement is what decides; zero when no file asks for anything.
	Requirement Requirement
	// Project is the directory of the file that decided; empty without one.
	Project string
	// Repository is the directory that has .git; empty where there is none.
	Repository string
	// Minimums are the go lines that the go command itself will insist on here:
	// that of the go.work in use, and that of the nearest go.mod.
	Minimums []Requirement
	// Steps lists every file looked at, in order.
	Steps []Step
	// Watch lists what must stay unchanged for the survey to hold: each directory
	// in which a file could appear, and each file that was read.
	Watch []string
}

// Options are the parts of the environment that a walk obeys.
type Options struct {
	GOWORK string // "off", an absolute path, or empty to look for go.work
}
