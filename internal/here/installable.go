package here

import (
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// Installable reports whether the release that err says is missing may be
// installed without being requested by name: VMGO_AUTOINSTALL is set, and it is
// no prerelease.
func (s Situation) Installable(err error) bool {
	if !s.Settings.AutoInstall || diag.CodeOf(err) != diag.NotInstalled {
		return false
	}
	wanted := s.Resolution.Requirement.Wanted()
	switch wanted.Kind() {
	case gover.None, gover.System:
		return false
	case gover.Exact:
		return !wanted.Version().IsPrerelease()
	}
	return true
}
