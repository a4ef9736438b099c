package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
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

// small is a release with little to inflate.
func small(v string) vmtest.Toolchain {
	return vmtest.Toolchain{Version: v, Files: map[string]string{"src/same.go": "package same\n"}}
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
	if err := s.Uninstall(t.Context(), version(t, "1.21.0"), false, store.Wait{}); err != nil {
		t.Errorf("uninstall of another than the default: %v", err)
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
