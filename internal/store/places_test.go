package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// opened returns a store with its lock held, and a stage for a release.
func opened(t *testing.T) (*writer, *Stage) {
	t.Helper()
	v, err := gover.Parse("1.22.5")
	if err != nil {
		t.Fatal(err)
	}
	s := Open(filepath.Join(t.TempDir(), "store"), Options{})
	stage, err := s.NewStage(t.Context(), v, Wait{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stage.Close() })
	w, err := s.lockNames(t.Context(), stage.handles, Wait{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.unlock() })
	return w, stage
}

// TestHandles_whatIsInTheWay is about what comes between the survey of a store
// and the opening of its directories.
func TestHandles_whatIsInTheWay(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(dir string) error{
		"the store unsafe": func(dir string) error { return os.Chmod(dir, 0o777) },
		"a file":           func(dir string) error { return os.WriteFile(dir+"/.vmgo", nil, 0o644) },
		"a link":           func(dir string) error { return os.Symlink("/tmp", dir+"/.vmgo") },
		"an unsafe directory": func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/.vmgo", 0o755), os.Chmod(dir+"/.vmgo", 0o777))
		},
		"a file below": func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/.vmgo", 0o755), os.WriteFile(dir+"/.vmgo/locks", nil, 0o644))
		},
	} {
		dir := t.TempDir()
		root, err := fsx.OpenTrusted(dir)
		if err := errors.Join(err, prepare(dir)); err != nil {
			t.Fatal(err)
		}
		h := &handles{store: Open(dir, Options{}), root: root}
		var unsafe *fsx.UnsafeError
		if err := h.openAll(owners()); !errors.As(err, &unsafe) || unsafe.Fix == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err := h.close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	root, err := fsx.OpenTrusted(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if dir, err := openOwn(owners(), root, string(make([]byte, 300)), 0o755); err == nil {
		t.Errorf("what cannot be made: %v", dir)
	}
}

// Whoever can open a lock can hold it.
func TestHandles_modes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := fsx.OpenTrusted(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := &handles{store: Open(dir, Options{}), root: root}
	if err := h.openAll(owners()); err != nil {
		t.Fatal(err)
	}
	defer h.close()
	for _, name := range Directories() {
		want := fs.FileMode(0o755)
		if name == ".vmgo/locks" {
			want = 0o700
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestWriter_somethingInTheWay puts a directory in the way of each name that a
// publication makes. It fails, and no receipt is left beside what is not the release.
func TestWriter_somethingInTheWay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"1.22.5", ".vmgo/manifests/1.22.5", ".vmgo/receipts/1.22.5.json", "toolchains/go1.22.5"} {
		w, stage := opened(t)
		if err := errors.Join(stage.write(nil, Receipt{}), os.MkdirAll(filepath.Join(w.dir, name, "own"), 0o755)); err != nil {
			t.Fatal(err)
		}
		if err := w.reveal(stage); err == nil {
			t.Errorf("%s: published", name)
		}
		if _, receipt, err := installed.Look(w.dir, stage.version); name == "1.22.5" && (receipt || err != nil) {
			t.Errorf("%s has our receipt; %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(w.dir, name, "own")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{".vmgo/manifests/1.22.5", "toolchains/go1.22.5", "swap"} {
		w, stage := opened(t)
		at := filepath.Join(w.dir, name)
		if name == "swap" {
			at = filepath.Join(stage.dir.Path(), name)
		}
		if err := errors.Join(stage.write(nil, Receipt{}), os.Mkdir(w.GOROOT(stage.version), 0o755), os.MkdirAll(filepath.Join(at, "own"), 0o755)); err != nil {
			t.Fatal(err)
		}
		if err := w.swap(stage); err == nil {
			t.Errorf("%s: swapped", name)
		}
	}
	w, stage := opened(t)
	at := filepath.Join(w.dir, ".vmgo/manifests/1.22.5")
	if err := errors.Join(stage.write(nil, Receipt{}), w.reveal(stage), os.Remove(at), os.Mkdir(at, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := w.hide(stage.version, false); err == nil || w.Has(stage.version) {
		t.Errorf("a record that cannot be removed: %v", err)
	}
}

// The sweep removes what is named as for a release that is not there, and
// nothing else. What it cannot remove is an error.
func TestWriter_sweepsWhatItMade(t *testing.T) {
	t.Parallel()
	w, _ := opened(t)
	stays := []string{"1.9.1", ".vmgo/manifests/mine", ".vmgo/manifests/1.9.1.json", ".vmgo/receipts/1.9.1", ".vmgo/receipts/mine.json", "toolchains/1.9.1", "toolchains/gomine"}
	goes := []string{fsx.TempPrefix + "x", ".vmgo/manifests/1.9.1", ".vmgo/receipts/1.9.1.json", "toolchains/go1.9.1", ".vmgo/receipts/" + fsx.TempPrefix + "x", ".vmgo/staging/file"}
	for _, name := range append(stays, goes...) {
		if err := os.WriteFile(filepath.Join(w.dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.reconcile(); err != nil {
		t.Fatal(err)
	}
	for i, name := range append(stays, goes...) {
		if _, err := os.Lstat(filepath.Join(w.dir, name)); (err == nil) != (i < len(stays)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{".vmgo/manifests/1.9.1", ".vmgo/receipts/1.9.1.json", "toolchains/go1.9.1", fsx.TempPrefix + "y"} {
		if err := os.Mkdir(filepath.Join(w.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := w.reconcile(); err == nil {
			t.Errorf("%s cannot be removed, and that is no error", name)
		}
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// What keeps the sweep from finishing is an error, whatever else could go on.
func TestWriter_sweepThatCannotFinish(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *writer, stage *Stage) error{
		"a link of a release": func(w *writer, stage *Stage) error {
			return errors.Join(w.reveal(stage), os.Remove(w.dir+"/toolchains/go1.22.5"), os.MkdirAll(w.dir+"/toolchains/go1.22.5/own", 0o755))
		},
		"a swap": func(w *writer, stage *Stage) error {
			dead, err := w.staging.MkdirTemp("1.22.5.")
			at := filepath.Join(w.staging.Path(), dead)
			var st syscall.Stat_t
			err = errors.Join(err, w.reveal(stage), os.Mkdir(at+"/tree", 0o755), syscall.Lstat(at+"/tree", &st), os.WriteFile(at+"/manifest", nil, 0o644))
			return errors.Join(err, os.WriteFile(at+"/swap", fmt.Appendf(nil, "1.22.5 %d\n", st.Ino), 0o644),
				os.Remove(w.dir+"/.vmgo/manifests/1.22.5"), os.MkdirAll(w.dir+"/.vmgo/manifests/1.22.5/own", 0o755))
		},
	} {
		w, stage := opened(t)
		if err := errors.Join(stage.write(nil, Receipt{}), prepare(w, stage)); err != nil {
			t.Fatal(err)
		}
		if err := w.reconcile(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReadMarker_strict(t *testing.T) {
	t.Parallel()
	dir, err := fsx.OpenTrusted(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if _, _, ok := readMarker(dir); ok {
		t.Error("there is none")
	}
	for text, want := range map[string]bool{
		"1.22.5 7\n": true, "1.22.5 7": true, "1.22.5\n": false, "1.22.5 x\n": false, "1.22.5 -7\n": false, "mine 7\n": false, "../x 7\n": false, "": false, "1.22.5 7 7\n": false,
	} {
		if err := os.WriteFile(filepath.Join(dir.Path(), markerName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if v, inode, ok := readMarker(dir); ok != want || ok && (v.String() != "1.22.5" || inode != 7) {
			t.Errorf("%q: %v, %d, %v", text, v, inode, ok)
		}
	}
}

// claim takes what nobody holds.
func TestClaim(t *testing.T) {
	t.Parallel()
	w, stage := opened(t)
	if d, got, err := claim(w.staging, "none"); d != nil || got || err != nil {
		t.Errorf("none: %v, %v, %v", d, got, err)
	}
	if d, got, err := claim(w.staging, stage.dir.name); d != nil || got || err != nil {
		t.Errorf("of a living process: %v, %v, %v", d, got, err)
	}
	if err := os.WriteFile(filepath.Join(w.staging.Path(), "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if d, got, err := claim(w.staging, "file"); d != nil || got || !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file: %v, %v, %v", d, got, err)
	}
}

// Each error of the file system has the code by which a user can act.
func TestStore_faultCodes(t *testing.T) {
	t.Parallel()
	s := Open("/none/a store", Options{})
	for _, c := range []struct {
		err  error
		code diag.Code
	}{
		{syscall.ENOSPC, diag.DiskFull}, {syscall.EDQUOT, diag.DiskFull}, {syscall.EACCES, diag.StoreNotWritable}, {syscall.EPERM, diag.StoreNotWritable},
		{syscall.ENOTDIR, diag.StoreNotWritable}, {syscall.EROFS, diag.StoreNotWritable}, {&fsx.UnsafeError{Reason: "x", Fix: "y"}, diag.StoreUnsafe},
		{diag.New(diag.StoreBusy, "x"), diag.StoreBusy}, {diag.Wrap(diag.StoreBusy, syscall.ENOSPC, "x"), diag.StoreBusy}, {syscall.EIO, diag.CodeOf(syscall.EIO)}, {context.Canceled, diag.CodeOf(context.Canceled)},
	} {
		err := s.fault(&fs.PathError{Op: "open", Path: "x", Err: c.err})
		if diag.CodeOf(err) != c.code || (c.code == diag.DiskFull || c.code == diag.StoreNotWritable) && len(diag.HintsOf(err)) == 0 {
			t.Errorf("%v: %v, %q", c.err, err, diag.HintsOf(err))
		}
	}
	if err := s.fault(nil); err != nil {
		t.Error(err)
	}
	if err := s.room(Need{Disk: 1 << 60}); diag.CodeOf(err) != diag.DiskFull {
		t.Errorf("%v", err)
	}
	if err := s.room(Need{}); err != nil {
		t.Error(err)
	}
	dir := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink("loop", dir); err != nil {
		t.Fatal(err)
	}
	if err := Open(dir, Options{}).room(Need{}); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("room that cannot be measured: %v", err)
	}
	for n, more := range map[int]string{1: "", 2: " (and 1 more)", 7: " (and 6 more)"} {
		var unsafe []*fsx.UnsafeError
		for range n {
			unsafe = append(unsafe, &fsx.UnsafeError{Reason: "every user may write", Fix: "chmod"})
		}
		err := s.unsafeError(unsafe)
		if want := "the store /none/a store is not safe: every user may write" + more; err.Msg != want || len(err.Hints) != min(n, 5) {
			t.Errorf("%q, hints %q", err.Msg, err.Hints)
		}
	}
}
