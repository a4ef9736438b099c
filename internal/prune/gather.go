package prune

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/verify"
)

// Scope is whose things are pruned, and what is known of them already.
type Scope struct {
	Layout      dirs.Layout
	Settings    settings.Settings
	Root        string // where the machine's files begin
	UID         int
	Path        string // PATH
	OwnPrograms func() []string
	// Open opens a store.
	Open func(dir string) *store.Store
	// Here is what is selected in the working directory; zero where nothing is.
	Here resolve.Resolution
	// Modcache is the go command's module cache of this user, or empty.
	Modcache string
	// Shims are links to a vmgo-shim that is gone.
	Shims []string
	// Warnf is told of homes that cannot be read.
	Warnf func(format string, args ...any)
}

// Gather finds out who needs what. For the machine's store that is all users, as
// far as root can see them; others can only answer for themselves.
func (s Scope) Gather() (Input, error) {
	in := Input{Needed: map[string]string{}, Resolve: s.selected, Shims: s.Shims}
	stores := s.Layout.Stores(s.Settings.Root)
	releases, err := installed.List(stores)
	if err != nil {
		return in, err
	}
	in.Stored = releases
	for _, release := range releases {
		if s.Open(release.Store).CheckWritable() == nil {
			in.Installed = append(in.Installed, release)
		}
	}
	s.places(&in)
	for _, dir := range stores {
		if version, ok := installed.Default(dir); ok {
			in.need(installed.GOROOT(dir, version), "the default of "+dir)
		}
	}
	if in.Projects, err = seen.List(s.Layout.State); err != nil {
		return in, diag.Wrap(diag.Failure, err, "cannot tell which projects are known, so nothing is pruned",
			"ls -l "+diag.Word(filepath.Join(s.Layout.State, "projects")))
	}
	if _, err := s.outside(s.Layout, in.need); err != nil {
		return in, err
	}
	in.need(s.Here.GOROOT, "selected here: "+s.Here.Requirement.Origin.String())
	return in, s.othersNeed(in)
}

// need records that something needs a release, unless something else does already.
func (in Input) need(goroot, why string) {
	if _, known := in.Needed[goroot]; !known {
		in.Needed[goroot] = why
	}
}

// places names the directories of this user that may hold something to prune.
func (s Scope) places(in *Input) {
	if s.Layout.Data != "" {
		in.GopathDir = filepath.Join(s.Layout.Data, "gopath")
	}
	if s.Layout.Cache != "" {
		in.Downloads = []string{filepath.Join(s.Layout.Cache, "download")}
		in.Checks = verify.NotesDir(s.Layout.Cache)
	}
	if s.Modcache != "" {
		in.Modcaches = []string{s.Modcache}
	}
}

// outside calls need for what a user has outside of projects: by the settings files,
// in every shell, and by default. It returns the settings that count in projects.
// The error is about what cannot be read.
func (s Scope) outside(layout dirs.Layout, need func(goroot, why string)) (settings.Settings, error) {
	files, err := settings.Load(nil, layout.SettingsFiles()...)
	// The stores are those that are pruned, where the environment names them.
	files.Root = cmp.Or(s.Settings.Root, files.Root)
	projects := files
	projects.Version = ""
	return projects, cmp.Or(err, files.Unread, s.ask(layout, files, "/", need), s.ask(layout, projects, "/", need))
}

// ask calls need for what is selected in a directory for the user of a layout. The
// error is about what cannot be read.
func (s Scope) ask(layout dirs.Layout, by settings.Settings, dir string, need func(goroot, why string)) error {
	resolution, err := s.selectedFor(layout, by, dir)
	switch diag.CodeOf(err) {
	case diag.NotInstalled, diag.NoRequirement:
		err = nil
	}
	why := resolution.Requirement.Origin.String()
	if resolution.Requirement.Origin.Kind == project.Variable {
		why += " in " + by.Value(why).Origin()
	}
	need(resolution.GOROOT, "requested by "+why)
	return cmp.Or(err, resolution.UnreadDefault)
}

// selected returns what is selected in a project of this user: this shell's own
// VMGO_VERSION does not count.
func (s Scope) selected(dir string) (resolve.Resolution, error) {
	own := s.Settings
	own.Version = ""
	return s.selectedFor(s.Layout, own, dir)
}

// selectedFor returns what is selected in a directory for the user of a layout.
func (s Scope) selectedFor(layout dirs.Layout, by settings.Settings, dir string) (resolve.Resolution, error) {
	return here.Resolve(here.Place{
		Dir: dir, Env: map[string]string{"PATH": s.Path}, Layout: layout, Settings: by,
		OwnPrograms: s.OwnPrograms, Ranges: ranges.Parse,
	})
}

// othersNeed adds to the needed releases those of the other users of this
// machine, which root alone can ask for. A home that cannot be read may need any
// release that its user can run, so all of those are needed then; whatever else
// prune removes is not that user's.
func (s Scope) othersNeed(in Input) error {
	if s.UID != 0 {
		return nil
	}
	homes, err := host.Homes(s.Root)
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot tell who uses the releases of this machine, so nothing is pruned", "ls -l /etc/passwd")
	}
	for _, home := range homes {
		err := s.homeNeeds(home, in.need)
		if err == nil {
			continue
		}
		s.Warnf("cannot tell which releases the user of %s needs, so those of the machine are kept: %v", home.Dir, err)
		for _, release := range in.Installed {
			if release.Store != s.Layout.UserStore {
				in.need(release.GOROOT, "may be needed by the user of "+home.Dir)
			}
		}
	}
	return nil
}

// homeNeeds calls need for the releases that are selected for a user, outside of
// projects and in each known one. It looks with that user's rights. The error is
// the first of what cannot be read.
func (s Scope) homeNeeds(home host.Home, need func(goroot, why string)) error {
	var failures []error
	err := home.As(func() {
		layout := dirs.FromEnv(map[string]string{"HOME": home.Dir}, s.Root, home.UID)
		if _, err := os.Stat(layout.Home + "/."); errors.Is(err, fs.ErrPermission) && !home.Owned() {
			return // the home of a system's user, which is closed to it
		}
		settings, unread := s.outside(layout, need)
		projects, unlisted := seen.List(layout.State)
		failures = append(failures, unread, unlisted)
		for _, dir := range projects {
			if !isGone(dir) {
				failures = append(failures, s.ask(layout, settings, dir, need))
			}
		}
	})
	return cmp.Or(append([]error{err}, failures...)...)
}

// isGone reports whether there is no such directory any more. What cannot be
// looked at is not gone.
func isGone(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
