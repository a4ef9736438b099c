package shims_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/shims"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir, program := root+"/a/b", root+"/vmgo-shim"
	must(t, os.WriteFile(program, nil, 0o755))
	must(t, shims.Refresh(dir, program))
	first, err := os.Lstat(dir + "/go")
	must(t, err)
	must(t, shims.Refresh(dir, program))
	if again, err := os.Lstat(dir + "/go"); err != nil || !again.ModTime().Equal(first.ModTime()) || !os.SameFile(again, first) {
		t.Errorf("a link that is right was made again: %v, %v", again, err)
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

// What cannot be made or removed is an error that names it.
func TestLinks_errors(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	must(t, os.WriteFile(root+"/file", nil, 0o644))
	if err := shims.Refresh(root+"/file/bin", root+"/vmgo-shim"); err == nil || !strings.Contains(err.Error(), "directory of the shims") {
		t.Errorf("beneath a file: %v", err)
	}
	must(t, os.MkdirAll(root+"/bin/gofmt.vmgo-new/own", 0o755)) // in the way of the link before it is renamed
	if err := shims.Refresh(root+"/bin", root+"/vmgo-shim"); err == nil || !strings.Contains(err.Error(), "the shim gofmt") {
		t.Errorf("something in the way: %v", err)
	}
	if removed, err := shims.Remove(root + "/none"); err != nil || len(removed) > 0 {
		t.Errorf("of no directory: %q, %v", removed, err)
	}
}

// Only links of ours that lead nowhere are dangling, and only those are removed.
func TestDangling(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for dir, target := range map[string]string{"gone": "/none/vmgo-shim", "sound": root + "/vmgo-shim", "foreign": "/none/go", "loop": "vmgo-shim"} {
		must(t, os.Mkdir(root+"/"+dir, 0o755))
		must(t, os.Symlink(target, root+"/"+dir+"/go"))
	}
	must(t, os.Symlink("vmgo-shim", root+"/loop/vmgo-shim"))
	must(t, os.WriteFile(root+"/vmgo-shim", nil, 0o755))
	dirs := []string{root + "/gone", root + "/sound", root + "/foreign", root + "/loop", root + "/none", root + "/gone", relativeTo(t, root+"/gone")}
	if found := shims.Dangling(dirs); strings.Join(found, " ") != root+"/gone/go" {
		t.Errorf("dangling: %q", found)
	}
	for _, dir := range dirs[:5] {
		must(t, shims.RemoveDangling(dir+"/go"))
		if _, err := os.Lstat(dir + "/go"); (err == nil) != (dir == root+"/sound" || dir == root+"/foreign" || dir == root+"/loop") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// Root's shims are for everybody, and so are those of a user without a home.
func TestDefaultDir(t *testing.T) {
	t.Parallel()
	home := dirs.Layout{Home: "/home/ann"}
	for _, c := range []struct {
		layout dirs.Layout
		uid    int
		want   string
	}{{home, 1000, "/home/ann/.local/bin"}, {home, 0, "/usr/local/bin"}, {dirs.Layout{}, 1000, "/usr/local/bin"}} {
		if got := shims.DefaultDir(c.layout, "/", c.uid); got != c.want {
			t.Errorf("user %d with %+v: %s, want %s", c.uid, c.layout, got, c.want)
		}
	}
}
