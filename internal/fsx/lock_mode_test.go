package fsx_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
)

// TestAcquire_isForNobodyElse: a lock is closed from the start, and one that is
// open becomes so; for somebody who only looks it stays as it is.
func TestAcquire_isForNobodyElse(t *testing.T) {
	t.Parallel()
	mode := func(path string) os.FileMode {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	take := func(path string, opts fsx.LockOptions) os.FileMode {
		lock, err := fsx.Acquire(t.Context(), path, opts)
		if err == nil {
			err = lock.Release()
		}
		if err != nil {
			t.Fatal(err)
		}
		return mode(path)
	}
	path := filepath.Join(t.TempDir(), "lock")
	if got := take(path, fsx.LockOptions{AsIs: true}); got != 0o600 {
		t.Errorf("made with mode %v", got)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := take(path, fsx.LockOptions{AsIs: true}); got != 0o644 {
		t.Errorf("as it is: %v", got)
	}
	if got := take(path, fsx.LockOptions{}); got != 0o600 {
		t.Errorf("narrowed again: %v", got)
	}
	if os.Geteuid() != 0 {
		return
	}
	// Another user's is for them to narrow.
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Chown(path, 65534, 65534); err != nil {
		t.Skip("nothing can be given away here: ", err)
	}
	if got := take(path, fsx.LockOptions{}); got != 0o666 {
		t.Errorf("another user's: %v", got)
	}
}
