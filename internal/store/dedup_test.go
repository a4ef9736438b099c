package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestDedup_linksOnlyWhatIsRight changes one of two equal files. It stays as it is then,
// and so does the other.
func TestDedup_linksOnlyWhatIsRight(t *testing.T) {
	t.Parallel()
	for name, change := range changesOfAFile() {
		for _, at := range []string{"1.22.4", "1.22.5"} { // the later comes first
			t.Run(fmt.Sprint(name, " ", at), func(t *testing.T) {
				t.Parallel()
				if name == "of another user" {
					needRoot(t)
				}
				s := open(t, store.Options{NoLink: true})
				for _, v := range []string{"1.22.4", "1.22.5"} {
					tc := toolchain(v)
					tc.Files = map[string]string{"lib/x/same.go": "package same\n"}
					if err := put(t, s, tc, false); err != nil {
						t.Fatal(err)
					}
				}
				path := func(v string) string { return filepath.Join(s.GOROOT(version(t, v)), "lib/x/same.go") }
				switch err := change(path(at)); {
				case errors.Is(err, syscall.ENOTSUP):
					t.Skipf("this file system has no attributes of users: %v", err)
				case err != nil:
					t.Fatal(err)
				}
				before := map[string]os.FileInfo{}
				for _, v := range []string{"1.22.4", "1.22.5"} {
					before[v], _ = os.Lstat(path(v))
				}
				d, err := s.Dedup(t.Context(), store.Wait{})
				if err != nil || (d.Skipped == 1) == (name == "unchanged") || d.Skipped > 1 || d.Files == 0 {
					t.Errorf("%+v, %v", d, err)
				}
				a, errA := os.Lstat(path("1.22.4"))
				b, errB := os.Lstat(path("1.22.5"))
				if same := errA == nil && errB == nil && os.SameFile(a, b); same != (name == "unchanged") {
					t.Errorf("linked: %v", same)
				}
				if name != "unchanged" && (a != nil && !os.SameFile(a, before["1.22.4"]) || b != nil && !os.SameFile(b, before["1.22.5"])) {
					t.Error("a file was replaced")
				}
			})
		}
	}
}

func TestDedup_ofDamagedRecordsAndInterrupted(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{NoLink: true})
	mustPut(t, s, "1.22.4", "1.22.5")
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if d, err := s.Dedup(ctx, store.Wait{}); !errors.Is(err, stop) || d.Files != 0 {
		t.Errorf("interrupted: %+v, %v", d, err)
	}
	if d, err := s.Dedup(stoppedLater{t.Context(), filepath.Join(s.Dir(), ".vmgo/staging")}, store.Wait{}); !errors.Is(err, context.Canceled) || d.Files != 0 {
		t.Errorf("interrupted between files: %+v, %v", d, err)
	}
	if err := os.Truncate(filepath.Join(s.Dir(), ".vmgo/manifests/1.22.5"), 10); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Dedup(t.Context(), store.Wait{}); err != nil || d.Skipped != 1 {
		t.Errorf("a manifest that is damaged: %+v, %v", d, err)
	}
}

// A release that is removed while dedup waits for it is not looked for.
func TestDedup_goneWhileWaiting(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{NoLink: true})
	mustPut(t, s, "1.22.4", "1.22.5")
	v := version(t, "1.22.4")
	lock, err := s.LockRelease(t.Context(), v, store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	wait := store.Wait{Notice: func(fsx.Holder) {
		if err := errors.Join(os.RemoveAll(s.GOROOT(v)), lock.Release()); err != nil {
			t.Error(err)
		}
	}}
	if d, err := s.Dedup(t.Context(), wait); err != nil || d.Skipped != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// A pipe in the place of an empty file is nothing to link to.
func TestDedup_linksNoPipe(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{NoLink: true})
	for _, v := range []string{"1.22.4", "1.22.5"} {
		if err := put(t, s, vmtest.Toolchain{Version: v, Files: map[string]string{"a-first": ""}}, false); err != nil {
			t.Fatal(err)
		}
	}
	pipe, file := s.Dir()+"/1.22.5/a-first", s.Dir()+"/1.22.4/a-first"
	if err := errors.Join(os.Remove(pipe), syscall.Mkfifo(pipe, 0o644), os.Chmod(pipe, 0o644)); err != nil {
		t.Fatal(err)
	}
	d, err := s.Dedup(t.Context(), store.Wait{})
	if info, statErr := os.Lstat(file); err != nil || statErr != nil || !info.Mode().IsRegular() || d.Skipped == 0 {
		t.Errorf("%v, %+v, %v, %v", info, d, err, statErr)
	}
}

// stoppedLater is canceled as soon as there is something in a directory.
type stoppedLater struct {
	context.Context
	dir string
}

func (c stoppedLater) Err() error {
	if names, _ := os.ReadDir(c.dir); len(names) > 0 {
		return context.Canceled
	}
	return c.Context.Err()
}
