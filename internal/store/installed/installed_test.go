package installed_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func parse(t *testing.T, text string) gover.Version {
	t.Helper()
	v, err := gover.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func names(releases []installed.Release) (list []string) {
	for _, r := range releases {
		list = append(list, r.GOROOT)
	}
	return list
}

// TestReceipt_makesATreeInstalled holds List, Find and Unproved against each
// other: what one says is installed the others must say too.
func TestReceipt_makesATreeInstalled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare   func(receipt string) error
		installed bool
	}{
		"receipt":     {func(string) error { return nil }, true},
		"none":        {os.Remove, false},
		"a directory": {func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o755)) }, false},
		"a pipe":      {func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o644)) }, false},
		"a link to one": {func(p string) error {
			return errors.Join(os.Rename(p, p+".x"), os.Symlink(p+".x", p))
		}, false},
		"no directory of receipts": {func(p string) error { return os.RemoveAll(filepath.Dir(p)) }, false},
		"no records at all":        {func(p string) error { return os.RemoveAll(filepath.Dir(filepath.Dir(p))) }, false},
		"another release's":        {func(p string) error { return os.Rename(p, filepath.Join(filepath.Dir(p), "1.22.4.json")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, v := t.TempDir(), parse(t, "1.22.5")
			goroot := filepath.Join(store, "1.22.5")
			if err := errors.Join(os.Mkdir(goroot, 0o755), vmtest.PutReceipt(goroot), c.prepare(installed.Receipt(store, v))); err != nil {
				t.Fatal(err)
			}
			list, listErr := installed.List([]string{store})
			_, found, findErr := installed.Find([]string{store}, v)
			unproved, unprovedErr := installed.Unproved([]string{store})
			if err := errors.Join(listErr, findErr, unprovedErr); err != nil {
				t.Fatal(err)
			}
			want := []string{goroot}
			if !c.installed {
				want = nil
			}
			if found != c.installed || !slices.Equal(names(list), want) || (len(unproved) == 1) == c.installed {
				t.Errorf("found %v, list %v, unproved %v", found, list, unproved)
			}
		})
	}
}

// TestReceipt_shadowing: a tree without a receipt hides no release of another store.
func TestReceipt_shadowing(t *testing.T) {
	t.Parallel()
	v := parse(t, "1.22.5")
	own, machine := t.TempDir(), t.TempDir()
	for _, store := range []string{own, machine} {
		if err := os.Mkdir(installed.GOROOT(store, v), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	stores := []string{own, machine}
	if trees, err := installed.Unproved(stores); err != nil || len(trees) != 2 {
		t.Errorf("unproved: %v, %v", trees, err)
	}
	if err := vmtest.PutReceipt(installed.GOROOT(machine, v)); err != nil {
		t.Fatal(err)
	}
	list, err := installed.List(stores)
	if err != nil || len(list) != 1 || list[0].Store != machine {
		t.Errorf("list: %v, %v", list, err)
	}
	if r, found, err := installed.Find(stores, v); err != nil || !found || r.Store != machine {
		t.Errorf("found %v, %v, %v", r, found, err)
	}
}

// TestReceipt_unread: where it cannot be seen whether there are receipts, that is
// an error, one for each store, and not "not installed".
func TestReceipt_unread(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	for _, name := range []string{"1.22.4", "1.22.5"} {
		if err := os.Mkdir(filepath.Join(store, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// A loop of links cannot be looked into, whoever looks.
	if err := os.Symlink(".vmgo", filepath.Join(store, ".vmgo")); err != nil {
		t.Fatal(err)
	}
	_, found, err := installed.Find([]string{store}, parse(t, "1.22.5"))
	if found || !errors.Is(err, syscall.ELOOP) {
		t.Errorf("found %v, %v", found, err)
	}
	list, err := installed.List([]string{store})
	var path *fs.PathError
	if len(list) != 0 || !errors.As(err, &path) {
		t.Errorf("list %v, %v", list, err)
	}
	if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 1 {
		t.Errorf("not one error for the store: %v", err)
	}
	if trees, err := installed.Unproved([]string{store}); len(trees) != 0 || err == nil {
		t.Errorf("unproved %v, %v", trees, err)
	}
}
