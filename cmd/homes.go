package cmd

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/prune"
)

// othersNeed adds to the needed releases those of the other users of this
// machine, which root alone can ask for. A home that cannot be read may need any
// release that its user can run, so all of those are needed then; whatever else
// prune removes is not that user's.
func (a *app) othersNeed(in prune.Input) error {
	if a.host.UID != 0 {
		return nil
	}
	homes, err := host.Homes(a.host.Root)
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot tell who uses the releases of this machine, so nothing is pruned", "ls -l /etc/passwd")
	}
	for _, home := range homes {
		if home.Dir == a.layout.Home {
			continue
		}
		need := func(goroot, why string) {
			if _, known := in.Needed[goroot]; !known {
				in.Needed[goroot] = why
			}
		}
		err := a.homeNeeds(home, need)
		if err == nil {
			continue
		}
		a.warnf("cannot tell which releases the user of %s needs, so those of the machine stay: %v", home.Dir, err)
		for _, release := range in.Installed {
			if release.Store != a.layout.UserStore {
				need(release.GOROOT, "may be needed by the user of "+home.Dir)
			}
		}
	}
	return nil
}

// homeNeeds calls need for the releases that are selected for a user, by default
// and in each known project. It looks with that user's rights. The error is the
// first of what cannot be read.
func (a *app) homeNeeds(home host.Home, need func(goroot, why string)) error {
	var failures []error
	err := home.As(func() {
		layout := dirs.FromEnv(map[string]string{"HOME": home.Dir}, a.host.Root, home.UID)
		if _, err := os.Stat(layout.Home + "/."); errors.Is(err, fs.ErrPermission) && !home.Owned() {
			return // the home of a system's user, which is closed to it
		}
		places, err := seen.List(layout.State)
		failures = append(failures, err)
		for _, dir := range append(places, "/") { // at "/" is what the user has by default
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
				continue // the project is gone
			}
			resolution, err := a.needIn(layout, dir)
			switch diag.CodeOf(err) {
			case diag.NotInstalled, diag.NoRequirement:
				err = nil
			}
			failures = append(failures, err, resolution.UnreadDefault)
			if err == nil && resolution.GOROOT != "" {
				need(resolution.GOROOT, "asked for by "+resolution.Requirement.Origin.String())
			}
		}
	})
	return cmp.Or(append([]error{err}, failures...)...)
}
