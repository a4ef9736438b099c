// Package resolve decides which Go is selected in a directory: the first of
// VMGO_VERSION, the files around the directory, the user's default, the
// machine's default and the go on PATH that answers, matched against the
// installed releases. Each answer carries its origin and the steps that led
// to it. It installs nothing and starts no program.
//
// The package is linked into the lean program: no fmt, no regexp.
package resolve

import (
	"errors"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
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
	// Releases are what Stores hold.
	Releases    Releases
	Stores      []string
	OwnDirs     []string          // directories of shims: never the go of the system
	OwnPrograms func() []string   // vmgo and vmgo-shim: a go that is one of them leads back to us
	Ranges      gover.RangeParser // nil in the lean program
}

// Releases says what is installed. A prompt asks for no more than its answer
// needs: the list is not read for one certain release.
type Releases interface {
	// Find looks for that release. The error is about where that cannot be done.
	Find(gover.Version) (installed.Release, bool, error)
	// List returns all, newest first, a user's store shadowing the machine's. The
	// error is about stores that it has not been able to read.
	List() ([]installed.Release, error)
	// Default is the machine's, with the link that names it as its Origin's Path;
	// zero where there is none. See [DefaultOf].
	Default() project.Requirement
}

// Resolution is the selected Go, and why.
type Resolution struct {
	Requirement project.Requirement // what decided
	Version     gover.Version       // zero where it is not known (some system go)
	GOROOT      string              // empty where it is not known
	Store       string              // the store that holds it; empty for System
	Installed   bool                // false only beside an error
	System      bool                // the go that PATH has without us is selected
	SystemGo    string              // its path, when System is set
	// Project is the directory of the file that decided; with VMGO_VERSION set,
	// of the one that would have decided. Empty outside any project.
	Project   string
	Conflicts []Conflict
	Steps     []project.Step
	// UnreadDefault is about the user's default, where that cannot be read: it
	// is ignored.
	UnreadDefault error
	// Unread is about stores that could not be read; they might hold a better answer.
	Unread error
	// Watch lists the files and directories whose change may change the answer,
	// besides those of the settings. Some may not exist; that they appear is such a change.
	Watch []string
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
	survey, surveyErr := project.Walk(in.Dir, project.Options{GOWORK: in.GOWORK})
	r := resolver{in: in, survey: survey}
	r.watch()
	err := r.decide(surveyErr)
	if err == nil {
		r.out.Installed = true
		r.conflicts()
	}
	return r.out, err
}

// resolver is the state of one Resolve.
type resolver struct {
	in     Input
	survey project.Survey
	out    Resolution
	// decided is the index of the step of the requirement that decides.
	decided int
	listed  []gover.Version // what versions gave; nil before
	all     []installed.Release
}

func (r *resolver) watch() {
	r.out.Watch = append(r.survey.Watch, r.in.Stores...)
	if r.in.UserDefault != "" {
		r.out.Watch = append(r.out.Watch, r.in.UserDefault)
	}
}

// decide finds the requirement that goes first and settles it.
func (r *resolver) decide(surveyErr error) error {
	byVariable, err := r.variable()
	if err != nil {
		return err
	}
	r.addSurvey(!byVariable.IsZero())
	r.out.Project = r.survey.Project
	switch {
	case !byVariable.IsZero():
		r.accept(byVariable, 0)
	case surveyErr != nil:
		return surveyErr
	case !r.survey.Requirement.IsZero():
		r.out.Requirement = r.survey.Requirement
	default:
		byDefault, err := r.defaultRequirement()
		if err != nil {
			return err
		}
		if byDefault.IsZero() {
			return r.useLastResort()
		}
		r.accept(byDefault, len(r.out.Steps)-1)
	}
	return r.settle()
}

// accept makes the requirement that was recorded as that step the one that decides.
func (r *resolver) accept(requirement project.Requirement, step int) {
	r.out.Requirement, r.decided = requirement, step
	r.out.Steps[step].Verdict = project.Decided
}

// variable reads VMGO_VERSION.
func (r *resolver) variable() (project.Requirement, error) {
	origin := project.Origin{Kind: project.Variable}
	text := strings.TrimSpace(r.in.Version)
	if text == "" {
		r.step(project.Step{Origin: origin, Verdict: project.Absent})
		return project.Requirement{}, nil
	}
	selector, err := gover.ParseSelector(text)
	if err != nil {
		r.step(project.Step{Origin: origin, Verdict: project.Bad, Note: err.Error()})
		return project.Requirement{}, diag.Wrap(diag.BadSelector, err, string(project.Variable), diag.HintsOf(err)...)
	}
	origin.Requirement = text
	r.step(project.Step{Origin: origin, Verdict: project.Passed})
	return project.Requirement{Selector: selector, Origin: origin}, nil
}

// addSurvey takes over what the walk looked at. Beside VMGO_VERSION the file
// that would have decided is only passed.
func (r *resolver) addSurvey(overridden bool) {
	first := len(r.out.Steps)
	r.out.Steps = append(r.out.Steps, r.survey.Steps...)
	for i := first; i < len(r.out.Steps); i++ {
		if r.out.Steps[i].Verdict == project.Decided {
			r.decided = i
			if overridden {
				r.out.Steps[i].Verdict = project.Passed
			}
		}
	}
}

// defaultRequirement reads the user's default, else the machine's, and records
// what was looked at; the last step is that of the requirement it gives.
func (r *resolver) defaultRequirement() (project.Requirement, error) {
	if r.in.UserDefault != "" {
		requirement, err := project.ReadPin(r.in.UserDefault, project.UserDefault)
		step := project.Step{Origin: requirement.Origin, Verdict: project.Passed}
		if requirement.IsZero() {
			step.Origin = project.Origin{Kind: project.UserDefault, Path: r.in.UserDefault}
			step.Verdict = project.Absent
		}
		if err != nil {
			step.Verdict, step.Note = project.Bad, err.Error()
		}
		r.step(step)
		if unread := (*project.UnreadError)(nil); errors.As(err, &unread) {
			r.out.UnreadDefault, err = unread, nil // as if there were none
		}
		if err != nil || !requirement.IsZero() {
			return requirement, err
		}
	}
	machine := r.in.Releases.Default()
	if machine.IsZero() {
		r.step(project.Step{Origin: project.Origin{Kind: project.MachineDefault}, Verdict: project.Absent})
		return machine, nil
	}
	r.step(project.Step{Origin: machine.Origin, Verdict: project.Passed})
	return machine, nil
}

func (r *resolver) step(s project.Step) { r.out.Steps = append(r.out.Steps, s) }

// note says on the step that decided how the release was chosen.
func (r *resolver) note(text string) {
	step := &r.out.Steps[r.decided]
	if step.Note != "" {
		text = step.Note + "; " + text
	}
	step.Note = text
}
