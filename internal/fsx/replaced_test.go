package fsx

import (
	"os"
	"path/filepath"
	"testing"
)

// A lock on a file that is no longer at its path excludes nobody. Here it goes
// between the opening of the file and the taking of the lock.
func TestAcquire_replacedInBetween(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(dir *Dir, path string) lockFile{
		"by path":        func(_ *Dir, path string) lockFile { return lockAt(path) },
		"by a directory": func(dir *Dir, path string) lockFile { return dir.lockAt(filepath.Base(path)) },
	} {
		for _, replaced := range []bool{false, true} { // or only removed
			root := t.TempDir()
			path := filepath.Join(root, "lock")
			dir, err := OpenTrusted(root)
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			lock := at(dir, path)
			opened, open := 0, lock.open
			lock.open = func() (*os.File, error) {
				file, err := open()
				if opened++; opened == 1 && err == nil {
					if err = os.Remove(path); err == nil && replaced {
						err = os.WriteFile(path, nil, 0o644)
					}
				}
				return file, err
			}
			held, err := acquire(t.Context(), lock, LockOptions{NoWait: true})
			if err != nil || opened != 2 {
				t.Fatalf("%s, replaced %v: opened %d times, %v", name, replaced, opened, err)
			}
			if second, err := Acquire(t.Context(), path, LockOptions{NoWait: true}); err == nil {
				t.Errorf("%s, replaced %v: two hold it: %v", name, replaced, second)
			}
			if err := held.Release(); err != nil {
				t.Error(err)
			}
		}
	}
}
