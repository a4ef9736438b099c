package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/store"
)

// TestLocks_areForNobodyElse: flock(2) asks for no permission to write, so whoever
// can open a lock can hold it, and stop every install.
func TestLocks_areForNobodyElse(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	meta := filepath.Join(s.Dir(), ".vmgo")
	want := map[string]fs.FileMode{"lock": 0o600, "locks": 0o700, "locks/1.22.5": 0o600}
	look := func(when string) {
		t.Helper()
		for name, mode := range want {
			if info, err := os.Lstat(filepath.Join(meta, name)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s, %s: %v, %v", when, name, info, err)
			}
		}
	}
	look("made")
	inodes := map[string]os.FileInfo{}
	for name := range want {
		info, err := os.Lstat(filepath.Join(meta, name))
		if err := errors.Join(err, os.Chmod(filepath.Join(meta, name), 0o755)); err != nil {
			t.Fatal(err)
		}
		inodes[name] = info
	}

	// To look changes nothing, and finds each.
	if list := faults(t, s); len(list) != 3 || list[0].Kind != store.FaultLock || list[0].NeedsReinstall() {
		t.Errorf("faults: %v", list)
	}
	if info, err := os.Lstat(meta + "/lock"); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("a check changed the lock: %v, %v", info, err)
	}

	// Whoever has a lock of an older vmgo open still has it.
	old, err := os.Open(meta + "/lock")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if got, err := fsx.TryFlock(old); err != nil || !got {
		t.Fatal(got, err)
	}
	if err := s.ClearDefault(t.Context(), store.Wait{No: true}); diag.CodeOf(err) != diag.StoreBusy {
		t.Errorf("beside a lock of an older program: %v", err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}

	// The next writer narrows them again.
	if err := s.ClearDefault(t.Context(), store.Wait{No: true}); err != nil {
		t.Fatal(err)
	}
	for name := range want {
		if info, err := os.Lstat(filepath.Join(meta, name)); err != nil || !os.SameFile(info, inodes[name]) {
			t.Errorf("%s is another one: %v", name, err)
		}
	}
	want["lock"], want["locks"], want["locks/1.22.5"] = 0o700, 0o700, 0o700
	look("narrowed")
	if list := faults(t, s); len(list) != 0 {
		t.Errorf("faults: %v", list)
	}
}
