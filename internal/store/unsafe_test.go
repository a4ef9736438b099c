package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

// other is a user who is neither root nor the one that runs the tests.
const other = 4242

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to another user")
	}
}

// TestStore_refusesWhatOthersMayChange makes each directory of a store, and one
// on the way to it, unsafe in each way. Nothing may be written then, and the
// check of the store must name the directory.
func TestStore_refusesWhatOthersMayChange(t *testing.T) {
	t.Parallel()
	dirs := append([]string{"..", "."}, store.Directories()...)
	for name, damage := range map[string]func(t *testing.T, dir string) error{
		"every user":      func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o777) },
		"sticky, a group": func(_ *testing.T, dir string) error { return giveGroup(dir, 0o2775) },
		"another user": func(t *testing.T, dir string) error {
			needRoot(t)
			return os.Chown(dir, other, -1)
		},
		"nobody": func(t *testing.T, dir string) error {
			needRoot(t)
			return os.Chown(dir, 65534, -1)
		},
	} {
		for _, at := range dirs {
			t.Run(name+" "+strings.ReplaceAll(at, "/", "_"), func(t *testing.T) {
				t.Parallel()
				if strings.HasPrefix(name, "sticky") {
					needRoot(t) // a group of another user
				}
				s := open(t, store.Options{})
				mustPut(t, s, "1.22.4")
				if err := damage(t, filepath.Join(s.Dir(), at)); err != nil {
					t.Fatal(err)
				}
				before := names(t, s.Dir())
				v := version(t, "1.22.4")
				for what, err := range map[string]error{
					"install":    put(t, s, toolchain("1.22.5"), false),
					"uninstall":  s.Uninstall(t.Context(), v, false, store.Wait{}),
					"default":    s.SetDefault(t.Context(), v, store.Wait{}),
					"no default": s.ClearDefault(t.Context(), store.Wait{}),
					"sweep":      s.Sweep(t.Context(), store.Wait{}),
					"amend":      s.AmendReceipt(t.Context(), v, func(*store.Receipt) {}, store.Wait{}),
					"dedup":      second(s.Dedup(t.Context(), store.Wait{})),
				} {
					if diag.CodeOf(err) != diag.StoreUnsafe || len(diag.HintsOf(err)) == 0 {
						t.Errorf("%s: %v, hints %q", what, err, diag.HintsOf(err))
					}
					if name == "nobody" && !strings.Contains(err.Error(), "root_squash") {
						t.Errorf("%s does not name root_squash: %v", what, err)
					}
				}
				if after := names(t, s.Dir()); !slices.Equal(before, after) {
					t.Errorf("the store changed from %q to %q", before, after)
				}
				kind := store.FaultWritable
				if name == "another user" || name == "nobody" {
					kind = store.FaultOwner
				}
				found := slices.ContainsFunc(faults(t, s), func(f store.Fault) bool {
					where := filepath.Join(s.Dir(), f.Path)
					if filepath.IsAbs(f.Path) {
						where = f.Path
					}
					return f.Kind == kind && where == filepath.Join(s.Dir(), at)
				})
				if !found {
					t.Errorf("the check does not name it: %v", faults(t, s))
				}
			})
		}
	}
}

func second(_ store.Deduped, err error) error { return err }

// giveGroup returns a directory to a group that is nobody's private one.
func giveGroup(dir string, mode os.FileMode) error {
	return errors.Join(os.Chown(dir, -1, other), os.Chmod(dir, mode.Perm()|os.ModeSetgid))
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		list = append(list, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestStore_writesBeneathOpenDirectories plays the race in which a directory of
// the store is swapped for a link between its check and the writing: the stage
// is ready, then another who may write there puts links to a file of root's in
// the places that are written to next.
func TestStore_writesBeneathOpenDirectories(t *testing.T) {
	t.Parallel()
	for _, swapped := range []string{".vmgo/staging", ".vmgo/manifests", ".vmgo/receipts", "toolchains", ".vmgo", "stage", "tree"} {
		t.Run(strings.ReplaceAll(swapped, "/", "_"), func(t *testing.T) {
			t.Parallel()
			s := open(t, store.Options{})
			v := version(t, "1.22.5")
			stage, err := s.NewStage(t.Context(), v, store.Wait{})
			if err != nil {
				t.Fatal(err)
			}
			defer stage.Close()
			outside := t.TempDir()
			victim := filepath.Join(outside, "manifest")
			at := filepath.Join(s.Dir(), swapped)
			switch swapped {
			case "stage":
				at = filepath.Dir(stage.Tree())
			case "tree":
				at = stage.Tree()
			}
			// The directory that takes the place has, under every name that is
			// written to, a link to the victim.
			err = errors.Join(os.WriteFile(victim, []byte("precious"), 0o600), os.MkdirAll(filepath.Join(outside, "tree/bin"), 0o755),
				os.WriteFile(filepath.Join(outside, "tree/bin/go"), []byte("#!/bin/sh\n"), 0o755))
			for _, name := range []string{"receipt", "swap", v.String(), v.String() + ".json", v.Toolchain(), "lock"} {
				err = errors.Join(err, os.Symlink(victim, filepath.Join(outside, name)))
			}
			err = errors.Join(err, os.Rename(at, at+".aside"), os.Symlink(outside, at))
			if err != nil {
				t.Fatal(err)
			}
			if err := stage.Publish(t.Context(), nil, store.Receipt{Version: v.String()}, true, store.Wait{}); diag.CodeOf(err) != diag.StoreUnsafe {
				t.Errorf("published all the same: %v", err)
			}
			if data, err := os.ReadFile(victim); err != nil || string(data) != "precious" {
				t.Errorf("the victim is now %q, %v", data, err)
			}
			if s.Has(v) {
				t.Error("a release appeared")
			}
			if err := stage.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(outside, "tree/bin/go")); err != nil {
				t.Errorf("closing the stage deleted outside of it: %v", err)
			}
		})
	}
}

// TestStore_ownersWhoAreFine are ways and directories in which nobody else may write.
func TestStore_ownersWhoAreFine(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(dir string) error{
		"sticky ancestor": func(dir string) error { return os.Chmod(filepath.Dir(dir), 0o777|os.ModeSticky) },
		"linked": func(dir string) error {
			return errors.Join(os.Mkdir(dir+".real", 0o755), os.Symlink(filepath.Base(dir)+".real", dir))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, store.Options{})
			if err := prepare(s.Dir()); err != nil {
				t.Fatal(err)
			}
			mustPut(t, s, "1.22.5")
			if list := faults(t, s); len(list) != 0 {
				t.Errorf("faults: %v", list)
			}
		})
	}
}

// TestStore_aLinkOfAnotherUser stands in a sticky directory, where its owner may replace it at any time.
func TestStore_aLinkOfAnotherUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := open(t, store.Options{})
	err := errors.Join(os.Chmod(filepath.Dir(s.Dir()), 0o777|os.ModeSticky), os.Mkdir(s.Dir()+".real", 0o755),
		os.Symlink(s.Dir()+".real", s.Dir()), os.Lchown(s.Dir(), other, other))
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, toolchain("1.22.5"), false); diag.CodeOf(err) != diag.StoreUnsafe {
		t.Errorf("installed through it: %v", err)
	}
	if list, err := os.ReadDir(s.Dir() + ".real"); err != nil || len(list) != 0 {
		t.Errorf("written there: %v, %v", list, err)
	}
}
