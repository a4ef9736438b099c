package seen_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/project/seen"
)

func TestRecord_onceAndForget(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	for _, p := range []string{"/src/b", "/src/a \n\xff", "/src/b", ""} {
		seen.Record(state, p)
	}
	got, err := seen.List(state)
	if err != nil || !slices.Equal(got, []string{"/src/a \n\xff", "/src/b"}) {
		t.Fatalf("List = %q, %v", got, err)
	}
	if err := seen.Forget(state, "/src/b"); err != nil {
		t.Fatal(err)
	}
	if got, _ := seen.List(state); len(got) != 1 {
		t.Errorf("after Forget: %q", got)
	}
}

func TestList_passesOverWhatACrashLeft(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	seen.Record(state, "/src/app")
	path := filepath.Join(state, "projects", environ.Hash("/src/app"))
	if err := os.Truncate(path, 3); err != nil {
		t.Fatal(err)
	}
	if got, err := seen.List(state); err != nil || len(got) != 0 {
		t.Errorf("List = %q, %v", got, err)
	}
	seen.Record(state, "/src/app")
	if got, _ := seen.List(state); len(got) != 1 {
		t.Errorf("not written again: %q", got)
	}
	if got, err := seen.List(filepath.Join(state, "none")); err != nil || got != nil {
		t.Errorf("no directory: %q, %v", got, err)
	}
	seen.Record("", "/src/app")
}
