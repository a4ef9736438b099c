package store

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// FaultKind is what is wrong with a store.
type FaultKind string

// What Check finds. The first group is repaired by the next writer, the second
// by installing the release again, the third by proving the tree, the fourth needs
// a decision by a person.
const (
	FaultLeftover  FaultKind = "leftover"  // a stage or temporary file of a dead process
	FaultOrphan    FaultKind = "orphan"    // a record or link of a release that is not there
	FaultToolchain FaultKind = "toolchain" // a missing or wrong link in toolchains
	FaultLock      FaultKind = "lock"      // a lock that other users may open, and so hold

	FaultRecords FaultKind = "records" // receipt or manifest missing, damaged or not of this release
	FaultTree    FaultKind = "tree"    // files that are not those of the manifest, by name, size or mode

	FaultUnproved FaultKind = "unproved" // a tree named like a release that has no receipt

	FaultNewer    FaultKind = "newer"    // records that a newer vmgo wrote, and only it can read
	FaultDefault  FaultKind = "default"  // the default names a release that is not there
	FaultWritable FaultKind = "writable" // others may write here
	FaultOwner    FaultKind = "owner"    // a directory of the store, or on the way to it, belongs to somebody else
	FaultLinks    FaultKind = "links"    // a file has names outside of the store
	FaultStranger FaultKind = "stranger" // something that vmgo did not put there
)

// Fault is one thing that is wrong with a store.
type Fault struct {
	Kind    FaultKind
	Version gover.Version // of the release concerned, if it is one
	Path    string        // relative to the store, absolute if it is outside
	Detail  string
	Fix     string // the command of a person who has to, "" where repair does it
}

// In returns the full path of what the fault of the store at dir is about.
func (f Fault) In(dir string) string {
	if filepath.IsAbs(f.Path) {
		return f.Path
	}
	return filepath.Join(dir, f.Path)
}

// NeedsReinstall reports whether installing the release again repairs the fault.
func (f Fault) NeedsReinstall() bool {
	return f.Kind == FaultRecords || f.Kind == FaultTree || f.Kind == FaultWritable && !f.Version.IsZero()
}

// Check checks everything that a store promises, except the contents of files, which
// package verify reads. It changes nothing. While other processes write, it waits for a
// moment in which no names change; a user who may not write cannot make them wait, and
// sees the present state.
func (s *Store) Check(ctx context.Context, wait Wait) ([]Fault, error) {
	if _, err := os.Lstat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	real, unsafe, err := s.Unsafe()
	if err != nil {
		return nil, err
	}
	locks, err := s.wideLocks()
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(s.meta("lock")); err == nil && len(unsafe) == 0 && s.CheckWritable() == nil {
		meta, err := fsx.OpenTrusted(filepath.Join(real, metaDir))
		if err != nil {
			return nil, err
		}
		defer meta.Close()
		lock, err := s.acquireAsIs(ctx, meta, wait)
		if err != nil {
			return nil, err
		}
		defer lock.Release()
	}
	releases, err := s.Releases()
	if err != nil {
		return nil, err
	}
	unproved, err := installed.Unproved([]string{s.dir})
	if err != nil {
		return nil, err
	}
	c := &checker{s: s, present: map[string]gover.Version{}, inodes: map[uint64]*linked{}, faults: locks}
	for _, r := range releases {
		c.present[r.Version.String()] = r.Version
	}
	c.unsafe(real, unsafe)
	err = errors.Join(err, c.top(), c.staging(), c.records(), c.toolchains())
	for _, r := range releases {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		err = errors.Join(err, c.release(r))
	}
	for _, r := range unproved {
		err = errors.Join(err, c.unproved(r))
	}
	c.links()
	slices.SortFunc(c.faults, func(a, b Fault) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return c.faults, err
}

type checker struct {
	s       *Store
	present map[string]gover.Version
	inodes  map[uint64]*linked // files with several names
	faults  []Fault
}

type linked struct {
	path        string
	names, seen uint64
}

func (c *checker) add(kind FaultKind, v gover.Version, path, detail string) {
	c.faults = append(c.faults, Fault{Kind: kind, Version: v, Path: path, Detail: detail})
}

// unsafe reports the directories in which others can change the store.
func (c *checker) unsafe(real string, list []*fsx.UnsafeError) {
	for _, u := range list {
		at, kind := u.Path, FaultWritable
		if rel, err := filepath.Rel(real, at); err == nil && filepath.IsLocal(rel) {
			at = rel
		}
		if u.Owner {
			kind = FaultOwner
		}
		c.faults = append(c.faults, Fault{Kind: kind, Path: at, Detail: u.Reason, Fix: u.Fix})
	}
}

// top checks the store's directory and the default.
func (c *checker) top() error {
	names, err := readNames(c.s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		switch {
		case name == "toolchains", name == metaDir, name == "default", !c.present[name].IsZero():
		case strings.HasPrefix(name, fsx.TempPrefix):
			c.add(FaultLeftover, gover.Version{}, name, "a temporary file")
		case c.s.isUnproved(name): // told already
		default:
			c.add(FaultStranger, gover.Version{}, name, "it is not a release")
		}
	}
	link := installed.DefaultLink(c.s.dir)
	if target, err := os.Readlink(link); err == nil && c.present[target].IsZero() {
		c.add(FaultDefault, gover.Version{}, "default", "it names "+target+", which is not installed")
	} else if _, statErr := os.Lstat(link); err != nil && statErr == nil {
		c.add(FaultStranger, gover.Version{}, "default", "it is not a link")
	}
	return nil
}

// staging looks for stages whose maker is gone.
func (c *checker) staging() error {
	staging, err := fsx.OpenTrusted(c.s.meta("staging"))
	if errors.Is(err, fs.ErrNotExist) || isInItsPlace(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer staging.Close()
	names, err := staging.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if e, err := staging.Lookup(name); err == nil && !e.Mode.IsDir() {
			c.add(FaultLeftover, gover.Version{}, filepath.Join(metaDir, "staging", name), "it is not a directory")
			continue
		}
		dir, dead, err := claim(staging, name)
		if err != nil {
			return err
		}
		if dead {
			c.add(FaultLeftover, gover.Version{}, filepath.Join(metaDir, "staging", name), "an unfinished install")
			err = dir.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// namesIn returns the names in a directory of the store.
func namesIn(dir string) ([]string, error) {
	names, err := readNames(dir)
	if isInItsPlace(err) {
		return nil, nil
	}
	return names, err
}

// isInItsPlace reports whether an error is about a link or file in the place of
// a directory. It is unsafe, and told.
func isInItsPlace(err error) bool { return fsx.IsSpecial(err) || errors.Is(err, syscall.ENOTDIR) }

// records looks for records of no release.
func (c *checker) records() error {
	for _, kind := range [][2]string{{"manifests", ""}, {"receipts", ".json"}} {
		names, err := namesIn(c.s.meta(kind[0]))
		if err != nil {
			return err
		}
		for _, name := range names {
			path := filepath.Join(metaDir, kind[0], name)
			version, ok := strings.CutSuffix(name, kind[1])
			if strings.HasPrefix(name, fsx.TempPrefix) {
				c.add(FaultLeftover, gover.Version{}, path, "a temporary file")
				continue
			}
			c.ofNoRelease(version, ok, path)
		}
	}
	return nil
}

// ofNoRelease reports what belongs to no installed release: the next writer removes
// what is named as for a release, and nothing else.
func (c *checker) ofNoRelease(version string, named bool, path string) {
	if _, ok := installed.VersionOf(version); !named || !ok {
		c.add(FaultStranger, gover.Version{}, path, "it is not of a release")
	} else if c.present[version].IsZero() {
		c.add(FaultOrphan, gover.Version{}, path, "its release is not installed")
	}
}

func (c *checker) toolchains() error {
	dir := installed.Toolchains(c.s.dir)
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		version, ok := strings.CutPrefix(name, "go")
		c.ofNoRelease(version, ok, filepath.Join("toolchains", name))
	}
	for _, v := range c.present {
		if _, sound := c.s.ToolchainLink(v); !sound {
			c.add(FaultToolchain, v, filepath.Join("toolchains", v.Toolchain()), "it does not lead to "+toolchainTarget(v))
		}
	}
	return nil
}

// ToolchainLink returns where the link of an installed release for
// GOTOOLCHAIN=path is, relative to its GOROOT, and reports whether it leads to the
// release's go.
func (s *Store) ToolchainLink(v gover.Version) (rel string, sound bool) {
	link := filepath.Join(installed.Toolchains(s.dir), v.Toolchain())
	target, err := os.Readlink(link)
	rel, _ = filepath.Rel(s.GOROOT(v), link)
	return rel, err == nil && target == toolchainTarget(v)
}

// unproved reports a tree without a receipt. It may have been a release, and
// share files with others: those names are not outside of the store.
func (c *checker) unproved(r installed.Release) error {
	c.add(FaultUnproved, r.Version, r.Version.String(), "it has no receipt, so it is not installed: vmgo install "+r.Version.String())
	return filepath.WalkDir(r.GOROOT, func(path string, d fs.DirEntry, err error) error {
		var st syscall.Stat_t
		_ = syscall.Lstat(path, &st)
		if l := c.inodes[st.Ino]; l != nil {
			l.seen++
		}
		return nil // an unreadable part says nothing about the releases
	})
}

// isUnproved reports whether name is that of a tree without a receipt.
func (s *Store) isUnproved(name string) bool {
	v, ok := installed.VersionOf(name)
	return ok && s.Unproved(v)
}

// release compares the names, sizes and modes of a tree with its manifest.
func (c *checker) release(r installed.Release) error {
	m, err := c.s.Manifest(r.Version)
	switch {
	case diag.CodeOf(err) == diag.NewerFormat:
		c.add(FaultNewer, r.Version, r.Version.String(), err.Error())
	case err != nil:
		c.add(FaultRecords, r.Version, r.Version.String(), err.Error())
	}
	want := make(map[string]int, len(m))
	for i := range m {
		want[m[i].Path] = i
	}
	hasManifest := err == nil
	err = filepath.WalkDir(r.GOROOT, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(path, r.GOROOT), "/")
		at := filepath.Join(r.Version.String(), rel)
		if st.Mode&0o022 != 0 && st.Mode&syscall.S_IFMT != syscall.S_IFLNK {
			c.add(FaultWritable, r.Version, at, "others may write to it")
		}
		if d.IsDir() {
			return nil
		}
		c.count(at, &st)
		if i, ok := want[rel]; ok {
			delete(want, rel)
			if f := &m[i]; st.Mode&syscall.S_IFMT != syscall.S_IFREG || st.Size != f.Size || fs.FileMode(st.Mode&0o777) != f.Mode {
				c.add(FaultTree, r.Version, at, "it is not the installed file")
			}
		} else if hasManifest {
			c.add(FaultTree, r.Version, at, "it was not installed")
		}
		return nil
	})
	for rel := range want {
		c.add(FaultTree, r.Version, filepath.Join(r.Version.String(), rel), "it is missing")
	}
	return err
}

// count notes one name of a file that has several.
func (c *checker) count(at string, st *syscall.Stat_t) {
	if st.Nlink == 1 {
		return
	}
	l := c.inodes[st.Ino]
	if l == nil {
		l = &linked{path: at, names: uint64(st.Nlink)}
		c.inodes[st.Ino] = l
	}
	l.seen++
}

// links finds files that have more names than the releases explain: the owner
// of such a name elsewhere may change the file. Live stages hold some.
func (c *checker) links() {
	if names, err := readNames(c.s.meta("staging")); err != nil || len(names) > 0 {
		return
	}
	for _, l := range c.inodes {
		if l.seen < l.names {
			c.add(FaultLinks, gover.Version{}, l.path, strconv.FormatUint(l.names-l.seen, 10)+" of its names are not in a release of this store")
		}
	}
}
