package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
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
			"orphan .vmgo/receipts/1.22.5"}},
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
			mustPut(t, s, "1.22.4")
			tc := toolchain("1.22.5")
			tc.Files["src/own.go"], tc.Files["src/empty.go"] = "package own\n", ""
			if err := errors.Join(put(t, s, tc, false), c.damage(s.Dir())); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range faults(t, s) {
				got = append(got, string(f.Kind)+" "+f.Path)
				if again := f.Kind == store.FaultRecords || f.Kind == store.FaultTree; f.NeedsReinstall() != again {
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
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := s.Check(ctx, store.Wait{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v, %v", list, err)
	}
}
