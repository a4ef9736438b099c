package prune

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/verify"
)

// Remove removes one candidate of a plan. held reports that an install uses it
// by now, and that it stays. removeShim removes a link that leads nowhere.
func (s Scope) Remove(ctx context.Context, c Candidate, wait store.Wait, removeShim func(path string) error) (held bool, err error) {
	switch c.Kind {
	case Release:
		return false, s.Open(c.Release.Store).Uninstall(ctx, c.Release.Version, false, wait)
	case Shim:
		return false, removeShim(c.Path)
	case Check:
		return removeCheck(ctx, c.Path)
	}
	held, err = fsx.RemoveUnheld(filepath.Dir(c.Path), filepath.Base(c.Path))
	if err == nil && !held { // not before: a project that is forgotten is not asked again
		err = seen.Forget(s.Layout.State, c.Project)
	}
	if err != nil {
		return false, diag.Wrap(diag.Failure, err, "cannot prune "+c.Path)
	}
	return held, nil
}

// removeCheck removes what verify kept, under the lock that a rebuild takes.
func removeCheck(ctx context.Context, path string) (held bool, err error) {
	var other *fsx.HeldError
	lock, err := fsx.Acquire(ctx, verify.LockOf(path), fsx.LockOptions{NoWait: true})
	if errors.As(err, &other) {
		return true, nil
	}
	if err == nil {
		err = errors.Join(fsx.RemoveAll(filepath.Dir(path), filepath.Base(path)), os.Remove(verify.LockOf(path)), lock.Release())
	}
	if err != nil {
		return false, diag.Wrap(diag.Failure, err, "cannot prune "+path)
	}
	return false, nil
}

// Sweep removes what interrupted installs left in the stores that can be
// written, and returns what failed.
func (s Scope) Sweep(ctx context.Context, wait store.Wait) (failures []error) {
	for _, dir := range s.Layout.Stores(s.Settings.Root) {
		if opened := s.Open(dir); opened.CheckWritable() == nil {
			failures = append(failures, opened.Sweep(ctx, wait))
		}
	}
	return failures
}
