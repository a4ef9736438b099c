package shims_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/shims"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir, program := root+"/a/b", root+"/vmgo-shim"
	must(t, os.WriteFile(program, nil, 0o755))
	for range 2 {
		must(t, shims.Refresh(dir, program))
	}
	must(t, shims.Refresh(dir, root+"/new/vmgo-shim"))
	for _, tool := range shims.Tools() {
		if target, err := os.Readlink(filepath.Join(dir, tool)); err != nil || target != root+"/new/vmgo-shim" {
			t.Errorf("%s leads to %q, %v", tool, target, err)
		}
	}
	foreign := filepath.Join(dir, "gofmt")
	must(t, os.Remove(foreign))
	must(t, os.WriteFile(foreign, []byte("mine"), 0o755))
	if err := shims.Refresh(dir, program); err == nil || !strings.Contains(err.Error(), foreign) {
		t.Errorf("a file of others in the way: %v", err)
	}
	if target, _ := os.Readlink(filepath.Join(dir, "go")); target != root+"/new/vmgo-shim" {
		t.Errorf("half done: go leads to %q", target)
	}
	removed, err := shims.Remove(dir)
	if err != nil || strings.Join(removed, " ") != filepath.Join(dir, "go") {
		t.Errorf("removed %q, %v", removed, err)
	}
	if text, _ := os.ReadFile(foreign); string(text) != "mine" {
		t.Error("took away what is not ours")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left %v", entries)
	}
}

// A link is ours by the name that it leads to, whether that is there or not.
func TestLinks_whoseTheyAre(t *testing.T) {
	t.Parallel()
	for target, ours := range map[string]bool{
		"/none/vmgo-shim": true, "/none/vmgo": true, "vmgo": true, "/usr/lib/go/bin/go": false, "/vmgo/go": false, "/none/vmgo-shim.old": false,
	} {
		dir := t.TempDir()
		must(t, os.Symlink(target, dir+"/go"))
		removed, err := shims.Remove(dir)
		if err != nil || (len(removed) == 1) != ours {
			t.Errorf("%s: removed %q, %v", target, removed, err)
		}
	}
}

func TestStands(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]bool{
		"go": true, "/usr/local/bin/gofmt -l": true, "vmgo": false, "vmgo install": false,
		"vmgo __hook bash": true, "/x/vmgo __shim go": true, "": false,
	} {
		if got := shims.IsShimCall(strings.Fields(args)); got != want {
			t.Errorf("IsShimCall(%q) = %v", args, got)
		}
	}
}
