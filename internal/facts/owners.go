package facts

import (
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
)

// Owners returns the users of a machine whose files the user trusts: those of
// root and of the user itself, and what only the user's own group may change.
func Owners(h host.Host, uid int) fsx.Owners {
	return fsx.Owners{
		UID:          uid,
		PrivateGroup: func(gid int) bool { return h.PrivateGroup(uid, gid) },
		Unmapped:     h.Unmapped,
	}
}
