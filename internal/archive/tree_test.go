package archive

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

func treeRoot(t *testing.T, files map[string]string) (string, *os.Root) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return dir, root
}

func everything(string) bool { return true }

func TestCopyTree(t *testing.T) {
	t.Parallel()
	_, root := treeRoot(t, map[string]string{
		"VERSION": "go1.22.5\n", "bin/go": "#!", "src/go.mod": "module std\n", "src/_go.mod": "module std\n",
		"src/cmd/_go.mod": "module cmd\n", "test/a.go": "package a\n", "src/a/b/c.go": "package b\n",
	})
	sink := newTreeSink()
	files, err := CopyTree(t.Context(), root, func(p string) bool { return !strings.HasPrefix(p, "test/") }, sink, Options{Limits: DefaultLimits(), Jobs: 3})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"VERSION": "go1.22.5\n", "bin/go": "#!", "src/go.mod": "module std\n", "src/cmd/go.mod": "module cmd\n", "src/a/b/c.go": "package b\n",
	}
	if len(files) != len(want) || len(sink.files) != len(want) || sink.open != 0 {
		t.Errorf("%v, %d directories open", sink.files, sink.open)
	}
	for _, f := range files {
		if sink.files[f.Path] != want[f.Path] || f.Mode != ModeOf(f.Path) {
			t.Errorf("%+v", f)
		}
	}
	if _, err := CopyTree(t.Context(), root, everything, newTreeSink(), Options{Limits: Limits{Files: 3, File: 100, Total: 1000}}); diag.CodeOf(err) != diag.ArchiveUnsafe {
		t.Errorf("too many files: %v", err)
	}
	if _, err := CopyTree(t.Context(), root, everything, newTreeSink(), Options{Limits: Limits{Files: 30, File: 5, Total: 1000}}); diag.CodeOf(err) != diag.ArchiveUnsafe {
		t.Errorf("too large a file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := CopyTree(ctx, root, everything, newTreeSink(), Options{Limits: DefaultLimits()}); err == nil {
		t.Error("went on after it was stopped")
	}
}

func TestCopyTree_refuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(dir string) error{
		"a link":             func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "src/link")) },
		"a link to a dir":    func(dir string) error { return os.Symlink("/etc", filepath.Join(dir, "src/link")) },
		"a pipe":             func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "src/pipe"), 0o600) },
		"names by case only": func(dir string) error { return os.WriteFile(filepath.Join(dir, "src/GO.mod"), nil, 0o600) },
		"a backslash":        func(dir string) error { return os.WriteFile(filepath.Join(dir, `src/a\b`), nil, 0o600) },
		"a newline":          func(dir string) error { return os.WriteFile(filepath.Join(dir, "src/a\nb"), nil, 0o600) },
	} {
		dir, root := treeRoot(t, map[string]string{"VERSION": "go1.22.5\n", "src/go.mod": "module std\n"})
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := CopyTree(t.Context(), root, everything, newTreeSink(), Options{Limits: DefaultLimits()}); diag.CodeOf(err) != diag.ArchiveUnsafe {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where something else has taken the place of a file since it was listed, no
// link leads out of the tree, and no pipe is waited for.
func TestCopyFile_replaced(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(path string) error{
		"by a link to the outside": func(path string) error { return os.Symlink("/etc/passwd", path) },
		"by a pipe":                func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"by a directory":           func(path string) error { return os.Mkdir(path, 0o700) },
		"by a larger file":         func(path string) error { return os.WriteFile(path, make([]byte, 101), 0o600) },
	} {
		dir, root := treeRoot(t, map[string]string{"a": "a", "other": "other"})
		listed, err := os.ReadDir(dir)
		path := filepath.Join(dir, "a")
		if err := errors.Join(err, os.Remove(path), replace(path)); err != nil {
			t.Fatal(err)
		}
		limits, sink := Limits{Files: 1, File: 100, Total: 1000}, newTreeSink()
		placer := newPlacer(t.Context(), sink, Options{Limits: limits})
		_, err = copyFile(root, listed[0], "a", placer, limits)
		if files, placeErr := placer.finish(); err == nil || placeErr != nil || len(files) > 0 {
			t.Errorf("%s: %v, %v, %d files", name, err, placeErr, len(files))
		}
	}
}

// A walk ends at once with its context, and with the first directory that cannot
// be read.
func TestCopyTree_stops(t *testing.T) {
	t.Parallel()
	dir, root := treeRoot(t, map[string]string{"a/x": "x", "b/y": "y", "c": "c"})
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	_, err := CopyTree(ctx, root, func(string) bool { asked++; cancel(); return false }, newTreeSink(), Options{Limits: DefaultLimits()})
	if asked != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d files were looked at, %v", asked, err)
	}
	gone := func(string) bool { return os.RemoveAll(filepath.Join(dir, "b")) != nil }
	if _, err := CopyTree(t.Context(), root, gone, newTreeSink(), Options{Limits: DefaultLimits()}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that went: %v", err)
	}
	sink := newTreeSink()
	sink.fail = "a"
	if _, err := CopyTree(t.Context(), root, everything, sink, Options{Limits: DefaultLimits()}); !errors.Is(err, errNoRoom) {
		t.Errorf("no room for a directory: %v", err)
	}
}

// shrinking is a sink that cuts a file short when a copy of it is begun.
type shrinking struct {
	*treeSink
	path string
}

func (s shrinking) Enter(p string) (Dir, error) {
	d, err := s.treeSink.Enter(p)
	return shrinkingDir{d, s.path}, err
}

type shrinkingDir struct {
	Dir
	path string
}

func (d shrinkingDir) Create(f File) (Writer, error) {
	if err := os.Truncate(d.path, 0); err != nil {
		return nil, err
	}
	return d.Dir.Create(f)
}

// A file that becomes shorter while it is copied is no file of the copy.
func TestCopyTree_shrinks(t *testing.T) {
	t.Parallel()
	dir, root := treeRoot(t, map[string]string{"large": ""})
	path := filepath.Join(dir, "large")
	if err := os.Truncate(path, (placerBuffers+1)*small); err != nil { // more than is read ahead
		t.Fatal(err)
	}
	files, err := CopyTree(t.Context(), root, everything, shrinking{newTreeSink(), path}, Options{Limits: DefaultLimits()})
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// A tree that cannot be looked at is an error.
func TestCopyTree_closed(t *testing.T) {
	t.Parallel()
	_, root := treeRoot(t, map[string]string{"x": "x"})
	if err := root.Close(); err != nil {
		t.Fatal(err)
	}
	if files, err := CopyTree(t.Context(), root, everything, newTreeSink(), Options{Limits: DefaultLimits()}); !errors.Is(err, os.ErrClosed) || files != nil {
		t.Errorf("%v, %v", files, err)
	}
}
