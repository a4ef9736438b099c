package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/store"
)

// changesOfAFile are the ways in which a file that holds "package same" may no longer be what the
// manifest says, or what the owner of the store vouches for; and none.
func changesOfAFile() map[string]func(path string) error {
	return map[string]func(path string) error{
		"unchanged":          func(string) error { return nil },
		"edited":             func(path string) error { return os.WriteFile(path, []byte("package edit\n"), 0o644) },
		"longer":             func(path string) error { return os.WriteFile(path, []byte("package same\n\n"), 0o644) },
		"shorter":            func(path string) error { return os.WriteFile(path, []byte("package"), 0o644) },
		"executable":         func(path string) error { return os.Chmod(path, 0o755) },
		"writable by others": func(path string) error { return os.Chmod(path, 0o666) },
		"of another user":    func(path string) error { return os.Chown(path, other, -1) },
		"gone":               os.Remove,
		"a link to the same": func(path string) error {
			return errors.Join(os.Rename(path, path+".moved"), os.Symlink(filepath.Base(path)+".moved", path))
		},
		"a directory":        func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) },
		"a pipe":             func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)) },
		"with attributes":    func(path string) error { return syscall.Setxattr(path, "user.vmgo", []byte("x"), 0) },
		"its directory gone": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	}
}

// TestStore_sharesOnlyWhatIsRight changes a file of a neighbour. The release that comes
// next must have the right file, by an inode of its own.
func TestStore_sharesOnlyWhatIsRight(t *testing.T) {
	t.Parallel()
	for name, change := range changesOfAFile() {
		for _, reuse := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", reuse ", reuse), func(t *testing.T) {
				t.Parallel()
				if name == "of another user" {
					needRoot(t)
				}
				s := open(t, store.Options{})
				if err := put(t, s, small("1.22.4"), false); err != nil {
					t.Fatal(err)
				}
				path := func(v string) string { return filepath.Join(s.GOROOT(version(t, v)), "src/same.go") }
				held, err := os.Open(path("1.22.4")) // its inode is no other file's meanwhile
				if err != nil {
					t.Fatal(err)
				}
				defer held.Close()
				before, err := held.Stat()
				switch err := errors.Join(err, change(path("1.22.4"))); {
				case errors.Is(err, syscall.ENOTSUP):
					t.Skipf("this file system has no attributes of users: %v", err)
				case err != nil:
					t.Fatal(err)
				}
				if err := putWith(t, s, small("1.22.5"), false, archive.Options{Reuse: reuse}); err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(path("1.22.5"))
				if err != nil || string(data) != "package same\n" {
					t.Errorf("the new release has %q, %v", data, err)
				}
				after, err := os.Lstat(path("1.22.5"))
				if err != nil || after.Mode() != 0o644 || os.SameFile(before, after) != (name == "unchanged") {
					t.Errorf("mode %v, shared %v, %v", after.Mode(), os.SameFile(before, after), err)
				}
			})
		}
	}
}
