package archive

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

// Limits are what is still allowed, of a tree as of an archive, and files come
// in the order of their paths.
func TestLimits_areInclusive(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a-b": "1", "a/b": "22", "c": "333"} // a directory comes before a-b
	_, root := treeRoot(t, files)
	packed := zipped(t, tarball(t, file("go/a/b", "22"), file("go/a-b", "1"), file("go/c", "333")))
	for _, tt := range []struct {
		limits    Limits
		tree, tar string // what is said; empty: good
	}{
		{Limits{Files: 3, File: 3, Total: 6, Ratio: 1}, "", ""},
		{Limits{Files: 2, File: 3, Total: 6, Ratio: 1}, "3 files", "more than 2 files"},
		{Limits{Files: 3, File: 2, Total: 6, Ratio: 1}, "no release has", "a file of 3 bytes"},
		{Limits{Files: 3, File: 3, Total: 5, Ratio: 1}, "3 files", "more than 5 bytes together"},
	} {
		for _, jobs := range []int{1, 3} {
			opts := Options{Limits: tt.limits, Jobs: jobs}
			copied, err := CopyTree(t.Context(), root, everything, newTreeSink(), opts)
			holds(t, "tree", copied, err, tt.tree)
			extracted, err := ExtractTarGz(t.Context(), bytes.NewReader(packed), newTreeSink(), opts)
			holds(t, "archive", extracted, err, tt.tar)
		}
	}
	full := newTreeSink()
	full.fail = "c"
	if _, err := CopyTree(t.Context(), root, everything, full, Options{Limits: DefaultLimits()}); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("a sink that is full: %v", err)
	}
}

func holds(t *testing.T, what string, files []File, err error, want string) {
	t.Helper()
	if want != "" {
		if diag.CodeOf(err) != diag.ArchiveUnsafe || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
		return
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	if got := strings.Join(paths, " "); err != nil || got != "a-b a/b c" {
		t.Errorf("%s: %s, %v", what, got, err)
	}
}

// As many directories are allowed as files.
func TestLimits_directories(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]string{3: "", 4: "more than 3 directories"} {
		name := strings.Repeat("d/", depth) + "x"
		limits := Limits{Files: 3, File: 10, Total: 10, Ratio: 1000}
		_, _, zipErr := extractZip(t, rawZip(t, 0, stored(name, "x")), prefix, limits, Options{})
		_, tarErr := ExtractTarGz(t.Context(), bytes.NewReader(zipped(t, tarball(t, file("go/"+name, "x")))), newTreeSink(), Options{Limits: limits})
		_, root := treeRoot(t, map[string]string{name: "x"})
		_, treeErr := CopyTree(t.Context(), root, everything, newTreeSink(), Options{Limits: limits})
		for what, err := range map[string]error{"zip": zipErr, "tar": tarErr, "tree": treeErr} {
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s of %d directories: %v", what, depth, err)
			}
		}
	}
}
