package release

import (
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// KeepNewest records in the cache directory dir the newest stable release of
// a list, so that commands without network know which lines have ended.
// It fails silently.
func KeepNewest(dir string, list []Listed) {
	newest := Newest(list)
	if newest.IsZero() || newest == KeptNewest(dir) || fsx.MkdirAll(dir, 0o755) != nil {
		return
	}
	_ = fsx.WriteFile(newestFile(dir), []byte(newest.String()+"\n"), 0o644)
}

// KeptNewest returns what [KeepNewest] recorded last, or the zero version.
func KeptNewest(dir string) gover.Version {
	if dir == "" {
		return gover.Version{}
	}
	data, _ := smallfile.Head(newestFile(dir), 64)
	v, _ := gover.Parse(strings.TrimSpace(string(data)))
	return v
}

func newestFile(dir string) string { return filepath.Join(dir, "newest") }

// Newest returns the newest release of a list that is not a prerelease, or the zero
// version.
func Newest(list []Listed) gover.Version {
	var newest gover.Version
	for _, l := range list {
		if !l.Version.IsPrerelease() && l.Version.Compare(newest) > 0 {
			newest = l.Version
		}
	}
	return newest
}
