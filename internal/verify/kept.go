package verify

import (
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
)

// Names of what is kept of a release in [Verifier.NotesDir], each with the version behind it.
const (
	stdPrefix     = "std-"     // a file: the packages that have passed
	rebuildPrefix = "rebuild-" // a directory: a build that was stopped
)

// NotesDir returns the [Verifier.NotesDir] beneath a user's cache.
func NotesDir(cache string) string { return filepath.Join(cache, "verify") }

// KeptOf returns the release of which a name in [Verifier.NotesDir] keeps something.
func KeptOf(name string) (v gover.Version, ok bool) {
	for _, prefix := range []string{stdPrefix, rebuildPrefix} {
		if text, found := strings.CutPrefix(name, prefix); found {
			v, err := gover.Parse(text)
			return v, err == nil
		}
	}
	return v, false
}

// LockOf returns the lock that a rebuild holds for the directory that it works in.
func LockOf(dir string) string { return dir + ".lock" }
