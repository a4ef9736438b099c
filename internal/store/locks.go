package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/fsx"
)

// wideLocks finds the locks that other users may open. They cannot open what
// is in a directory that they cannot search.
func (s *Store) wideLocks() (faults []Fault, err error) {
	paths := []string{filepath.Join(metaDir, "lock"), locksDir}
	names, err := namesIn(filepath.Join(s.dir, locksDir))
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	for _, name := range names {
		paths = append(paths, filepath.Join(locksDir, name))
	}
	for _, path := range paths {
		info, err := os.Lstat(filepath.Join(s.dir, path))
		if err == nil && info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSymlink == 0 {
			faults = append(faults, Fault{Kind: FaultLock, Path: path, Detail: "other users may open it, and so could hold the lock"})
		}
	}
	return faults, nil
}

// acquireAsIs takes the lock on names for a reader.
func (s *Store) acquireAsIs(ctx context.Context, meta *fsx.Dir, wait Wait) (*fsx.Lock, error) {
	opts := s.lockOptions(wait, quiet)
	opts.AsIs = true
	lock, err := meta.Acquire(ctx, "lock", opts)
	return lock, s.held(err)
}
