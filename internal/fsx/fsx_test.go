package fsx_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fsx"
)

func TestAcquire_namesTheHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me := fsx.Holder{PID: 42, What: "vmgo install 1.22.5", Since: since}
	first, err := fsx.Acquire(t.Context(), path, fsx.LockOptions{Holder: me})
	if err != nil {
		t.Fatal(err)
	}
	var held *fsx.HeldError
	if _, err := fsx.Acquire(t.Context(), path, fsx.LockOptions{NoWait: true}); !errors.As(err, &held) || held.Holder != me {
		t.Errorf("no wait: %v", err)
	}
	if text := me.String(); !strings.Contains(text, "42") || !strings.Contains(text, me.What) || !strings.Contains(text, "03:04:05") {
		t.Errorf("holder: %q", text)
	}
	told := make(chan fsx.Holder, 9)
	got := make(chan error, 1)
	go func() {
		second, err := fsx.Acquire(t.Context(), path, fsx.LockOptions{OnWait: func(h fsx.Holder) { told <- h }})
		got <- errors.Join(err, second.Release())
	}()
	if h := <-told; h != me {
		t.Errorf("told to wait for %v", h)
	}
	select {
	case err := <-got:
		t.Fatalf("taken twice: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil || len(told) != 0 {
		t.Errorf("after release: %v, told %d times more", err, len(told))
	}
	if data, err := os.ReadFile(path); err != nil || len(data) != 0 {
		t.Errorf("a free lock says %q, %v", data, err)
	}
}

func TestAcquire_stopsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := fsx.Acquire(t.Context(), path, fsx.LockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = fsx.Acquire(ctx, path, fsx.LockOptions{OnWait: func(fsx.Holder) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWriteFile_isWholeAndHasItsMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, content := range []string{"one", "and two"} {
		if err := fsx.WriteFile(path, []byte(content), 0o604); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || string(data) != content || info.Mode() != 0o604 {
			t.Errorf("%q, %v, %v", data, info.Mode(), err)
		}
	}
	if err := fsx.WriteFile(filepath.Join(dir, "none", "file"), nil, 0o644); err == nil {
		t.Error("no directory, no error")
	}
	if err := os.Mkdir(filepath.Join(dir, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fsx.WriteFile(filepath.Join(dir, "dir"), nil, 0o644); err == nil {
		t.Error("a directory was replaced")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestSymlink_replaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "link")
	if err := os.Symlink("x", filepath.Join(dir, fsx.TempPrefix+"link.0")); err != nil { // left by a crash
		t.Fatal(err)
	}
	d := openDir(t, dir)
	for _, target := range []string{"a b", "c"} {
		if err := d.Symlink(target, "link"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(path); got != target || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// https://github.com/kevincobain2000/gobrew/issues/226: directories that their
// owner may not write, as the go command makes them in the module cache.
func TestRemoveAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	for _, p := range []string{"outside", "tree/ro/deep", "tree/none"} {
		if err := os.MkdirAll(filepath.Join(dir, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"outside/keep", "tree/file", "tree/ro/file", "tree/ro/deep/file", "tree/none/file"} {
		if err := os.WriteFile(filepath.Join(dir, p), []byte("x"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"tree/link": outside, "tree/ro/up": "../..", "tree/dangling": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for p, mode := range map[string]os.FileMode{"tree/none": 0, "tree/ro/deep": 0o555, "tree/ro": 0o500} {
		if err := os.Chmod(filepath.Join(dir, p), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := fsx.RemoveAll(dir, "tree"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "tree")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the tree is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(outside, "keep")); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	if err := fsx.RemoveAll(dir, "tree"); err != nil {
		t.Errorf("what is not there: %v", err)
	}
	for _, name := range []string{"", ".", "..", "a/b", "/no-such-file-of-vmgo", "../no-such-file-of-vmgo"} { // harmless if they got through
		if err := fsx.RemoveAll(dir, name); err == nil {
			t.Errorf("RemoveAll of %q", name)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "top")); err != nil {
		t.Fatal(err)
	}
	if err := fsx.RemoveAll(dir, "top"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(outside, "keep")); err != nil {
		t.Errorf("a link at the top was followed: %v", err)
	}
}

func TestDir_staysInside(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	if err := os.MkdirAll(filepath.Join(top, "tree", "a", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(top, filepath.Join(top, "tree", "a", "out")); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, filepath.Join(top, "tree"))
	for _, name := range []string{"..", "a/out", "a/out/tree", "/", "a/../..", "missing"} {
		if sub, err := d.Sub(name); err == nil {
			sub.Close()
			t.Errorf("Sub(%q) is allowed", name)
		}
	}
	sub, err := d.Sub("a/b")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	if err := sub.Create("file", 0o644, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := sub.Create("file", 0o644, []byte("y")); !errors.Is(err, os.ErrExist) {
		t.Errorf("a file was overwritten: %v", err)
	}
	if err := os.Symlink("file", filepath.Join(top, "tree", "a", "b", "link")); err != nil {
		t.Fatal(err)
	}
	if f, err := sub.Open("link"); err == nil {
		f.Close()
		t.Error("a link was followed")
	}
}

// TestDir_modes: the umask must not show. The test changes that of the whole
// process, so it is not parallel and puts it back.
func TestDir_modes(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077, 0o027} {
		old := syscall.Umask(mask)
		checkModes(t, mask)
		syscall.Umask(old)
	}
}

func checkModes(t *testing.T, mask int) {
	top := t.TempDir()
	d := openDir(t, top)
	if err := errors.Join(d.Create("x", 0o755, nil), d.Create("f", 0o644, nil), d.Mkdir("d", 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := fsx.MkdirAll(filepath.Join(top, "m", "n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"x": 0o755, "f": 0o644, "d": 0o755, "m": 0o755, "m/n": 0o755} {
		info, err := os.Stat(filepath.Join(top, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("umask %o: %s has %v, %v", mask, name, info.Mode(), err)
		}
	}
}

func TestDir_linkAndCopy(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	d := openDir(t, top)
	if err := d.Create("a", 0o644, []byte("content")); err != nil {
		t.Fatal(err)
	}
	f, err := d.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// The name may mean another file by now: the link is to the one opened.
	if err := os.WriteFile(filepath.Join(top, "other"), []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(top, "other"), filepath.Join(top, "a")); err != nil {
		t.Fatal(err)
	}
	if err := d.Link(f, "b"); err == nil {
		t.Error("a file without a name was linked") // the kernel refuses; callers fall back
	}
}

func TestExchangeAndRenameNew(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	for _, p := range []string{"a/a", "b/b"} {
		if err := os.MkdirAll(filepath.Join(top, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := fsx.OpenTrusted(top)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.RenameNew("a", dir, "b"); !errors.Is(err, os.ErrExist) {
		t.Errorf("RenameNew over another: %v", err)
	}
	if err := dir.Exchange("a", dir, "b"); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	} else if err == nil {
		if _, err := os.Stat(filepath.Join(top, "a", "b")); err != nil {
			t.Error("not exchanged")
		}
	}
	if err := dir.RenameNew("a", dir, "c"); err != nil {
		t.Error(err)
	}
}

func TestChmod(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	at := func(name string) string { return filepath.Join(top, name) }
	for _, name := range []string{"file", "linked"} {
		if err := os.WriteFile(at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Link(at("linked"), at("other name")), os.Symlink("file", at("link")), os.Mkdir(at("dir"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{"file": true, "dir": true, "linked": false, "link": false, "absent": false} {
		err := fsx.Chmod(at(name), 0o755)
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
		info, statErr := os.Lstat(at(name))
		if statErr == nil && info.Mode()&os.ModeSymlink == 0 && (info.Mode().Perm() == 0o755) != ok {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if err := fsx.Chmod(at("link"), 0o755); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("link: %v", err)
	}
}

// openDir opens a directory to make files in it.
func openDir(t *testing.T, path string) *fsx.Dir {
	t.Helper()
	d, err := fsx.OpenTrusted(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	d.Fill()
	return d
}

// A link takes the place of another one, and of what a crash left of itself.
func TestSymlink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "current")
	if err := os.Symlink("crashed", filepath.Join(dir, fsx.TempPrefix+"current")); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"a", "b"} {
		if err := fsx.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(path); got != target || err != nil {
			t.Errorf("the link leads to %s, %v", got, err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fsx.Symlink("a", filepath.Join(dir, "full")); err == nil {
		t.Error("a directory was replaced")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}
