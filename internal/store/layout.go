package store

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// Wait says what to do while another process holds a lock.
type Wait struct {
	No     bool             // answer store-busy instead of waiting
	Notice func(fsx.Holder) // told once for whom we wait; may be nil
}

// grace is how long even an impatient writer waits for the lock on the store's
// names: it is only ever held for some renames, so that whoever holds it
// longer is stuck.
const grace = 2 * time.Second

// quiet is how long a wait for that lock is not worth telling of.
const quiet = 300 * time.Millisecond

// writer is the store while its lock is held.
type writer struct {
	*Store
	lock    *fsx.Lock
	garbage []*stageDir // claimed by reconcile, to be deleted after unlocking
}

// lockNames makes the layout if need be, takes the store's lock and mends what
// a crash left. The caller must call done.
func (s *Store) lockNames(ctx context.Context, wait Wait) (*writer, error) {
	if err := s.makeLayout(); err != nil {
		return nil, s.fault(err)
	}
	var lock *fsx.Lock
	var err error
	if wait.No {
		patient, cancel := context.WithTimeout(ctx, grace)
		lock, err = s.acquire(patient, s.meta("lock"), Wait{}, 0)
		cancel()
		if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			lock, err = s.acquire(ctx, s.meta("lock"), wait, 0)
		}
	} else {
		lock, err = s.acquire(ctx, s.meta("lock"), wait, quiet)
	}
	if err != nil {
		return nil, err
	}
	w := &writer{Store: s, lock: lock}
	if err := w.reconcile(); err != nil {
		return nil, s.fault(errors.Join(err, w.unlock()))
	}
	return w, nil
}

func (w *writer) unlock() error { return w.lock.Release() }

// done unlocks, then deletes what reconcile claimed. Deleting comes last and
// without the lock: it takes a second for a whole release, and making files is
// several times slower on ext4 soon after.
func (w *writer) done() error {
	err := w.unlock()
	for _, dir := range w.garbage {
		err = errors.Join(err, dir.remove())
	}
	w.garbage = nil
	return w.fault(err)
}

// LockRelease makes this process the only one that installs or removes the
// release, until the lock is released. Other releases are not held up.
func (s *Store) LockRelease(ctx context.Context, v gover.Version, wait Wait) (*fsx.Lock, error) {
	if err := s.makeLayout(); err != nil {
		return nil, s.fault(err)
	}
	return s.acquire(ctx, s.meta("locks", v.String()), wait, 0)
}

func (s *Store) acquire(ctx context.Context, path string, wait Wait, after time.Duration) (*fsx.Lock, error) {
	lock, err := fsx.Acquire(ctx, path, fsx.LockOptions{
		Holder: fsx.Holder{PID: s.who.PID, What: s.who.What, Since: s.who.Now()},
		NoWait: wait.No, OnWait: wait.Notice, After: after,
	})
	var held *fsx.HeldError
	if errors.As(err, &held) {
		return nil, diag.New(diag.StoreBusy, "the store "+s.dir+" is held by "+held.Holder.String(), strings.ReplaceAll(s.who.What, " --no-wait", "")+"   # waits for its turn")
	}
	return lock, s.fault(err)
}

func (s *Store) makeLayout() error {
	if err := fsx.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	for _, dir := range s.subdirs() {
		if err := fsx.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) subdirs() []string {
	return []string{s.meta(), installed.Toolchains(s.dir), s.meta("staging"), s.meta("manifests"), s.meta("receipts"), s.meta("locks")}
}

// checkOwn refuses a store into which others could put a release that nobody
// checked: one that they may write in, or that they prepared with links before
// it was ours. The store itself may be a link, of whoever owns the place.
func (s *Store) checkOwn() error {
	info, err := os.Stat(s.dir)
	if err != nil {
		return s.fault(err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return diag.New(diag.StoreUnsafe, "every user may write in the store "+s.dir+", and so put a release there that nobody checked", "chmod o-w "+diag.Word(s.dir))
	}
	for _, dir := range s.subdirs() {
		info, err := os.Lstat(dir)
		if err != nil {
			return s.fault(err)
		}
		if !info.IsDir() {
			return diag.New(diag.StoreUnsafe, dir+" is a link, and a store keeps its directories within itself", "rm "+diag.Word(dir))
		}
	}
	return nil
}
