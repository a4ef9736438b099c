package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
)

// Wait describes what to do while another process holds a lock.
type Wait struct {
	No     bool             // answer store-busy instead of waiting
	Notice func(fsx.Holder) // told once for whom we wait; may be nil
}

// grace is how long even an impatient writer waits for the lock on the store's
// names: it is held only for some renames, so a process that holds it
// longer is stuck.
const grace = 2 * time.Second

// quiet is how long a wait for that lock is not reported.
const quiet = 300 * time.Millisecond

// writer is the store while its lock is held.
type writer struct {
	*Store
	*handles
	lock    *fsx.Lock
	garbage []*stageDir // claimed by reconcile, to be deleted after unlocking
}

// lockNames takes the store's lock, checks that nothing became unsafe meanwhile
// and repairs what a crash left. The caller must call done.
func (s *Store) lockNames(ctx context.Context, h *handles, wait Wait) (*writer, error) {
	var lock *fsx.Lock
	var err error
	if wait.No {
		limited, cancel := context.WithTimeout(ctx, grace)
		lock, err = s.acquire(limited, h.meta, "lock", Wait{}, 0)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			lock, err = s.acquire(ctx, h.meta, "lock", wait, 0)
		}
	} else {
		lock, err = s.acquire(ctx, h.meta, "lock", wait, quiet)
	}
	if err != nil {
		return nil, err
	}
	w := &writer{Store: s, handles: h, lock: lock}
	if err = h.check(); err == nil {
		err = w.reconcile()
	}
	if err != nil {
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
	h, err := s.open()
	if err != nil {
		return nil, err
	}
	lock, err := s.lockRelease(ctx, h, v, wait)
	return lock, errors.Join(err, h.close())
}

func (s *Store) lockRelease(ctx context.Context, h *handles, v gover.Version, wait Wait) (*fsx.Lock, error) {
	return s.acquire(ctx, h.locks, v.String(), wait, 0)
}

func (s *Store) acquire(ctx context.Context, dir *fsx.Dir, name string, wait Wait, after time.Duration) (*fsx.Lock, error) {
	lock, err := dir.Acquire(ctx, name, s.lockOptions(wait, after))
	return lock, s.held(err)
}

func (s *Store) lockOptions(wait Wait, after time.Duration) fsx.LockOptions {
	return fsx.LockOptions{
		Holder: fsx.Holder{PID: s.who.PID, What: s.who.What, Since: s.who.Now()},
		NoWait: wait.No, OnWait: wait.Notice, After: after,
	}
}

// held returns an error of a lock with its code.
func (s *Store) held(err error) error {
	var held *fsx.HeldError
	if errors.As(err, &held) {
		return diag.New(diag.StoreBusy, "the store "+s.dir+" is held by "+held.Holder.String(), strings.ReplaceAll(s.who.What, " --no-wait", "")+"   # waits for the other process")
	}
	return s.fault(err)
}
