package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strconv"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// ErrExists means that the release is already installed.
var ErrExists = errors.New("the release is already installed")

// Publish makes the stage's tree the release. The caller has verified all of
// its bytes. With replace an installed release, or a tree without
// a receipt, is swapped for it, in one step where the file system can, and
// deleted when the stage is closed. Crash: see crash.go.
func (st *Stage) Publish(ctx context.Context, m Manifest, r Receipt, replace bool, wait Wait) error {
	err := st.write(m, r)
	if err == nil {
		// The one sync of an install: all files, directories and names beneath
		// the stage are on the disk before any of them can be seen under a
		// release's name.
		err = st.dir.SyncFS()
	}
	if err != nil {
		return st.store.fault(err)
	}
	w, err := st.store.lockNames(ctx, st.handles, wait)
	if err != nil {
		return err
	}
	st.garbage = append(st.garbage, w.garbage...)
	tree, receipt, err := installed.Look(w.dir, st.version)
	err = errors.Join(err, st.intact())
	switch {
	case err != nil:
	case tree && replace:
		err = w.swap(st)
	case receipt:
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
	return diag.New(diag.Unproven, s.GOROOT(v)+" has no receipt, so it is not verified", "vmgo install "+v.String())
}

// write puts manifest and receipt beside the tree.
func (st *Stage) write(m Manifest, r Receipt) error {
	text := m.Encode()
	sum := sha256.Sum256(text)
	r.ManifestSHA256 = hex.EncodeToString(sum[:])
	receipt, err := encodeReceipt(r, nil)
	if err != nil {
		return err
	}
	if err := st.dir.Create(manifestName, 0o644, text); err != nil {
		return err
	}
	return st.dir.Create(receiptName, 0o644, receipt)
}

// What is in a directory of staging.
const (
	treeName     = "tree"
	manifestName = "manifest"
	receiptName  = "receipt"
	markerName   = "swap"
	oldName      = "old"
)

// reveal publishes a release that the store does not have.
func (w *writer) reveal(st *Stage) error {
	if err := w.placeRecords(st.dir, st.version); err != nil {
		return err
	}
	// The moment of publication. What crashes before leaves records without a
	// release, which reconcile deletes; what crashes after leaves a release.
	if err := st.dir.RenameNew(treeName, w.root, st.version.String()); err != nil {
		// What somebody put there meanwhile must not have our receipt.
		return errors.Join(err, w.dropRecords(st.version))
	}
	return errors.Join(w.linkToolchain(st.version), w.root.Sync())
}

// placeRecords moves the staged manifest and receipt to their places.
func (w *writer) placeRecords(d *stageDir, v gover.Version) error {
	for _, move := range []struct {
		from string
		to   *fsx.Dir
		name string
	}{{manifestName, w.manifests, v.String()}, {receiptName, w.receipts, receiptOf(v)}} {
		if err := d.Rename(move.from, move.to, move.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := move.to.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// swap replaces an installed release. The marker makes it a promise: once it
// is durable, the next writer finishes the swap.
func (w *writer) swap(st *Stage) error {
	inode := st.dir.Inode(treeName)
	marker := st.version.String() + " " + strconv.FormatUint(inode, 10) + "\n"
	if err := st.dir.WriteFile(markerName, []byte(marker), 0o644); err != nil {
		return err
	}
	if err := st.dir.Sync(); err != nil {
		return err
	}
	return w.finishSwap(st.dir, st.version, inode)
}

// finishSwap does the steps of a swap that were not done yet. The inode of the
// new tree shows whether it is in its place already.
func (w *writer) finishSwap(d *stageDir, v gover.Version, inode uint64) error {
	name := v.String()
	if d.Inode(treeName) == inode {
		err := d.Exchange(treeName, w.root, name)
		if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrNotExist) {
			// Without an exchange there is a moment with no release at all.
			if err = w.root.Rename(name, d.Dir, oldName); err == nil || errors.Is(err, fs.ErrNotExist) {
				err = d.RenameNew(treeName, w.root, name)
			}
		}
		if err != nil {
			return err
		}
		if err := errors.Join(w.root.Sync(), d.Sync()); err != nil {
			return err
		}
	}
	if w.root.Inode(name) == inode {
		if err := w.placeRecords(d, v); err != nil {
			return err
		}
	}
	if err := d.Remove(markerName); err != nil {
		return err
	}
	return w.linkToolchain(v)
}

// linkToolchain makes the link by which GOTOOLCHAIN=path finds the release.
func (w *writer) linkToolchain(v gover.Version) error {
	target := toolchainTarget(v)
	if got, err := w.toolchains.Readlink(v.Toolchain()); err == nil && got == target {
		return nil
	}
	return w.toolchains.Symlink(target, v.Toolchain())
}

func toolchainTarget(v gover.Version) string { return "../" + v.String() + "/bin/go" }

// Uninstall removes a release, or a tree in its place that has no receipt. Its
// directory disappears by one rename; the files are deleted afterwards, and those that
// other releases share stay with them. The store's default is refused unless
// forced, and then is no longer the default.
func (s *Store) Uninstall(ctx context.Context, v gover.Version, force bool, wait Wait) (err error) {
	if !s.Has(v) && !s.Unproved(v) {
		return diag.New(diag.NotInstalled, "go "+v.String()+" is not installed in "+s.dir, "vmgo list")
	}
	h, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	release, err := s.lockRelease(ctx, h, v, wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release.Release()) }()
	w, err := s.lockNames(ctx, h, wait)
	if err != nil {
		return err
	}
	err = s.fault(w.hide(v, force))
	return errors.Join(err, w.done())
}

// hide moves a release into a stage, which done deletes.
func (w *writer) hide(v gover.Version, force bool) error {
	if !w.Has(v) && !w.Unproved(v) {
		return diag.New(diag.NotInstalled, "go "+v.String()+" is not installed in "+w.dir, "vmgo list")
	}
	if def, _ := w.Default(); def == v {
		if !force {
			return diag.New(diag.InUse, "go "+v.String()+" is the default of "+w.dir, "vmgo uninstall --force "+v.String())
		}
		if err := w.root.Remove(defaultName); err != nil {
			return err
		}
	}
	dir, err := w.newStageDir(v)
	if err != nil {
		return err
	}
	w.garbage = append(w.garbage, dir)
	if err := w.root.Rename(v.String(), dir.Dir, oldName); err != nil {
		return err
	}
	// Durable before anything of it is deleted: else a power failure could
	// bring back the name of a release that is half gone.
	if err := errors.Join(w.root.Sync(), dir.Sync()); err != nil {
		return err
	}
	return w.dropRecords(v)
}

// dropRecords deletes what is kept beside a release that is gone.
func (w *writer) dropRecords(v gover.Version) error {
	return errors.Join(
		gone(w.toolchains.Remove(v.Toolchain())),
		gone(w.manifests.Remove(v.String())),
		gone(w.receipts.Remove(receiptOf(v))),
	)
}

// SetDefault makes an installed release the store's default.
func (s *Store) SetDefault(ctx context.Context, v gover.Version, wait Wait) error {
	return s.locked(ctx, wait, func(w *writer) error {
		if !w.Has(v) {
			return diag.New(diag.NotInstalled, "go "+v.String()+" is not installed in "+s.dir, "vmgo install "+v.String())
		}
		if err := w.root.Symlink(v.String(), defaultName); err != nil {
			return err
		}
		return w.root.Sync()
	})
}

// ClearDefault removes the store's default.
func (s *Store) ClearDefault(ctx context.Context, wait Wait) error {
	return s.locked(ctx, wait, func(w *writer) error { return gone(w.root.Remove(defaultName)) })
}

// locked calls a function while the lock on the store's names is held.
func (s *Store) locked(ctx context.Context, wait Wait, do func(*writer) error) (err error) {
	h, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	w, err := s.lockNames(ctx, h, wait)
	if err != nil {
		return err
	}
	return errors.Join(s.fault(do(w)), w.done())
}

// gone is the error of a removal, nil where there was nothing to remove.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
