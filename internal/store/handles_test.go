package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/gover"
)

// TestWriter_swappedAfterTheLastCheck swaps a directory for a link when nothing
// is checked any more: each step of a publication, of a swap, an uninstall and
// the sweep still lies beneath the directories that are open.
func TestWriter_swappedAfterTheLastCheck(t *testing.T) {
	t.Parallel()
	v, err := gover.Parse("1.22.5")
	if err != nil {
		t.Fatal(err)
	}
	for _, swapped := range append([]string{"stage", "."}, Directories()...) {
		t.Run(strings.ReplaceAll(swapped, "/", "_"), func(t *testing.T) {
			t.Parallel()
			s := Open(filepath.Join(t.TempDir(), "store"), Options{})
			stage, err := s.NewStage(t.Context(), v, Wait{})
			if err != nil {
				t.Fatal(err)
			}
			defer stage.Close()
			w, err := s.lockNames(t.Context(), stage.handles, Wait{})
			if err != nil {
				t.Fatal(err)
			}
			outside := t.TempDir()
			at := filepath.Join(s.Dir(), swapped)
			if swapped == "stage" {
				at = stage.dir.Path()
			}
			var before []string
			for _, name := range []string{manifestName, receiptName, markerName, v.String(), receiptOf(v), v.Toolchain(), "1.9.1.dead", defaultName} {
				err = errors.Join(err, os.WriteFile(filepath.Join(outside, name), []byte("precious"), 0o600))
				before = append(before, name)
			}
			if err := errors.Join(err, os.Rename(at, at+".aside"), os.Symlink(outside, at)); err != nil {
				t.Fatal(err)
			}
			for step, err := range map[string]error{
				"write": stage.write(nil, Receipt{}), "marker": stage.dir.WriteFile(markerName, nil, 0o644), "reveal": w.reveal(stage),
				"default": w.root.Symlink(v.String(), defaultName), "sweep": w.reconcile(), "uninstall": w.dropRecords(v), "unlock": w.done(),
			} {
				if err != nil && step == "write" {
					t.Errorf("%s: %v", step, err)
				}
			}
			if err := stage.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			entries, err := os.ReadDir(outside)
			if err != nil {
				t.Fatal(err)
			}
			var after []string
			for _, e := range entries {
				data, _ := os.ReadFile(filepath.Join(outside, e.Name()))
				if after = append(after, e.Name()); string(data) != "precious" {
					t.Errorf("%s is now %q", e.Name(), data)
				}
			}
			if slices.Sort(before); !slices.Equal(before, after) {
				t.Errorf("names outside: %q, want %q", after, before)
			}
		})
	}
}
