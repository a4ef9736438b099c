// Package installed says which Go releases the stores of a machine hold. It is
// linked into the lean program: standard library only, no fmt.
package installed

import "github.com/vmgo/vmgo/internal/gover"

// Release is one installed release.
type Release struct {
	Version gover.Version
	GOROOT  string // absolute path of the release's tree
	Store   string // the store that holds it
}
