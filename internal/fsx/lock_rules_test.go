package fsx

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestHolder_saysWhatIsKnown(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, h := range map[string]Holder{
		"another process":   {},
		"process 42":        {PID: 42},
		"process 42 (vmgo)": {PID: 42, What: "vmgo"},
		"process 42 (since 2026-01-02T03:04:05Z)":       {PID: 42, Since: since},
		"process 42 (vmgo, since 2026-01-02T03:04:05Z)": {PID: 42, What: "vmgo", Since: since},
	} {
		if got := h.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is not the name of a holder is somebody's all the same.
func TestAcquire_readsAnyHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := Acquire(t.Context(), path, LockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	for text, want := range map[string]Holder{
		"":                                    {},
		"garbage":                             {},
		"42\n":                                {},
		"42\n2026-01-02T03:04:05Z\nvmgo":      {}, // half written
		"x\n2026-01-02T03:04:05Z\nvmgo\n":     {},
		"42\nnever\nvmgo\n":                   {PID: 42, What: "vmgo"},
		"42\n0001-01-01T00:00:00Z\nvmgo\n":    {PID: 42, What: "vmgo"},
		"42\n0001-06-01T00:00:00Z\nvmgo\n":    {PID: 42, What: "vmgo"},
		"42\n2026-01-02T03:04:05Z\nvmgo\nx\n": {PID: 42, What: "vmgo", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var held *HeldError
		if _, err := Acquire(t.Context(), path, LockOptions{NoWait: true}); !errors.As(err, &held) || held.Holder != want {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// It asks again after pauses, the first of 5 ms, and says once that it waits.
func TestAcquire_waits(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{0: 1, 5 * time.Millisecond: 2, -1: 0} { // -1: nobody wants to know
		path := filepath.Join(t.TempDir(), "lock")
		first, err := Acquire(t.Context(), path, LockOptions{})
		if err != nil {
			t.Fatal(err)
		}
		at, opened, said := lockAt(path), 0, 0
		open := at.open
		at.open = func() (*os.File, error) {
			if opened++; opened == 4 {
				if err := first.Release(); err != nil {
					t.Error(err)
				}
			}
			return open()
		}
		opts := LockOptions{After: after, OnWait: func(Holder) { said += 10*opened + 1 }}
		if after < 0 {
			opts.OnWait = nil
		}
		second, err := acquire(t.Context(), at, opts)
		if err != nil || opened != 4 || want > 0 && said != 10*want+1 {
			t.Errorf("after %v: opened %d times, said %d, %v", after, opened, said, err)
		}
		if err := errors.Join(second.Release(), second.Release(), (*Lock)(nil).Release()); err != nil {
			t.Error(err)
		}
	}
}

// A lock that cannot be taken is an error, and nobody has it then.
func TestAcquire_fails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open func(path string) (*os.File, error)
		want error
	}{
		"closed": {func(path string) (*os.File, error) {
			f, err := os.Open(path)
			return f, errors.Join(err, f.Close())
		}, unix.EBADF},
		"absent": {func(string) (*os.File, error) { return nil, fs.ErrNotExist }, fs.ErrNotExist},
	} {
		path := filepath.Join(t.TempDir(), "lock")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := lockAt(path)
		at.open = func() (*os.File, error) { return c.open(path) }
		if lock, err := acquire(t.Context(), at, LockOptions{NoWait: true}); lock != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, lock, err)
		}
		if lock, err := Acquire(t.Context(), path, LockOptions{NoWait: true}); err != nil {
			t.Errorf("%s: somebody has it: %v", name, err)
		} else if err := lock.Release(); err != nil {
			t.Error(err)
		}
	}
	path := filepath.Join(t.TempDir(), "lock")
	must(t, os.WriteFile(path, nil, 0o600))
	f, err := os.Open(path)
	must(t, err)
	if err := (&Lock{f}).Release(); !errors.Is(err, unix.EINVAL) { // read-only
		t.Errorf("the release of a lock that keeps its name: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fs.ErrClosed)
	if _, err := Acquire(ctx, filepath.Join(t.TempDir(), "lock"), LockOptions{}); err != fs.ErrClosed {
		t.Errorf("without the reason of the context: %v", err)
	}
}

func TestDir_Narrow(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	must(t, os.WriteFile(at("file"), nil, 0o600), os.Chmod(at("file"), 0o654), os.Symlink("file", at("link")), os.WriteFile(at("other"), nil, 0o644), os.Chmod(at("."), 0o755))
	for name, want := range map[string]error{"file": nil, "link": nil, ".": nil, "none": unix.ENOENT} {
		if err := d.Narrow(name); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]os.FileMode{"file": 0o600, ".": 0o700, "other": 0o644} {
		if info, err := os.Lstat(at(name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if os.Geteuid() != 0 {
		return
	}
	must(t, os.Lchown(at("other"), 65534, 65534), d.Narrow("other"))
	if info, err := os.Lstat(at("other")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("another user's: %v, %v", info.Mode(), err)
	}
}

func testDir(t *testing.T) (d *Dir, at func(name string) string) {
	t.Helper()
	top := t.TempDir()
	d, err := OpenTrusted(top)
	must(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d, func(name string) string { return filepath.Join(top, name) }
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
