// Package resolve decides which Go is in force in a directory: the first of
// VMGO_VERSION, the files around the directory, the user's default, the
// machine's default and the go on PATH that answers, matched against the
// installed releases. Each answer carries its origin and the steps that led
// to it. It installs nothing and starts no program.
//
// The package is linked into the lean program: no fmt, no regexp.
package resolve

import (
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// Input is all that a resolution depends on.
type Input struct {
	Dir         string // logical working directory, absolute
	Version     string // VMGO_VERSION
	GOWORK      string // GOWORK, obeyed as the go command does
	Path        string // PATH, for the go of the system
	UserDefault string // the file with the user's default: <Config>/default
	// MachineDefault is the release that a store's link names, with that link
	// as its Origin's Path; zero when there is none. See [DefaultOf].
	MachineDefault project.Requirement
	Installed      []installed.Release // newest first, a user's store shadowing the machine's
	Stores         []string            // the stores in which Installed was looked for
	OwnDirs        []string            // directories of shims: never the go of the system
	OwnPrograms    []string            // vmgo and vmgo-shim: a go that is one of them leads back to us
	// Watch lists further files and directories on which the answer depends,
	// such as the settings files; they are handed on in Resolution.Watch.
	Watch  []string
	Ranges gover.RangeParser // nil in the lean program
}

// Resolution is the Go that is in force, and why.
type Resolution struct {
	Requirement project.Requirement // what decided
	Version     gover.Version       // zero where it is not known (some system go)
	GOROOT      string              // empty where it is not known
	Store       string              // the store that holds it; empty for System
	Installed   bool                // false only beside an error
	System      bool                // the go that PATH has without us is in force
	SystemGo    string              // its path, when System is set
	// Project is the directory of the file that decided; with VMGO_VERSION set,
	// of the one that would have decided. Empty outside any project.
	Project   string
	Conflicts []Conflict
	Steps     []project.Step
	// Watch lists the files and directories whose change may change the answer.
	Watch []string
}

// Conflict is a pin below what the go command will insist on.
type Conflict struct {
	Version gover.Version       // what the pin came to
	Pin     project.Origin      // where it was asked for
	Minimum project.Requirement // the go line that asks for more
}

// String gives the conflict as one line with both origins.
func (c Conflict) String() string {
	panic("not yet")
}

// DefaultOf makes the requirement for the machine's default from the link that
// names it.
func DefaultOf(v gover.Version, link string) project.Requirement {
	return project.Requirement{
		Selector: gover.ExactSelector(v),
		Origin:   project.Origin{Kind: project.MachineDefault, Path: link, Requirement: v.String()},
	}
}

// Resolve decides. The error is gover.ErrNeedsRanges when a range is to be
// decided without a parser for it, or else a *diag.Error: not-installed,
// no-requirement, bad-selector or bad-version-file. The Resolution is filled in
// as far as it is known beside an error too, Steps and Watch always.
func Resolve(in Input) (Resolution, error) {
	panic("not yet")
}
