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
			in.Needed[installed.GOROOT(dir, version)] = "the default of " + dir
		}
	}
	if s.Here.GOROOT != "" {
		in.Needed[s.Here.GOROOT] = "selected here: " + s.Here.Requirement.Origin.String()
	}
	if in.Projects, err = seen.List(s.Layout.State); err != nil {
		return in, diag.Wrap(diag.Failure, err, "cannot tell which projects are known, so nothing is pruned",
			"ls -l "+diag.Word(filepath.Join(s.Layout.State, "projects")))
	}
	if err := s.userDefault(in, stores); err != nil {
		return in, err
	}
	return in, s.othersNeed(in)
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

// userDefault adds the release that this user's default means.
func (s Scope) userDefault(in Input, stores []string) error {
	pin, err := project.ReadPin(s.Layout.UserDefault(), project.UserDefault)
	if err != nil || pin.IsZero() {
		return err
	}
	if release, found, err := installed.Pick(stores, pin.Selector, ranges.Parse); err == nil && found {
		in.Needed[release.GOROOT] = "requested by " + s.Layout.UserDefault()
	}
	return nil // where it means nothing that is installed, no release is needed for it
}

// selected returns what is selected in a project of this user.
func (s Scope) selected(dir string) (resolve.Resolution, error) { return s.selectedFor(s.Layout, dir) }

// selectedFor returns what is selected in a directory for the user of a layout:
// this shell's own VMGO_VERSION has no say in it.
func (s Scope) selectedFor(layout dirs.Layout, dir string) (resolve.Resolution, error) {
	settings := s.Settings
	settings.Version = ""
	return here.Resolve(here.Place{
		Dir: dir, Env: map[string]string{"PATH": s.Path}, Layout: layout, Settings: settings,
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
		if home.Dir == s.Layout.Home {
			continue
		}
		need := func(goroot, why string) {
			if _, known := in.Needed[goroot]; !known {
				in.Needed[goroot] = why
			}
		}
		err := s.homeNeeds(home, need)
		if err == nil {
			continue
		}
		s.Warnf("cannot tell which releases the user of %s needs, so those of the machine are kept: %v", home.Dir, err)
		for _, release := range in.Installed {
			if release.Store != s.Layout.UserStore {
				need(release.GOROOT, "may be needed by the user of "+home.Dir)
			}
		}
	}
	return nil
}

// homeNeeds calls need for the releases that are selected for a user, by default
// and in each known project. It looks with that user's rights. The error is the
// first of what cannot be read.
func (s Scope) homeNeeds(home host.Home, need func(goroot, why string)) error {
	var failures []error
	err := home.As(func() {
		layout := dirs.FromEnv(map[string]string{"HOME": home.Dir}, s.Root, home.UID)
		if _, err := os.Stat(layout.Home + "/."); errors.Is(err, fs.ErrPermission) && !home.Owned() {
			return // the home of a system's user, which is closed to it
		}
		places, err := seen.List(layout.State)
		failures = append(failures, err)
		for _, dir := range append(places, "/") { // at "/" is what the user has by default
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
				continue // the project is gone
			}
			resolution, err := s.selectedFor(layout, dir)
			switch diag.CodeOf(err) {
			case diag.NotInstalled, diag.NoRequirement:
				err = nil
			}
			failures = append(failures, err, resolution.UnreadDefault)
			if err == nil && resolution.GOROOT != "" {
				need(resolution.GOROOT, "requested by "+resolution.Requirement.Origin.String())
			}
		}
	})
	return cmp.Or(append([]error{err}, failures...)...)
}
