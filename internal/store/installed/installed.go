// Package installed lists the releases in the stores. Prompts and shims use it, so it is
// part of the lean program: it reads directory names and checks whether each release has
// its receipt, and reads nothing else. That suffices, because package store gives a
// receipt only to a tree of which it checked every byte. A directory without one, however
// it is named, is not installed: anybody may have made it. [Unproved] lists those.
package installed

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"syscall"

	"github.com/vmgo/vmgo/internal/gover"
)

// Release is one installed release.
type Release struct {
	Version gover.Version
	GOROOT  string // its directory
	Store   string // the store that holds it
}

// List returns the releases of the stores, newest first. A store named earlier
// shadows the later ones. A store that does not exist is empty; one that
// cannot be read is an error, returned with the releases of the others.
func List(stores []string) ([]Release, error) {
	return list(stores, true)
}

// Unproved returns the directories of the stores that are named like a release
// but have no receipt, newest first. Nothing uses them: somebody made them by
// hand, or the store lost its receipts.
func Unproved(stores []string) ([]Release, error) {
	return list(stores, false)
}

func list(stores []string, proved bool) ([]Release, error) {
	var releases []Release
	var failures []error
	for i, store := range stores {
		if slices.Contains(stores[:i], store) {
			continue
		}
		names, failure := readNames(store)
		for _, name := range names {
			version, ok := VersionOf(name)
			if !ok || proved && contains(releases, version) {
				continue
			}
			tree, receipt, err := Look(store, version)
			failure = cmp.Or(failure, err) // one for each store
			if err == nil && tree && receipt == proved {
				releases = append(releases, Release{version, GOROOT(store, version), store})
			}
		}
		if failure != nil {
			failures = append(failures, failure)
		}
	}
	slices.SortFunc(releases, func(a, b Release) int { return b.Version.Compare(a.Version) })
	return releases, errors.Join(failures...)
}

// Find returns the release of that version from the first store that has it.
// The error is about stores that cannot be read.
func Find(stores []string, version gover.Version) (release Release, found bool, err error) {
	if version.IsZero() {
		return Release{}, false, nil
	}
	for i, store := range stores {
		if slices.Contains(stores[:i], store) {
			continue
		}
		tree, receipt, failure := Look(store, version)
		if failure == nil && tree && receipt {
			return Release{version, GOROOT(store, version), store}, true, err
		}
		if failure != nil {
			err = errors.Join(err, failure)
		}
	}
	return Release{}, false, err
}

// Look reports whether the store has a tree of that version, and a receipt for
// it. Both together are an installed release. It does not ask whether the receipt
// is that of this very tree: inode and times of a tree, which would tell, are others
// after a restored backup or chown -R. Who may replace the tree may edit it as well.
func Look(store string, version gover.Version) (tree, receipt bool, err error) {
	if tree, err = is(GOROOT(store, version), syscall.S_IFDIR); tree {
		receipt, err = is(Receipt(store, version), syscall.S_IFREG)
	}
	return tree, receipt, err
}

// is reports whether there is something of that kind at path. A link is none.
func is(path string, kind uint32) (bool, error) {
	var stat syscall.Stat_t
	switch err := syscall.Lstat(path, &stat); {
	case err == syscall.ENOENT || err == syscall.ENOTDIR:
		return false, nil
	case err != nil:
		return false, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return stat.Mode&syscall.S_IFMT == kind, nil
}

// Default reads the store's default link. It does not check whether that
// release is installed.
func Default(store string) (gover.Version, bool) {
	target, err := os.Readlink(DefaultLink(store))
	if err != nil {
		return gover.Version{}, false
	}
	return VersionOf(target)
}

// DefaultLink is the path of the link to the store's default release.
func DefaultLink(store string) string { return join(store, "default") }

// Toolchains is the directory of links named go1.X.Y, for Go's own
// GOTOOLCHAIN=path.
func Toolchains(store string) string { return join(store, "toolchains") }

// GOROOT is the directory that the release has or would have in the store.
func GOROOT(store string, version gover.Version) string { return join(store, version.String()) }

// Receipt returns the path of the receipt of a release: where it came from, and what
// was checked. The release is installed if it is a regular file.
func Receipt(store string, version gover.Version) string {
	return join(store, ".vmgo/receipts/"+version.String()+".json")
}

// VersionOf returns the version in the name of a directory of a store. Only
// the canonical text of something that can be installed counts: neither
// "go1.22.5" nor the language version "1.22".
func VersionOf(name string) (gover.Version, bool) {
	if len(name) == 0 || name[0] < '0' || name[0] > '9' {
		return gover.Version{}, false
	}
	version, err := gover.Parse(name)
	if err != nil || version.String() != name || !(version.IsRelease() || version.IsPrerelease()) {
		return gover.Version{}, false
	}
	return version, true
}

func contains(releases []Release, version gover.Version) bool {
	for _, r := range releases {
		if r.Version == version {
			return true
		}
	}
	return false
}

// readNames returns the names in a directory. It makes the system calls itself:
// the poller, the types and the sorting of package os cost a program that
// makes fifty calls in all more than the reading.
func readNames(dir string) (names []string, err error) {
	fd, err := -1, error(syscall.EINTR)
	for err == syscall.EINTR {
		fd, err = syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	}
	if err == syscall.ENOENT {
		return nil, nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer syscall.Close(fd)
	buffer := make([]byte, 4096)
	for {
		n, err := syscall.ReadDirent(fd, buffer)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return names, &os.PathError{Op: "readdir", Path: dir, Err: err}
		case n <= 0:
			return names, nil
		default:
			_, _, names = syscall.ParseDirent(buffer[:n], -1, names)
		}
	}
}

func join(dir, name string) string {
	if len(dir) > 0 && dir[len(dir)-1] == '/' {
		return dir + name
	}
	return dir + "/" + name
}

// Pick returns the newest release of the stores that a selector matches.
func Pick(stores []string, selector gover.Selector, ranges gover.RangeParser) (release Release, found bool, err error) {
	releases, err := List(stores)
	if err != nil {
		return Release{}, false, err
	}
	versions := make([]gover.Version, len(releases))
	for i, r := range releases {
		versions[i] = r.Version
	}
	version, found, err := selector.Pick(versions, ranges)
	if err != nil || !found {
		return Release{}, false, err
	}
	return Find(stores, version)
}
