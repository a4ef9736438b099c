package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// ErrExists says that the release is installed already.
var ErrExists = errors.New("the release is installed already")

// Publish makes the stage's tree the release. The caller vouches that all of
// its bytes were verified. With replace an installed release, or a tree without
// a receipt, is swapped for it, in one step where the file system can, and
// deleted when the stage is closed. Crash: see crash.go.
func (st *Stage) Publish(ctx context.Context, m Manifest, r Receipt, replace bool, wait Wait) error {
	err := st.write(m, r)
	if err == nil {
		// The one sync of an install: all files, directories and names beneath
		// the stage are on the disk before any of them can be seen under a
		// release's name.
		err = fsx.SyncFS(st.dir.path)
	}
	if err != nil {
		return st.store.fault(err)
	}
	w, err := st.store.lockNames(ctx, wait)
	if err != nil {
		return err
	}
	st.garbage = append(st.garbage, w.garbage...)
	tree, receipt, err := installed.Look(w.dir, st.version)
	switch {
	case err != nil:
	case tree && replace:
		err = w.swap(st)
	case tree && receipt:
		err = ErrExists
	case tree:
		err = st.store.unproved(st.version)
	default:
		err = w.reveal(st)
	}
	return st.store.fault(errors.Join(err, w.unlock()))
}

// unproved is the error about a tree that has no receipt.
func (s *Store) unproved(v gover.Version) error {
	return diag.New(diag.Unproven, s.GOROOT(v)+" has no receipt, so nobody vouches for it", "vmgo install "+v.String())
}

// write puts manifest and receipt beside the tree.
func (st *Stage) write(m Manifest, r Receipt) error {
	text := m.Encode()
	sum := sha256.Sum256(text)
	r.ManifestSHA256 = hex.EncodeToString(sum[:])
	receipt, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := writeExact(st.dir.manifest(), text); err != nil {
		return err
	}
	return writeExact(st.dir.receipt(), append(receipt, '\n'))
}

func writeExact(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	return os.Chmod(path, 0o644)
}

func (d *stageDir) tree() string     { return filepath.Join(d.path, "tree") }
func (d *stageDir) manifest() string { return filepath.Join(d.path, "manifest") }
func (d *stageDir) receipt() string  { return filepath.Join(d.path, "receipt") }
func (d *stageDir) marker() string   { return filepath.Join(d.path, "swap") }
func (d *stageDir) old() string      { return filepath.Join(d.path, "old") }

// reveal publishes a release that the store does not have.
func (w *writer) reveal(st *Stage) error {
	if err := w.placeRecords(st.dir, st.version); err != nil {
		return err
	}
	// The moment of publication. What crashes before leaves records without a
	// release, which reconcile deletes; what crashes after leaves a release.
	if err := fsx.RenameNew(st.dir.tree(), w.GOROOT(st.version)); err != nil {
		// What somebody put there meanwhile must not have our receipt.
		return errors.Join(err, w.dropRecords(st.version))
	}
	if err := w.linkToolchain(st.version); err != nil {
		return err
	}
	return fsx.SyncDir(w.dir)
}

// placeRecords moves the staged manifest and receipt to their places.
func (w *writer) placeRecords(d *stageDir, v gover.Version) error {
	for _, move := range [][2]string{{d.manifest(), w.manifestPath(v)}, {d.receipt(), w.receiptPath(v)}} {
		if err := os.Rename(move[0], move[1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := fsx.SyncDir(filepath.Dir(move[1])); err != nil {
			return err
		}
	}
	return nil
}

// swap replaces an installed release. The marker makes it a promise: once it
// is durable, whoever comes next finishes the swap.
func (w *writer) swap(st *Stage) error {
	var info syscall.Stat_t
	if err := syscall.Stat(st.dir.tree(), &info); err != nil {
		return err
	}
	marker := st.version.String() + " " + strconv.FormatUint(info.Ino, 10) + "\n"
	if err := fsx.WriteFile(st.dir.marker(), []byte(marker), 0o644); err != nil {
		return err
	}
	if err := fsx.SyncDir(st.dir.path); err != nil {
		return err
	}
	return w.finishSwap(st.dir, st.version, info.Ino)
}

// finishSwap does the steps of a swap that were not done yet. The inode of the
// new tree tells whether it is in its place already.
func (w *writer) finishSwap(d *stageDir, v gover.Version, inode uint64) error {
	target := w.GOROOT(v)
	if !hasInode(target, inode) && hasInode(d.tree(), inode) {
		err := fsx.Exchange(d.tree(), target)
		if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrNotExist) {
			// Without an exchange there is a moment with no release at all.
			if err = os.Rename(target, d.old()); err == nil || errors.Is(err, fs.ErrNotExist) {
				err = fsx.RenameNew(d.tree(), target)
			}
		}
		if err != nil {
			return err
		}
		if err := errors.Join(fsx.SyncDir(w.dir), fsx.SyncDir(d.path)); err != nil {
			return err
		}
	}
	if hasInode(target, inode) {
		if err := w.placeRecords(d, v); err != nil {
			return err
		}
	}
	if err := os.Remove(d.marker()); err != nil {
		return err
	}
	return w.linkToolchain(v)
}

func hasInode(path string, inode uint64) bool {
	var info syscall.Stat_t
	return syscall.Lstat(path, &info) == nil && info.Ino == inode
}

// linkToolchain makes the link by which GOTOOLCHAIN=path finds the release.
func (w *writer) linkToolchain(v gover.Version) error {
	target := toolchainTarget(v)
	path := w.toolchainPath(v)
	if got, err := os.Readlink(path); err == nil && got == target {
		return nil
	}
	return fsx.Symlink(target, path)
}

func toolchainTarget(v gover.Version) string { return "../" + v.String() + "/bin/go" }

// Uninstall removes a release, or a tree in its place that has no receipt. Its
// directory goes by one rename; the files are deleted afterwards, and those that
// other releases share stay with them. The store's default is refused unless
// forced, and then is no default any more.
func (s *Store) Uninstall(ctx context.Context, v gover.Version, force bool, wait Wait) (err error) {
	if !s.Has(v) && !s.Unproved(v) {
		return diag.New(diag.NotInstalled, "go "+v.String()+" is not installed in "+s.dir, "vmgo list")
	}
	release, err := s.LockRelease(ctx, v, wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release.Release()) }()
	w, err := s.lockNames(ctx, wait)
	if err != nil {
		return err
	}
	err = s.fault(w.hide(v, force))
	return errors.Join(err, w.done())
}

// hide takes a release out of sight, into a stage that done deletes.
func (w *writer) hide(v gover.Version, force bool) error {
	if !w.Has(v) && !w.Unproved(v) {
		return diag.New(diag.NotInstalled, "go "+v.String()+" is not installed in "+w.dir, "vmgo list")
	}
	if def, ok := w.Default(); ok && def == v {
		if !force {
			return diag.New(diag.InUse, "go "+v.String()+" is the default of "+w.dir, "vmgo uninstall --force "+v.String())
		}
		if err := os.Remove(installed.DefaultLink(w.dir)); err != nil {
			return err
		}
	}
	dir, err := w.newStageDir(v)
	if err != nil {
		return err
	}
	w.garbage = append(w.garbage, dir)
	if err := os.Rename(w.GOROOT(v), dir.old()); err != nil {
		return err
	}
	// Durable before anything of it is deleted: else a power failure could
	// bring back the name of a release that is half gone.
	if err := errors.Join(fsx.SyncDir(w.dir), fsx.SyncDir(dir.path)); err != nil {
		return err
	}
	return w.dropRecords(v)
}

// dropRecords deletes what is kept beside a release that is gone.
func (w *writer) dropRecords(v gover.Version) error {
	var failures []error
	for _, path := range []string{w.toolchainPath(v), w.manifestPath(v), w.receiptPath(v)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// SetDefault makes an installed release the store's default.
func (s *Store) SetDefault(ctx context.Context, v gover.Version, wait Wait) error {
	w, err := s.lockNames(ctx, wait)
	if err != nil {
		return err
	}
	if !w.Has(v) {
		err = diag.New(diag.NotInstalled, "go "+v.String()+" is not installed in "+s.dir, "vmgo install "+v.String())
	} else if err = fsx.Symlink(v.String(), installed.DefaultLink(s.dir)); err == nil {
		err = fsx.SyncDir(s.dir)
	}
	return errors.Join(s.fault(err), w.done())
}

// ClearDefault takes the store's default away.
func (s *Store) ClearDefault(ctx context.Context, wait Wait) error {
	w, err := s.lockNames(ctx, wait)
	if err != nil {
		return err
	}
	if err = os.Remove(installed.DefaultLink(s.dir)); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(s.fault(err), w.done())
}
