package resolve

import (
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// settle matches the requirement that decides against what is there.
func (r *resolver) settle() error {
	requirement := r.out.Requirement
	if requirement.Minimum {
		return r.settleMinimum(requirement.Selector.Version())
	}
	err := r.settlePin(requirement.Selector)
	for _, next := range requirement.Fallbacks {
		if diag.CodeOf(err) != diag.NotInstalled {
			break
		}
		// What is said is about the first one, which is the one to install.
		if r.settlePin(next) == nil {
			r.note(requirement.Selector.Text() + " is not installed, " + next.Text() + " is requested next")
			return nil
		}
	}
	return err
}

// settlePin finds what a selector asks for.
func (r *resolver) settlePin(selector gover.Selector) error {
	switch selector.Kind() {
	case gover.System:
		return r.useSystem()
	case gover.Exact:
		return r.settleExact(selector.Version())
	}
	version, found, err := selector.Pick(r.versions(), r.in.Ranges)
	if err != nil {
		return err
	}
	if !found {
		return r.notInstalled()
	}
	r.useVersion(version)
	r.note("newest installed match: " + version.String())
	return nil
}

// settleExact looks for one certain release, without the list of all.
func (r *resolver) settleExact(v gover.Version) error {
	release, found, err := r.in.Releases.Find(v)
	r.out.Unread = err
	if !found {
		return r.notInstalled()
	}
	r.use(release)
	return nil
}

// settleMinimum takes the newest installed patch of the minimum's line, else
// the default if it is new enough, else the smallest newer one.
func (r *resolver) settleMinimum(minimum gover.Version) error {
	installed := r.versions()
	newEnough := func(v gover.Version) bool {
		prereleaseNamed := minimum.IsPrerelease() && v.Lang() == minimum.Lang()
		return v.Compare(minimum) >= 0 && (!v.IsPrerelease() || prereleaseNamed)
	}
	version, found := gover.Newest(installed, func(v gover.Version) bool {
		return v.Lang() == minimum.Lang() && newEnough(v)
	})
	if found {
		r.useVersion(version)
		r.note("newest installed patch: " + version.String())
		return nil
	}
	if done, err := r.settleDefault(minimum); done || err != nil {
		return err
	}
	for _, v := range installed {
		if newEnough(v) && (!found || v.Compare(version) < 0) {
			version, found = v, true
		}
	}
	if !found {
		return r.notInstalled()
	}
	r.useVersion(version)
	r.note("smallest newer one installed: " + version.String())
	return nil
}

// settleDefault takes the default if it is new enough. A default that cannot be
// used is only noted: it was not asked for here.
func (r *resolver) settleDefault(minimum gover.Version) (done bool, err error) {
	byDefault, err := r.defaultRequirement()
	if err != nil || byDefault.IsZero() {
		return false, nil
	}
	if byDefault.Selector.Kind() == gover.System {
		sys, found := findSystem(r.in)
		if !found || sys.version.Compare(minimum) < 0 {
			return false, nil
		}
		r.takeSystem(sys)
	} else {
		version, found, err := byDefault.Selector.Pick(r.versions(), r.in.Ranges)
		if err != nil || !found || version.Compare(minimum) < 0 {
			return false, err
		}
		r.useVersion(version)
	}
	r.note("the default is new enough: " + r.out.Version.String())
	return true, nil
}

// useSystem takes the go of the system because it was asked for.
func (r *resolver) useSystem() error {
	sys, found := findSystem(r.in)
	if !found {
		return diag.New(diag.NotInstalled, "PATH has no go except those of vmgo, and "+
			r.out.Requirement.Origin.String()+" asks for it", "vmgo use latest")
	}
	r.takeSystem(sys)
	return nil
}

// useLastResort takes the go of the system because nothing asks for any.
func (r *resolver) useLastResort() error {
	sys, found := findSystem(r.in)
	origin := project.Origin{Kind: project.SystemGo, Path: sys.path}
	r.step(project.Step{Origin: origin, Verdict: project.Absent})
	if !found {
		return diag.New(diag.NoRequirement, "no release of Go is requested in "+r.in.Dir+", no default is set, and PATH has no go",
			"vmgo use latest", "vmgo default latest")
	}
	r.accept(project.Requirement{Selector: gover.SystemSelector(), Origin: origin}, len(r.out.Steps)-1)
	r.takeSystem(sys)
	return nil
}

func (r *resolver) takeSystem(sys systemGo) {
	r.out.System, r.out.SystemGo = true, sys.path
	r.out.Version, r.out.GOROOT = sys.version, sys.goroot
}

// useVersion takes the first listed release of that version.
func (r *resolver) useVersion(v gover.Version) {
	i := slices.IndexFunc(r.all, func(release installed.Release) bool { return release.Version == v })
	r.use(r.all[i])
}

func (r *resolver) use(release installed.Release) {
	r.out.Version, r.out.GOROOT, r.out.Store = release.Version, release.GOROOT, release.Store
}

// versions lists what is installed; it reads the stores the first time.
func (r *resolver) versions() []gover.Version {
	if r.listed == nil {
		r.all, r.out.Unread = r.in.Releases.List()
		r.listed = make([]gover.Version, len(r.all))
		for i, release := range r.all {
			r.listed[i] = release.Version
		}
	}
	return r.listed
}

// Conflict is a selected release that the go command will find too old.
type Conflict struct {
	Version gover.Version       // what the pin came to
	Pin     project.Origin      // where it was asked for
	Minimum project.Requirement // the go line that asks for more
}

// String returns the conflict as one line with both origins.
func (c Conflict) String() string {
	return "go " + c.Version.String() + " (" + c.Pin.String() + ") is older than what " +
		c.Minimum.Origin.String() + " requires: " + c.Minimum.Origin.Requirement
}

// Remarks are what the user should know beside the answer, a line each.
func (r Resolution) Remarks() []string {
	var lines []string
	for _, conflict := range r.Conflicts {
		lines = append(lines, conflict.String())
	}
	if r.UnreadDefault != nil {
		lines = append(lines, r.UnreadDefault.Error()+"; it is ignored")
	}
	if r.Unread != nil && r.Installed {
		lines = append(lines, "a store cannot be read, so its releases are ignored: "+strings.ReplaceAll(r.Unread.Error(), "\n", "; "))
	}
	return lines
}

// conflicts reports the highest of the go lines that the selected release does
// not reach. Only go lines count: go refuses nothing for a toolchain line.
func (r *resolver) conflicts() {
	if r.out.Version.IsZero() {
		return
	}
	var highest project.Requirement
	for _, minimum := range r.survey.Minimums {
		required := minimum.Selector.Version()
		if r.out.Version.Compare(required) < 0 && required.Compare(highest.Selector.Version()) > 0 {
			highest = minimum
		}
	}
	if !highest.IsZero() {
		r.out.Conflicts = []Conflict{{r.out.Version, r.out.Requirement.Origin, highest}}
	}
}

// notInstalled says what is asked for, by whom, and how to get it; or that this
// cannot be told.
func (r *resolver) notInstalled() error {
	if r.out.Unread != nil {
		return diag.Wrap(diag.Failure, r.out.Unread, "cannot look for the release that "+r.out.Requirement.Origin.String()+" asks for",
			"vmgo doctor --only security.store")
	}
	requirement := r.out.Requirement
	selector := requirement.Selector
	var what string
	switch {
	case requirement.Minimum:
		what = "no go " + selector.Text() + " or newer is installed"
	case selector.Kind() == gover.Exact:
		what = "go " + selector.Version().String() + " is not installed" + r.unproved(selector.Version())
	case selector.Kind() == gover.Prefix:
		what = "no release of go " + selector.Version().String() + " is installed"
	default:
		what = "no installed release matches " + selector.Text()
	}
	return diag.New(diag.NotInstalled, what+", requested by "+requirement.Origin.String(),
		"vmgo install "+installArgument(requirement.Wanted()))
}

// unproved names the tree that stands in the place of a release that is not
// installed, since it has no receipt.
func (r *resolver) unproved(version gover.Version) string {
	for _, store := range r.in.Stores {
		if tree, receipt, err := installed.Look(store, version); err == nil && tree && !receipt {
			return " (" + installed.GOROOT(store, version) + " has no receipt)"
		}
	}
	return ""
}

// installArgument is what to type after "vmgo install". oldstable is the line
// before the newest one installed, so it needs that too.
func installArgument(selector gover.Selector) string {
	text := strings.TrimPrefix(selector.Text(), "go")
	if text == "oldstable" {
		return "latest oldstable"
	}
	return diag.Word(text)
}
