package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// What a crash (SIGKILL, full disk, power) leaves, and who repairs it. "Sweep"
// is reconcile, which each writer runs after taking the store's lock.
//
//	install (reveal)                         left behind                    next writer
//	 1 download into the cache               partial file, not in the store resumes it
//	 2 make stage, lock it                   empty stage                    sweeps
//	 3 extract, write records into the stage stage; not synced, not visible sweeps
//	 4 syncfs                                the same                       sweeps
//	 5 rename manifest, receipt; sync dirs   records of no release          sweeps both
//	 6 rename tree to 1.22.5   <- published  a whole release, no link       makes the link
//	 7 link toolchains/go1.22.5              a whole release                -
//	 8 fsync of the store                    a whole release; after a power
//	                                         failure before this: as 5 or 7
//	 9 delete the stage                      empty stage                    sweeps
//
//	install --reinstall (swap), up to 4 the same
//	 5 write the marker, durable <- decided  the old release, whole         does 6-8
//	 6 exchange the trees                    the new one with old records   does 7-8
//	   (no exchange: rename old aside,       for a moment no release        renames new in
//	   rename new in)
//	 7 rename manifest, receipt              the new release                removes the marker
//	 8 remove the marker                     old tree in the stage          sweeps
//
//	install where a tree without a receipt is in the way: the same swap.
//	From the exchange to the rename of the receipt there is a verified tree that
//	is not installed yet; the next writer does the rest, by the marker.
//
//	uninstall
//	 1 remove default link if it is the one  the release, no default        -
//	 2 rename tree into a stage <- gone      records and link of no release sweeps them
//	 3 fsync store and stage                 the same
//	 4 remove link, manifest, receipt        tree in the stage              sweeps
//	 5 delete the stage                      part of it                     sweeps
//
// Only the holder of both the store's lock and the stage's own flock, which its maker
// holds as long as it lives, sweeps a stage.

// Sweep repairs and deletes what dead processes left. Every writer does so too.
func (s *Store) Sweep(ctx context.Context, wait Wait) error {
	if _, err := os.Lstat(s.meta()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return s.locked(ctx, wait, func(*writer) error { return nil })
}

// reconcile makes stages, records and links fit the releases. The
// stages of dead processes are claimed for done to delete.
func (w *writer) reconcile() error {
	if err := w.claimStages(); err != nil {
		return err
	}
	releases, err := w.Releases()
	if err != nil {
		return err
	}
	present := make(map[string]bool, len(releases))
	for _, r := range releases {
		present[r.Version.String()] = true
		if err := w.linkToolchain(r.Version); err != nil {
			return err
		}
	}
	orphan := func(version string) bool {
		_, ok := installed.VersionOf(version)
		return ok && !present[version]
	}
	return errors.Join(
		w.narrowLocks(),
		sweepDir(w.manifests, orphan),
		sweepDir(w.receipts, func(name string) bool {
			version, ok := strings.CutSuffix(name, ".json")
			return ok && orphan(version)
		}),
		sweepDir(w.toolchains, func(name string) bool {
			version, ok := strings.CutPrefix(name, "go")
			return ok && orphan(version)
		}),
		sweepDir(w.root, func(name string) bool { return false }),
	)
}

// narrowLocks withdraws from all others the locks that an older vmgo made.
func (w *writer) narrowLocks() error {
	names, err := w.locks.Names()
	failures := []error{err, w.locks.Narrow(".")}
	for _, name := range names {
		failures = append(failures, gone(w.locks.Narrow(name)))
	}
	return errors.Join(failures...)
}

// claimStages finishes the swaps of dead processes and claims their stages.
func (w *writer) claimStages() error {
	names, err := w.staging.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if e, err := w.staging.Lookup(name); err == nil && !e.Mode.IsDir() {
			if err := w.staging.Remove(name); err != nil {
				return err
			}
			continue
		}
		dir, got, err := claim(w.staging, name)
		if err != nil {
			return err
		}
		if !got {
			continue
		}
		w.garbage = append(w.garbage, dir)
		if version, inode, ok := readMarker(dir.Dir); ok {
			if err := w.finishSwap(dir, version, inode); err != nil {
				return err
			}
		}
	}
	return nil
}

func readMarker(dir *fsx.Dir) (v gover.Version, inode uint64, ok bool) {
	data, err := dir.ReadFile(markerName, smallfile.Usual)
	if err != nil {
		return v, 0, false
	}
	version, number, _ := strings.Cut(strings.TrimSuffix(string(data), "\n"), " ")
	inode, err = strconv.ParseUint(number, 10, 64)
	v, ok = installed.VersionOf(version)
	return v, inode, ok && err == nil
}

// sweepDir removes the files and links that belong to no release, and the
// temporary files of writes that were cut off.
func sweepDir(dir *fsx.Dir, orphan func(name string) bool) error {
	names, err := dir.Names()
	if err != nil {
		return err
	}
	var failures []error
	for _, name := range names {
		if !orphan(name) && !isTemporary(name) {
			continue
		}
		failures = append(failures, gone(dir.Remove(name)))
	}
	return errors.Join(failures...)
}

// isTemporary reports whether a name is one that [fsx.WriteFile] and [fsx.Dir.Symlink] use.
func isTemporary(name string) bool {
	return strings.HasPrefix(name, fsx.TempPrefix)
}

func readNames(dir string) ([]string, error) {
	d, err := fsx.OpenDirectory(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Names()
}
