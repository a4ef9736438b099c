package verify

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestTreeProblems_otherOwners(t *testing.T) {
	t.Parallel()
	tree, err := Scan(t.Context(), unpacked(t, vmtest.Toolchain{Version: "1.22.5"}), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := tree.Problems(); len(got) != 0 {
		t.Fatalf("untouched: %v", got)
	}
	tree.Files[0].owner++
	tree.Dirs[1].owner++
	if got, want := tree.Problems(), []Problem{{tree.Files[0].Path, Owner}, {tree.Dirs[1].Path, Owner}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDiffering_byEachOfItsMeasures(t *testing.T) {
	t.Parallel()
	listed := archive.File{Path: "src/a.go", Size: 1, CRC32: 2, SHA256: [32]byte{3}}
	for name, c := range map[string]struct {
		change func(f *archive.File)
		sha    bool
		want   int
	}{
		"equal":                {func(*archive.File) {}, true, 0},
		"size":                 {func(f *archive.File) { f.Size++ }, true, 1},
		"CRC":                  {func(f *archive.File) { f.CRC32++ }, false, 1},
		"SHA-256":              {func(f *archive.File) { f.SHA256[0]++ }, true, 1},
		"SHA-256 is not known": {func(f *archive.File) { f.SHA256[0]++ }, false, 0},
	} {
		found := TreeFile{File: listed}
		c.change(&found.File)
		if got := differing([]archive.File{listed}, &Tree{Files: []TreeFile{found}}, c.sha); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What was a file when the tree was walked may be a pipe or a link when it is read.
func TestDigest_ofWhatIsNoFileAnyMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "x")
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600), os.Symlink("/etc/passwd", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, good := range map[string]bool{"file": true, "pipe": false, "link": false} {
		f := TreeFile{File: archive.File{Path: name}}
		if err := f.digest(root, make([]byte, 10)); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReport_tellsTheGravest(t *testing.T) {
	t.Parallel()
	light, grave := diag.New(diag.Failure, "light"), diag.New(diag.Tampered, "grave")
	for _, checks := range [][]Check{{{err: light}, {err: grave}}, {{err: grave}, {err: light}}, {{}, {err: grave}, {}}} {
		if err := (Report{Checks: checks}).Err(); err == nil || !strings.Contains(err.Error(), "grave") {
			t.Errorf("%+v: %v", checks, err)
		}
	}
}

func TestScan_tellsHowManyBytesWereRead(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var most, total int64
	calls := 0
	tree, err := Scan(t.Context(), unpacked(t, vmtest.Toolchain{Version: "1.22.5"}), 2, func(done, all int64) {
		mu.Lock()
		defer mu.Unlock()
		calls, most, total = calls+1, max(most, done), all
	})
	if err != nil {
		t.Fatal(err)
	}
	var bytes int64
	for _, f := range tree.Files {
		bytes += f.Size
	}
	if calls != len(tree.Files) || most != bytes || total != bytes {
		t.Errorf("%d calls for %d files, %d of %d bytes, not %d", calls, len(tree.Files), most, total, bytes)
	}
}
