package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func version(t testing.TB, text string) gover.Version {
	t.Helper()
	v, err := gover.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func open(t testing.TB, opts store.Options) *store.Store {
	t.Helper()
	opts.PID, opts.What = 4711, "vmgo test"
	return store.Open(filepath.Join(t.TempDir(), "a store"), opts)
}

func toolchain(v string) vmtest.Toolchain {
	return vmtest.Toolchain{Version: v, Files: map[string]string{
		"src/same.go": "package same\n", "src/deep/er/same.go": strings.Repeat("same ", 50_000),
	}}
}

// put installs a made-up release by the store's own means.
func put(t testing.TB, s *store.Store, tc vmtest.Toolchain, replace bool) error {
	t.Helper()
	return putWith(t, s, tc, replace, archive.Options{Jobs: 2})
}

func putWith(t testing.TB, s *store.Store, tc vmtest.Toolchain, replace bool, opts archive.Options) error {
	t.Helper()
	v := version(t, tc.Version)
	lock, err := s.LockRelease(t.Context(), v, store.Wait{})
	if err != nil {
		return err
	}
	defer lock.Release()
	stage, err := s.NewStage(t.Context(), v, store.Wait{})
	if err != nil {
		return err
	}
	defer func() {
		if err := stage.Close(); err != nil {
			t.Error(err)
		}
	}()
	data := tc.Zip()
	zip, err := archive.OpenZip(bytes.NewReader(data), int64(len(data)), tc.Prefix(), archive.DefaultLimits())
	if err != nil {
		return err
	}
	files, err := zip.Extract(t.Context(), stage, opts)
	if err != nil {
		return err
	}
	m := store.Manifest(files)
	linked, linkedBytes := stage.Linked()
	return stage.Publish(t.Context(), m, store.Receipt{Version: tc.Version, Files: len(m), Bytes: m.Bytes(), H1: tc.H1(),
		LinkedFiles: linked, LinkedBytes: linkedBytes, InstalledAt: time.Unix(0, 0).UTC()}, replace, store.Wait{})
}

func mustPut(t testing.TB, s *store.Store, versions ...string) {
	t.Helper()
	for _, v := range versions {
		if err := put(t, s, toolchain(v), false); err != nil {
			t.Fatal(err)
		}
	}
}

func faults(t testing.TB, s *store.Store) []store.Fault {
	t.Helper()
	list, err := s.Check(t.Context(), store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestStore_publish(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if list, err := s.Releases(); err != nil || len(list) != 0 {
		t.Errorf("no store: %v, %v", list, err)
	}
	mustPut(t, s, "1.22.5", "1.23rc1", "1.20")
	list, err := s.Releases()
	if err != nil || len(list) != 3 || list[0].Version.String() != "1.23rc1" || list[2].GOROOT != filepath.Join(s.Dir(), "1.20") {
		t.Errorf("releases: %v, %v", list, err)
	}
	if err := put(t, s, toolchain("1.22.5"), false); !errors.Is(err, store.ErrExists) {
		t.Errorf("published twice: %v", err)
	}
	target, err := os.Readlink(filepath.Join(s.Dir(), "toolchains", "go1.22.5"))
	if err != nil || target != "../1.22.5/bin/go" {
		t.Errorf("toolchain link: %q, %v", target, err)
	}
	if list := faults(t, s); len(list) != 0 {
		t.Errorf("faults: %v", list)
	}
	m, err := s.Manifest(version(t, "1.22.5"))
	if err != nil || len(m) < 15 {
		t.Errorf("manifest: %d files, %v", len(m), err)
	}
}

func TestStore_default(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	v := version(t, "1.22.5")
	if err := s.SetDefault(t.Context(), v, store.Wait{}); diag.CodeOf(err) != diag.NotInstalled {
		t.Errorf("a default that is not installed: %v", err)
	}
	mustPut(t, s, "1.22.5", "1.21.0")
	for _, want := range []string{"1.22.5", "1.21.0", "1.22.5"} {
		if err := s.SetDefault(t.Context(), version(t, want), store.Wait{}); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Default(); !ok || got.String() != want {
			t.Errorf("default %v, want %s", got, want)
		}
	}
	if err := s.Uninstall(t.Context(), v, false, store.Wait{}); diag.CodeOf(err) != diag.InUse {
		t.Errorf("uninstall of the default: %v", err)
	}
	if err := s.Uninstall(t.Context(), v, true, store.Wait{}); err != nil {
		t.Error(err)
	}
	if got, ok := s.Default(); ok {
		t.Errorf("the default is still %v", got)
	}
	if err := errors.Join(s.ClearDefault(t.Context(), store.Wait{}), s.ClearDefault(t.Context(), store.Wait{})); err != nil {
		t.Error(err)
	}
	if list := faults(t, s); len(list) != 0 {
		t.Errorf("faults: %v", list)
	}
}

func TestStore_uninstall(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if err := s.Uninstall(t.Context(), version(t, "1.22.5"), false, store.Wait{}); diag.CodeOf(err) != diag.NotInstalled {
		t.Errorf("what is not there: %v", err)
	}
	mustPut(t, s, "1.22.5", "1.22.4")
	if err := os.Chmod(filepath.Join(s.GOROOT(version(t, "1.22.5")), "src"), 0o555); err != nil {
		t.Fatal(err)
	}
	if err := s.Uninstall(t.Context(), version(t, "1.22.5"), false, store.Wait{}); err != nil {
		t.Error(err)
	}
	if s.Has(version(t, "1.22.5")) || !s.Has(version(t, "1.22.4")) {
		t.Error("not the one that was meant")
	}
	if list := faults(t, s); len(list) != 0 {
		t.Errorf("faults: %v", list)
	}
}

func TestStore_usageAndSharing(t *testing.T) {
	t.Parallel()
	for _, noLink := range []bool{false, true} {
		s := open(t, store.Options{NoLink: noLink})
		mustPut(t, s, "1.22.4", "1.22.5")
		u, err := s.Usage(version(t, "1.22.5"))
		if err != nil || u.Bytes != u.OwnBytes+u.SharedBytes {
			t.Errorf("usage %+v, %v", u, err)
		}
		if shared := u.SharedBytes > 250_000; shared == noLink {
			t.Errorf("NoLink %v: shared %d of %d bytes", noLink, u.SharedBytes, u.Bytes)
		}
		apparent := u.Bytes
		if err := s.Uninstall(t.Context(), version(t, "1.22.4"), false, store.Wait{}); err != nil {
			t.Fatal(err)
		}
		if u, err := s.Usage(version(t, "1.22.5")); err != nil || u.SharedBytes != 0 || u.OwnBytes != apparent {
			t.Errorf("alone: %+v, %v", u, err)
		}
	}
}

// A large file is written before it is known that the store has it.
func TestStore_sharesLargeFiles(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&lines, "line %d\n", i*i)
	}
	large := lines.String()
	for _, c := range []struct {
		name                    string
		noLink, edited, another bool
		shared                  bool
	}{
		{name: "sound", shared: true},
		{name: "edited", edited: true},
		{name: "edited, with another", edited: true, another: true, shared: true},
		{name: "no links", noLink: true},
	} {
		s := open(t, store.Options{NoLink: c.noLink})
		install := func(v string) string {
			if err := put(t, s, vmtest.Toolchain{Version: v, Files: map[string]string{"lib/large": large}}, false); err != nil {
				t.Fatal(c.name, err)
			}
			return filepath.Join(s.GOROOT(version(t, v)), "lib/large")
		}
		first := install("1.22.4")
		from := first
		if c.another {
			from = install("1.22.1")
			if err := os.Remove(first); err != nil { // it shares the inode
				t.Fatal(err)
			}
		}
		if c.edited {
			if err := os.WriteFile(first, []byte(strings.ToUpper(large)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got := install("1.22.5")
		if data, err := os.ReadFile(got); err != nil || string(data) != large {
			t.Errorf("%s: %d bytes, %v", c.name, len(data), err)
		}
		a, errA := os.Stat(from)
		b, errB := os.Stat(got)
		if errA != nil || errB != nil || os.SameFile(a, b) != c.shared {
			t.Errorf("%s: shared %v; %v %v", c.name, !c.shared, errA, errB)
		}
		if left, err := filepath.Glob(got + "?*"); err != nil || len(left) > 0 {
			t.Errorf("%s: left over: %v, %v", c.name, left, err)
		}
	}
}

func TestStore_dedup(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{NoLink: true})
	mustPut(t, s, "1.22.4", "1.22.5", "1.21.0")
	edited := filepath.Join(s.GOROOT(version(t, "1.22.4")), "src/same.go")
	if err := os.WriteFile(edited, []byte("package edit\n"), 0o644); err != nil { // of the same size
		t.Fatal(err)
	}
	d, err := s.Dedup(t.Context(), store.Wait{})
	if err != nil || d.Bytes < 500_000 || d.Files < 10 || d.Skipped == 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if data, err := os.ReadFile(edited); err != nil || string(data) != "package edit\n" {
		t.Errorf("the edited file is now %q, %v", data, err)
	}
	for _, v := range []string{"1.22.5", "1.21.0"} {
		if data, err := os.ReadFile(filepath.Join(s.GOROOT(version(t, v)), "src/same.go")); err != nil || string(data) != "package same\n" {
			t.Errorf("%s has %q, %v", v, data, err)
		}
	}
	again, err := s.Dedup(t.Context(), store.Wait{})
	if err != nil || again.Files != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
	if list := faults(t, s); len(list) != 0 {
		t.Errorf("faults: %v", list)
	}
}

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
			mustPut(t, s, "1.22.4")
			tc := toolchain("1.22.5")
			tc.Files["src/own.go"] = "package own\n"
			if err := put(t, s, tc, false); err != nil {
				t.Fatal(err)
			}
			if err := c.damage(s.Dir()); err != nil {
				t.Fatal(err)
			}
			list := faults(t, s)
			if !slices.ContainsFunc(list, func(f store.Fault) bool { return f.Kind == c.kind }) {
				t.Fatalf("found %v", list)
			}
			// What is said to be mended by itself is, but not where others may write.
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
