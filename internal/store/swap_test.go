package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/store"
)

// A marker of a tree that is not there any more puts no records beside another tree.
func TestStore_aSwapWithoutItsTree(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	mustPut(t, s, "1.22.5")
	stage := filepath.Join(s.Dir(), ".vmgo/staging/1.22.5.crashed")
	err := errors.Join(os.Mkdir(stage, 0o755), os.WriteFile(stage+"/swap", []byte("1.22.5 1\n"), 0o644),
		os.WriteFile(stage+"/manifest", []byte("format 1\n"), 0o644), os.WriteFile(stage+"/receipt", []byte("{}"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context(), store.Wait{}); err != nil {
		t.Fatal(err)
	}
	if list := faults(t, s); len(list) != 0 {
		t.Errorf("faults: %v", list)
	}
}

// TestStore_aSwapThatWasDecidedIsFinished puts a store into each state that a
// crash can leave a reinstall in after its marker is durable. Trees and records
// differ, so that one with the other's records would be found.
func TestStore_aSwapThatWasDecidedIsFinished(t *testing.T) {
	t.Parallel()
	const v = "1.22.5"
	for name, crash := range map[string]func(target, stage string) error{
		"nothing done yet": func(string, string) error { return nil },
		"exchanged": func(target, stage string) error {
			return errors.Join(os.Rename(target, stage+"/x"), os.Rename(stage+"/tree", target), os.Rename(stage+"/x", stage+"/tree"))
		},
		"old aside": func(target, stage string) error { return os.Rename(target, stage+"/old") },
		"new in, old aside": func(target, stage string) error {
			return errors.Join(os.Rename(target, stage+"/old"), os.Rename(stage+"/tree", target))
		},
		"manifest placed": func(target, stage string) error {
			return errors.Join(os.Rename(target, stage+"/old"), os.Rename(stage+"/tree", target),
				os.Rename(stage+"/manifest", filepath.Join(stage, "../../manifests", v)))
		},
		"all placed": func(target, stage string) error {
			return errors.Join(os.Rename(target, stage+"/old"), os.Rename(stage+"/tree", target),
				os.Rename(stage+"/manifest", filepath.Join(stage, "../../manifests", v)),
				os.Rename(stage+"/receipt", filepath.Join(stage, "../../receipts", v+".json")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, donor := open(t, store.Options{}), open(t, store.Options{})
			mustPut(t, s, v)
			other := toolchain(v)
			other.Files["src/new.go"] = "package new\n"
			if err := put(t, donor, other, false); err != nil {
				t.Fatal(err)
			}
			stage := filepath.Join(s.Dir(), ".vmgo/staging/"+v+".crashed")
			meta := filepath.Join(donor.Dir(), ".vmgo")
			if err := errors.Join(os.Mkdir(filepath.Dir(stage)+"/0.dead", 0o755), os.Mkdir(stage, 0o755), os.Mkdir(filepath.Dir(stage)+"/z.dead", 0o755),
				os.Rename(filepath.Join(donor.Dir(), v), stage+"/tree"),
				os.Rename(meta+"/manifests/"+v, stage+"/manifest"), os.Rename(meta+"/receipts/"+v+".json", stage+"/receipt")); err != nil {
				t.Fatal(err)
			}
			var st syscall.Stat_t
			if err := syscall.Stat(stage+"/tree", &st); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.WriteFile(stage+"/swap", fmt.Appendf(nil, "%s %d\n", v, st.Ino), 0o644), crash(filepath.Join(s.Dir(), v), stage)); err != nil {
				t.Fatal(err)
			}
			if err := s.Sweep(t.Context(), store.Wait{}); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(s.Dir(), v, "src/new.go")); err != nil {
				t.Errorf("the new tree is not in its place: %v", err)
			}
			if list := faults(t, s); len(list) != 0 {
				t.Errorf("faults: %v", list)
			}
		})
	}
}
