package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/store"
)

// each calls every operation of a store that writes, and Check, all of which
// should fail, and returns their errors.
func each(t *testing.T, s *store.Store, wait store.Wait) map[string]error {
	t.Helper()
	ctx, v, other := t.Context(), version(t, "1.22.5"), version(t, "1.21.0")
	errs := map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for what, do := range map[string]func() error{
		"dedup": func() error { return second(s.Dedup(ctx, wait)) },
		"check": func() error {
			_, err := s.Check(ctx, wait)
			return err
		},
		"lock": func() error {
			lock, err := s.LockRelease(ctx, other, wait)
			if err == nil {
				return lock.Release()
			}
			return err
		},
		"stage": func() error {
			stage, err := s.NewStage(ctx, other, wait)
			if err == nil {
				return stage.Close()
			}
			return err
		},
		"sweep":      func() error { return s.Sweep(ctx, wait) },
		"default":    func() error { return s.SetDefault(ctx, v, wait) },
		"no default": func() error { return s.ClearDefault(ctx, wait) },
		"amend":      func() error { return s.AmendReceipt(ctx, v, func(*store.Receipt) {}, wait) },
		"uninstall":  func() error { return s.Uninstall(ctx, v, false, wait) },
	} {
		wg.Go(func() {
			err := do()
			mu.Lock()
			errs[what] = err
			mu.Unlock()
		})
	}
	wg.Wait()
	return errs
}

// loop puts at path what is there and cannot be looked into, not even by root.
func loop(path string) error {
	return errors.Join(os.RemoveAll(path), os.Symlink(filepath.Base(path), path))
}

// A store that cannot be looked at is one for no operation, not an empty one.
func TestStore_thatCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(dir string) error{
		"the way to it": func(dir string) error { return loop(filepath.Dir(dir)) },
		"itself":        loop,
	} {
		s := store.Open(filepath.Join(t.TempDir(), "above/store"), store.Options{})
		mustPut(t, s, "1.22.5")
		if err := damage(s.Dir()); err != nil {
			t.Fatal(err)
		}
		if list, err := s.Releases(); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("%s: %v, %v", name, list, err)
		}
		for what, err := range each(t, s, store.Wait{}) {
			missing := what == "uninstall" && diag.CodeOf(err) == diag.NotInstalled
			if !errors.Is(err, syscall.ELOOP) && !missing {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}

// Where it cannot be seen whether there is a receipt, a tree is neither installed nor unproved.
func TestStore_receiptsThatCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	v := version(t, "1.22.5")
	if s.Unproved(v) || !s.Has(v) || s.Unproved(version(t, "1.22.4")) {
		t.Error("a release is installed or not")
	}
	if err := loop(filepath.Join(s.Dir(), ".vmgo")); err != nil {
		t.Fatal(err)
	}
	if s.Unproved(v) || s.Has(v) {
		t.Errorf("unproved %v, installed %v", s.Unproved(v), s.Has(v))
	}
	if err := s.Uninstall(t.Context(), v, true, store.Wait{}); diag.CodeOf(err) != diag.NotInstalled {
		t.Errorf("uninstall: %v", err)
	}
}

// Nobody waits who does not want to, and each is told who holds the store.
func TestStore_busy(t *testing.T) {
	t.Parallel()
	for held, whats := range map[string][]string{
		".vmgo/lock":         {"dedup", "check", "stage", "sweep", "default", "no default", "uninstall"},
		".vmgo/locks/1.22.5": {"dedup", "amend", "uninstall"},
		".vmgo/locks/1.21.0": {"lock"},
	} {
		t.Run(filepath.Base(held), func(t *testing.T) {
			t.Parallel()
			s := open(t, store.Options{})
			mustPut(t, s, "1.22.5")
			lock, err := fsx.Acquire(t.Context(), filepath.Join(s.Dir(), held), fsx.LockOptions{Holder: fsx.Holder{PID: 1, What: "another"}})
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Release()
			found := each(t, s, store.Wait{No: true})
			for _, what := range whats {
				if err := found[what]; diag.CodeOf(err) != diag.StoreBusy {
					t.Errorf("%s: %v", what, err)
				}
			}
			if held == ".vmgo/lock" { // alone, so that only that lock is in the way
				for what, err := range map[string]error{
					"dedup": second(s.Dedup(t.Context(), store.Wait{No: true})), "uninstall": s.Uninstall(t.Context(), version(t, "1.22.5"), false, store.Wait{No: true}),
				} {
					if diag.CodeOf(err) != diag.StoreBusy {
						t.Errorf("%s alone: %v", what, err)
					}
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.ClearDefault(ctx, store.Wait{No: true}); !errors.Is(err, context.Canceled) {
				t.Errorf("interrupted: %v", err)
			}
		})
	}
}

// A check of a store in which others may write takes no lock there, and one
// of no store says nothing.
func TestStore_checkOfAnUnsafeStore(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	lock, err := fsx.Acquire(t.Context(), filepath.Join(s.Dir(), ".vmgo/lock"), fsx.LockOptions{})
	if err := errors.Join(err, os.Chmod(s.Dir(), 0o777)); err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if list, err := s.Check(t.Context(), store.Wait{No: true}); err != nil || len(list) != 1 || list[0].Kind != store.FaultWritable {
		t.Errorf("%v, %v", list, err)
	}
	none := store.Open(filepath.Join(s.Dir(), "none"), store.Options{})
	if list, err := none.Check(t.Context(), store.Wait{}); err != nil || len(list) > 0 {
		t.Errorf("of none: %v, %v", list, err)
	}
}

// Nothing is made before the way is known to be safe, and for a refusal nothing at all.
func TestStore_makesNothingInVain(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if err := s.Uninstall(t.Context(), version(t, "1.22.5"), false, store.Wait{}); diag.CodeOf(err) != diag.NotInstalled {
		t.Errorf("uninstall: %v", err)
	}
	if err := s.Sweep(t.Context(), store.Wait{}); err != nil {
		t.Errorf("sweep: %v", err)
	}
	if err := os.Chmod(filepath.Dir(s.Dir()), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := s.LockRelease(t.Context(), version(t, "1.22.5"), store.Wait{}); diag.CodeOf(err) != diag.StoreUnsafe {
		t.Errorf("beneath what others may write: %v", err)
	}
	if s.Exists() {
		t.Error("the store was made")
	}
}

// A directory of ours may take another's place as well: what is checked before
// must be what is written in.
func TestStore_replacedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, name := range append([]string{"."}, store.Directories()...) {
		s := open(t, store.Options{})
		v := version(t, "1.22.5")
		stage, err := s.NewStage(t.Context(), v, store.Wait{})
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(s.Dir(), name)
		mode := os.FileMode(0o755)
		if err := errors.Join(os.Rename(at, filepath.Dir(s.Dir())+"/aside"), os.Mkdir(at, mode)); err != nil {
			t.Fatal(err)
		}
		if err := stage.Publish(t.Context(), nil, store.Receipt{Version: v.String()}, true, store.Wait{}); diag.CodeOf(err) != diag.StoreUnsafe || s.Has(v) {
			t.Errorf("%s: %v, installed %v", name, err, s.Has(v))
		}
		if err := stage.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What cannot be written into a stage is an error, and no release appears.
func TestStage_publishFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage  func(s *store.Store, stage string) error
		receipt store.Receipt
	}{
		"manifest in the way": {func(_ *store.Store, stage string) error { return os.Mkdir(stage+"/manifest", 0o755) }, store.Receipt{}},
		"receipt in the way":  {func(_ *store.Store, stage string) error { return os.Mkdir(stage+"/receipt", 0o755) }, store.Receipt{}},
		"a proof that is no JSON": {func(*store.Store, string) error { return nil }, store.Receipt{
			LogProof: []byte("{")}},
		"the lock a directory": {func(s *store.Store, _ string) error {
			return errors.Join(os.Remove(s.Dir()+"/.vmgo/lock"), os.Mkdir(s.Dir()+"/.vmgo/lock", 0o755))
		}, store.Receipt{}},
	} {
		s := open(t, store.Options{})
		v := version(t, "1.22.5")
		stage, err := s.NewStage(t.Context(), v, store.Wait{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.damage(s, filepath.Dir(stage.Tree())); err != nil {
			t.Fatal(err)
		}
		c.receipt.Version = v.String()
		if err := stage.Publish(t.Context(), nil, c.receipt, false, store.Wait{}); err == nil || s.Has(v) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "the lock a directory" {
			for what, err := range each(t, s, store.Wait{}) {
				if err == nil && what != "lock" && what != "dedup" { // of nothing
					t.Errorf("%s, %s: no error", name, what)
				}
			}
		}
		if err := stage.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A tree without a receipt is replaced only where that is wanted.
func TestStage_publishOverAnUnprovedTree(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	v := version(t, "1.22.5")
	own := filepath.Join(s.GOROOT(v), "own")
	if err := errors.Join(os.MkdirAll(s.GOROOT(v), 0o755), os.WriteFile(own, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, toolchain("1.22.5"), false); diag.CodeOf(err) != diag.Unproven {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(own); err != nil || s.Has(v) {
		t.Errorf("%v, installed %v", err, s.Has(v))
	}
	if err := put(t, s, toolchain("1.22.5"), true); err != nil || !s.Has(v) {
		t.Errorf("replaced: %v", err)
	}
	if err := os.Remove(filepath.Join(s.Dir(), ".vmgo/receipts/1.22.5.json")); err != nil {
		t.Fatal(err)
	}
	if err := s.Uninstall(t.Context(), v, false, store.Wait{}); err != nil || s.Unproved(v) {
		t.Errorf("removed: %v", err)
	}
}

// Who waited for a release finds it gone.
func TestStore_goneWhileWaiting(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	v := version(t, "1.22.5")
	lock, err := s.LockRelease(t.Context(), v, store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	wait := store.Wait{Notice: func(fsx.Holder) {
		if err := errors.Join(os.RemoveAll(s.GOROOT(v)), lock.Release()); err != nil {
			t.Error(err)
		}
	}}
	if err := s.Uninstall(t.Context(), v, false, wait); diag.CodeOf(err) != diag.NotInstalled {
		t.Errorf("uninstall: %v", err)
	}
}

// Another proof is added to the receipt, and nothing else changes.
func TestAmendReceipt_failsAsAWhole(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	v := version(t, "1.22.5")
	before, err := s.Receipt(v)
	if err != nil {
		t.Fatal(err)
	}
	bad := func(r *store.Receipt) { r.LogProof = []byte("{") }
	if err := s.AmendReceipt(t.Context(), v, bad, store.Wait{}); err == nil {
		t.Error("a proof that is no JSON was written")
	}
	foreign := func(r *store.Receipt) { r.Version, r.ManifestSHA256, r.URL = "1.22.4", "0", "changed" }
	if err := s.AmendReceipt(t.Context(), v, foreign, store.Wait{}); err != nil {
		t.Error(err)
	}
	after, err := s.Receipt(v)
	if err != nil || after.URL != "changed" || after.ManifestSHA256 != before.ManifestSHA256 {
		t.Errorf("%+v, %v", after, err)
	}
}

// The default is a link, and nothing else is replaced by one.
func TestStore_defaultInTheWay(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	own := filepath.Join(s.Dir(), "default/own")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	set, clear := s.SetDefault(t.Context(), version(t, "1.22.5"), store.Wait{}), s.ClearDefault(t.Context(), store.Wait{})
	if _, err := os.Stat(own); err != nil || set == nil || clear == nil {
		t.Errorf("%v, %v, %v", set, clear, err)
	}
}

// A store is unsafe where others can change it, not where nobody can look at it.
func TestStore_checkSafe(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	if err := s.CheckSafe(); err != nil {
		t.Errorf("nobody else may write: %v", err)
	}
	if err := os.Chmod(filepath.Join(s.Dir(), ".vmgo"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckSafe(); diag.CodeOf(err) != diag.StoreUnsafe {
		t.Errorf("everybody may write: %v", err)
	}
	if err := loop(s.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckSafe(); err != nil {
		t.Errorf("not known: %v", err)
	}
}
