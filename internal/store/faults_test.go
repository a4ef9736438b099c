package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestStore_checkFindsEachFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   store.FaultKind
		damage func(dir string) error
	}{
		"dead stage": {store.FaultLeftover, func(dir string) error { return os.MkdirAll(dir+"/.vmgo/staging/1.9.1.x/tree/bin", 0o755) }},
		"temporary":  {store.FaultLeftover, func(dir string) error { return os.Symlink("x", dir+"/"+fsx.TempPrefix+"default.0") }},
		"manifest":   {store.FaultOrphan, func(dir string) error { return os.WriteFile(dir+"/.vmgo/manifests/1.9.1", nil, 0o644) }},
		"receipt":    {store.FaultOrphan, func(dir string) error { return os.WriteFile(dir+"/.vmgo/receipts/1.9.1.json", nil, 0o644) }},
		"toolchain":  {store.FaultOrphan, func(dir string) error { return os.Symlink("../1.9.1/bin/go", dir+"/toolchains/go1.9.1") }},
		"no link":    {store.FaultToolchain, func(dir string) error { return os.Remove(dir + "/toolchains/go1.22.5") }},
		"wrong link": {store.FaultToolchain, func(dir string) error {
			return errors.Join(os.Remove(dir+"/toolchains/go1.22.5"), os.Symlink("/bin/true", dir+"/toolchains/go1.22.5"))
		}},
		"wide lock":        {store.FaultLock, func(dir string) error { return os.Chmod(dir+"/.vmgo/lock", 0o644) }},
		"wide locks":       {store.FaultLock, func(dir string) error { return os.Chmod(dir+"/.vmgo/locks", 0o755) }},
		"wide lock of one": {store.FaultLock, func(dir string) error { return os.Chmod(dir+"/.vmgo/locks/1.22.4", 0o604) }},
		"no manifest":      {store.FaultRecords, func(dir string) error { return os.Remove(dir + "/.vmgo/manifests/1.22.5") }},
		"cut manifest":     {store.FaultRecords, func(dir string) error { return os.Truncate(dir+"/.vmgo/manifests/1.22.5", 500) }},
		"empty receipt":    {store.FaultRecords, func(dir string) error { return os.Truncate(dir+"/.vmgo/receipts/1.22.5.json", 0) }},
		"no receipt":       {store.FaultUnproved, func(dir string) error { return os.Remove(dir + "/.vmgo/receipts/1.22.5.json") }},
		"other's receipt": {store.FaultRecords, func(dir string) error {
			data, err := os.ReadFile(dir + "/.vmgo/receipts/1.22.4.json")
			return errors.Join(err, os.WriteFile(dir+"/.vmgo/receipts/1.22.5.json", data, 0o644))
		}},
		"missing file": {store.FaultTree, func(dir string) error { return os.Remove(dir + "/1.22.5/src/same.go") }},
		"more":         {store.FaultTree, func(dir string) error { return os.WriteFile(dir+"/1.22.5/src/more.go", nil, 0o644) }},
		"longer": {store.FaultTree, func(dir string) error {
			return errors.Join(os.Remove(dir+"/1.22.5/src/same.go"), os.WriteFile(dir+"/1.22.5/src/same.go", []byte("x"), 0o644))
		}},
		"link": {store.FaultTree, func(dir string) error {
			return errors.Join(os.Remove(dir+"/1.22.5/src/same.go"), os.Symlink("fmt/print.go", dir+"/1.22.5/src/same.go"))
		}},
		"executable": {store.FaultTree, func(dir string) error { return os.Chmod(dir+"/1.22.5/VERSION", 0o755) }},
		"writable":   {store.FaultWritable, func(dir string) error { return os.Chmod(dir+"/1.22.5/src", 0o775) }},
		"open store": {store.FaultWritable, func(dir string) error { return os.Chmod(dir, 0o777) }},
		"default":    {store.FaultDefault, func(dir string) error { return os.Symlink("1.9.1", dir+"/default") }},
		"outside":    {store.FaultLinks, func(dir string) error { return os.Link(dir+"/1.22.5/src/own.go", filepath.Dir(dir)+"/kept") }},
		"stranger":   {store.FaultStranger, func(dir string) error { return os.Mkdir(dir+"/backup", 0o755) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, store.Options{})
			tc := small("1.22.5")
			tc.Files["src/own.go"] = "package own\n"
			if err := errors.Join(put(t, s, small("1.22.4"), false), put(t, s, tc, false)); err != nil {
				t.Fatal(err)
			}
			if err := c.damage(s.Dir()); err != nil {
				t.Fatal(err)
			}
			list := faults(t, s)
			if !slices.ContainsFunc(list, func(f store.Fault) bool { return f.Kind == c.kind }) {
				t.Fatalf("found %v", list)
			}
			// What is said to be repaired automatically is, but not where
			// others may write.
			err := s.Sweep(t.Context(), store.Wait{})
			if name == "open store" && diag.CodeOf(err) == diag.StoreUnsafe {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if list[0].NeedsReinstall() || c.kind == store.FaultUnproved {
				if err := put(t, s, tc, true); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range faults(t, s) {
				if f.Kind != store.FaultDefault && f.Kind != store.FaultLinks && f.Kind != store.FaultStranger && !(f.Kind == store.FaultWritable && f.Version.IsZero()) {
					t.Errorf("still there: %+v", f)
				}
			}
		})
	}
}

func TestStore_lockSaysWhoHoldsIt(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	v := version(t, "1.22.5")
	lock, err := s.LockRelease(t.Context(), v, store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	_, err = s.LockRelease(t.Context(), v, store.Wait{No: true})
	if diag.CodeOf(err) != diag.StoreBusy || diag.ExitStatus(err) != 6 || !strings.Contains(err.Error(), "4711") || !strings.Contains(err.Error(), "vmgo test") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err = s.LockRelease(ctx, v, store.Wait{Notice: func(fsx.Holder) { cancel() }}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	other, err := s.LockRelease(t.Context(), version(t, "1.22.4"), store.Wait{No: true})
	if err != nil {
		t.Errorf("another release is held up: %v", err)
	}
	other.Release()
}

func TestStore_liveStagesAreNotSwept(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	stage, err := s.NewStage(t.Context(), version(t, "1.22.5"), store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	tree := stage.Tree()
	if err := s.Sweep(t.Context(), store.Wait{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tree); err != nil {
		t.Errorf("swept: %v", err)
	}
	if err := stage.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tree); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("not deleted: %v", err)
	}
}

func TestList_onlyWhatIsARelease(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	for _, name := range []string{"1.22.5", "1.20", "1.22", "go1.22.4", "1.22.05", "01.2", "1.23rc1", "toolchains", ".vmgo", "1.21.0 ", "1.21.0.old"} {
		if err := os.Mkdir(filepath.Join(first, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("1.22.5", filepath.Join(first, "1.22.6")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(first, "1.22.7"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.22.5", "1.24.1"} {
		if err := os.Mkdir(filepath.Join(second, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, goroot := range []string{first + "/1.22.5", first + "/1.20", first + "/1.22.6", first + "/1.22.7", first + "/1.23rc1", second + "/1.24.1"} {
		if err := vmtest.PutReceipt(goroot); err != nil {
			t.Fatal(err)
		}
	}
	list, err := installed.List([]string{first, second, first, filepath.Join(first, "none")})
	var got []string
	for _, r := range list {
		got = append(got, r.Version.String()+"@"+map[string]string{first: "1", second: "2"}[r.Store])
	}
	if want := []string{"1.24.1@2", "1.23rc1@1", "1.22.5@1", "1.20@1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := installed.List([]string{filepath.Join(first, "1.22.7")}); err == nil {
		t.Error("a file is no store")
	}
	if r, ok, err := installed.Find([]string{first, second}, version(t, "1.24.1")); err != nil || !ok || r.Store != second {
		t.Errorf("found %v", r)
	}
	if r, ok, err := installed.Find([]string{first}, version(t, "1.22.6")); ok || err != nil {
		t.Errorf("a link is no release: %v, %v", r, err)
	}
	long := filepath.Join(first, strings.Repeat("x", 300))
	if _, ok, err := installed.Find([]string{long}, version(t, "1.22.5")); ok || err == nil {
		t.Error("a store that cannot be looked into is one without that release")
	}
}
