package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/store"
)

// TestStore_checkSaysNoMore names all that a check finds, in order: what is
// right beside the damage is not told of.
func TestStore_checkSaysNoMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   []string
	}{
		"nothing":         {func(string) error { return nil }, nil},
		"a default":       {func(dir string) error { return os.Symlink("1.22.5", dir+"/default") }, nil},
		"default no link": {func(dir string) error { return os.WriteFile(dir+"/default", nil, 0o644) }, []string{"stranger default"}},
		"temporary record": {func(dir string) error { return os.WriteFile(dir+"/.vmgo/receipts/"+fsx.TempPrefix+"x", nil, 0o644) }, []string{
			"leftover .vmgo/receipts/" + fsx.TempPrefix + "x"}},
		"receipt by a wrong name": {func(dir string) error { return os.WriteFile(dir+"/.vmgo/receipts/1.22.5", nil, 0o644) }, []string{
			"stranger .vmgo/receipts/1.22.5"}},
		"another record":     {func(dir string) error { return os.WriteFile(dir+"/.vmgo/manifests/mine", nil, 0o644) }, []string{"stranger .vmgo/manifests/mine"}},
		"another toolchain":  {func(dir string) error { return os.Symlink("../1.22.5/bin/go", dir+"/toolchains/1.22.5") }, []string{"stranger toolchains/1.22.5"}},
		"a default gone":     {func(dir string) error { return os.Symlink("1.9.1", dir+"/default") }, []string{"default default"}},
		"a temporary link":   {func(dir string) error { return os.Symlink("x", dir+"/"+fsx.TempPrefix+"default.0") }, []string{"leftover " + fsx.TempPrefix + "default.0"}},
		"a file in staging":  {func(dir string) error { return os.WriteFile(dir+"/.vmgo/staging/x", nil, 0o644) }, []string{"leftover .vmgo/staging/x"}},
		"a link among locks": {func(dir string) error { return os.Symlink("1.22.5", dir+"/.vmgo/locks/1.9.1") }, nil},
		"wide lock":          {func(dir string) error { return os.Chmod(dir+"/.vmgo/lock", 0o644) }, []string{"lock .vmgo/lock"}},
		"other wide locks": {func(dir string) error {
			return errors.Join(os.Chmod(dir+"/.vmgo/locks", 0o755), os.Chmod(dir+"/.vmgo/locks/1.22.4", 0o604))
		}, []string{"lock .vmgo/locks", "lock .vmgo/locks/1.22.4"}},
		"staging a file": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/.vmgo/staging"), os.WriteFile(dir+"/.vmgo/staging", nil, 0o644))
		}, []string{"writable .vmgo/staging"}},
		"staging a link": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/.vmgo/staging"), os.Symlink(".", dir+"/.vmgo/staging"))
		}, []string{"writable .vmgo/staging"}},
		"no records": {func(dir string) error { return os.RemoveAll(dir + "/.vmgo") }, []string{
			"unproved 1.22.4", "unproved 1.22.5", "orphan toolchains/go1.22.4", "orphan toolchains/go1.22.5"}},
		"manifests a file": {func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/.vmgo/manifests"), os.WriteFile(dir+"/.vmgo/manifests", nil, 0o644))
		}, []string{"writable .vmgo/manifests", "records 1.22.4", "records 1.22.5"}},
		"locks a link": {func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/.vmgo/locks"), os.Symlink("staging", dir+"/.vmgo/locks"))
		}, []string{"writable .vmgo/locks"}},
		"toolchains a loop": {func(dir string) error { return loop(dir + "/toolchains") }, []string{
			"writable toolchains", "toolchain toolchains/go1.22.4", "toolchain toolchains/go1.22.5"}},
		"toolchains a file": {func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/toolchains"), os.WriteFile(dir+"/toolchains", nil, 0o644))
		}, []string{"writable toolchains", "toolchain toolchains/go1.22.4", "toolchain toolchains/go1.22.5"}},
		"staging gone":     {func(dir string) error { return os.Remove(dir + "/.vmgo/staging") }, nil},
		"a file on top":    {func(dir string) error { return os.WriteFile(dir+"/1.9.1", nil, 0o644) }, []string{"stranger 1.9.1"}},
		"an unproved tree": {func(dir string) error { return os.Mkdir(dir+"/1.9.1", 0o755) }, []string{"unproved 1.9.1"}},
		"other's receipt": {func(dir string) error {
			return os.Rename(dir+"/.vmgo/receipts/1.22.4.json", dir+"/.vmgo/receipts/1.22.5.json")
		}, []string{"orphan .vmgo/manifests/1.22.4", "unproved 1.22.4", "records 1.22.5", "orphan toolchains/go1.22.4"}},
		"more, less, longer": {func(dir string) error {
			return errors.Join(os.WriteFile(dir+"/1.22.5/src/more.go", nil, 0o644), os.Remove(dir+"/1.22.5/src/own.go"), os.Remove(dir+"/1.22.5/src/empty.go"), os.WriteFile(dir+"/1.22.5/src/empty.go", []byte("x"), 0o644))
		}, []string{"tree 1.22.5/src/empty.go", "tree 1.22.5/src/more.go", "tree 1.22.5/src/own.go"}},
		"executable":       {func(dir string) error { return os.Chmod(dir+"/1.22.5/src/own.go", 0o755) }, []string{"tree 1.22.5/src/own.go"}},
		"writable":         {func(dir string) error { return os.Chmod(dir+"/1.22.5/src", 0o775) }, []string{"writable 1.22.5/src"}},
		"writable above":   {func(dir string) error { return os.Chmod(filepath.Dir(dir), 0o777) }, []string{"writable ABOVE"}},
		"writable records": {func(dir string) error { return os.Chmod(dir+"/.vmgo", 0o777) }, []string{"writable .vmgo"}},
		"a link in a tree": {func(dir string) error { return os.Symlink("own.go", dir+"/1.22.5/src/link") }, []string{"tree 1.22.5/src/link"}},
		"toolchain of another": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/toolchains/go1.22.5"), os.Symlink("../1.22.4/bin/go", dir+"/toolchains/go1.22.5"))
		}, []string{"toolchain toolchains/go1.22.5"}},
		"toolchain a file": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/toolchains/go1.22.5"), os.WriteFile(dir+"/toolchains/go1.22.5", nil, 0o755))
		}, []string{"toolchain toolchains/go1.22.5"}},
		"no manifest": {func(dir string) error { return os.Remove(dir + "/.vmgo/manifests/1.22.5") }, []string{"records 1.22.5"}},
		"no receipt of a tree that shares files": {func(dir string) error { return os.Remove(dir + "/.vmgo/receipts/1.22.5.json") }, []string{
			"orphan .vmgo/manifests/1.22.5", "unproved 1.22.5", "orphan toolchains/go1.22.5"}},
		"a link": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/1.22.5/src/own.go"), os.Symlink("fmt/print.go", dir+"/1.22.5/src/own.go"))
		}, []string{"tree 1.22.5/src/own.go"}},
		"a pipe like an empty file": {func(dir string) error {
			path := dir + "/1.22.5/src/empty.go"
			return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644), os.Chmod(path, 0o644))
		}, []string{"tree 1.22.5/src/empty.go"}},
		"several": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/1.22.5/src/own.go"), os.Mkdir(dir+"/backup", 0o755), os.Remove(dir+"/toolchains/go1.22.4"))
		}, []string{"tree 1.22.5/src/own.go", "stranger backup", "toolchain toolchains/go1.22.4"}},
		"a name outside": {func(dir string) error { return os.Link(dir+"/1.22.5/src/own.go", filepath.Dir(dir)+"/kept") }, []string{
			"links 1.22.5/src/own.go"}},
		// A stage may hold the name that is missing.
		"a name outside, and a stage": {func(dir string) error {
			return errors.Join(os.Link(dir+"/1.22.5/src/own.go", filepath.Dir(dir)+"/kept"), os.Mkdir(dir+"/.vmgo/staging/1.9.1.x", 0o755))
		}, []string{"leftover .vmgo/staging/1.9.1.x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, store.Options{})
			tc := small("1.22.5")
			tc.Files["src/own.go"], tc.Files["src/empty.go"] = "package own\n", ""
			if err := errors.Join(put(t, s, small("1.22.4"), false), put(t, s, tc, false), c.damage(s.Dir())); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range faults(t, s) {
				if want := filepath.Join(s.Dir(), f.Path); !filepath.IsAbs(f.Path) && f.In(s.Dir()) != want || filepath.IsAbs(f.Path) && f.In(s.Dir()) != f.Path {
					t.Errorf("%s is in %s", f.Path, f.In(s.Dir()))
				}
				got = append(got, string(f.Kind)+" "+strings.ReplaceAll(f.Path, filepath.Dir(s.Dir()), "ABOVE"))
				if again := f.Kind == store.FaultRecords || f.Kind == store.FaultTree || f.Kind == store.FaultWritable && f.Path == "1.22.5/src"; f.NeedsReinstall() != again {
					t.Errorf("another install repairs %+v: %v", f, f.NeedsReinstall())
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestStore_checkOfNothing(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if list := faults(t, s); len(list) > 0 {
		t.Errorf("no store: %v", list)
	}
	mustPut(t, s, "1.22.5")
	stage, err := s.NewStage(t.Context(), version(t, "1.22.4"), store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	if list := faults(t, s); len(list) > 0 {
		t.Errorf("an install that is under way: %v", list)
	}
	if err := stage.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.Dir() + "/.vmgo/lock"); err != nil { // for which nobody waits then
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := s.Check(ctx, store.Wait{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v, %v", list, err)
	}
}
