package doctor

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func ownerCheck() Check {
	return Check{
		ID: "security.owner", Group: Security, Weight: 8,
		Title:  "whether the caches and GOPATH belong to you",
		Why:    "one build with sudo leaves files of root, and every later build fails with \"permission denied\"",
		Source: "owners of GOCACHE, GOMODCACHE, GOPATH, the file of `go env -w`, and the first level beneath",
		Run:    runOwner,
	}
}

func runOwner(_ context.Context, m *Machine) Result {
	if m.UID == 0 {
		return skip("you are root and may write everywhere")
	}
	r := ok("the caches and GOPATH are yours")
	dirs := []string{m.GOPATH(), m.GOBIN(), m.GoEnv("GOCACHE").Value, m.GoEnv("GOMODCACHE").Value, m.HomePath(".config/go")}
	seen := map[string]bool{}
	for _, dir := range dirs {
		if dir == "" || !m.Exists(dir) || seen[dir] {
			continue
		}
		seen[dir] = true
		paths := []string{dir}
		for i, entry := range m.ReadDir(dir) {
			if i < 300 {
				paths = append(paths, filepath.Join(dir, entry.Name()))
			}
		}
		if m.withinStore(dir) {
			if r.Fix == "" {
				r = r.unset(m, m.GoEnv("GOPATH"))
			}
			r.worse(Fail)
			r = r.at(dir, 0, "it is inside the store of releases, which is for releases only")
			continue
		}
		for _, p := range paths {
			if uid, _ := m.Owner(p); uid >= 0 && uid != m.UID {
				r.worse(Fail)
				r = r.at(p, 0, "owned by user %d", uid).fixWith("sudo chown -R %s: %s", m.userName(), diag.Word(dir))
				break
			}
		}
	}
	if r.Status == Fail {
		r.Summary = "a cache or GOPATH has files of another user"
	}
	return r
}

// withinStore reports whether a path lies beneath a store of releases.
func (m *Machine) withinStore(path string) bool {
	return slices.ContainsFunc(m.Stores(), func(store string) bool { return strings.HasPrefix(path, store+"/") })
}
