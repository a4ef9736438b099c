package store_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func fileOf(path, content string) archive.File {
	return archive.File{Path: path, Mode: 0o644, Size: int64(len(content)), CRC32: crc32.ChecksumIEEE([]byte(content)), SHA256: sha256.Sum256([]byte(content))}
}

// staged returns the stage of a release with the directory lib, entered.
func staged(t *testing.T, s *store.Store, v string) (*store.Stage, archive.Dir) {
	t.Helper()
	stage, err := s.NewStage(t.Context(), version(t, v), store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stage.Close(); err != nil {
			t.Error(err)
		}
	})
	err = stage.Mkdir("lib")
	dir, enterErr := stage.Enter("lib")
	if err := errors.Join(err, enterErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return stage, dir
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// Files of one directory are found wherever the releases have them.
func TestStage_sharesFromOtherPlaces(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	files := map[string]string{"lib/x": "x\n", "lib/y": "y\n", "lib/z": "z\n"}
	from := map[string]string{"lib/x": "1.22.4/src/a/x", "lib/y": "1.22.4/src/b/y", "lib/z": "1.22.5/src/a/z"}
	for v, has := range map[string]map[string]string{"1.22.4": {"src/a/x": "x\n", "src/b/y": "y\n"}, "1.22.5": {"src/a/z": "z\n", "src/b/w": "w\n"}} {
		if err := put(t, s, vmtest.Toolchain{Version: v, Files: has}, false); err != nil {
			t.Fatal(err)
		}
	}
	stage, dir := staged(t, s, "1.22.6")
	for _, path := range []string{"lib/z", "lib/x", "lib/y"} {
		if err := dir.Put(fileOf(path, files[path]), []byte(files[path])); err != nil {
			t.Fatal(err)
		}
		if inode(t, filepath.Join(stage.Tree(), path)) != inode(t, filepath.Join(s.Dir(), from[path])) {
			t.Errorf("%s is not shared", path)
		}
	}
	if n, size := stage.Linked(); n != 3 || size != 6 {
		t.Errorf("linked %d files of %d bytes", n, size)
	}
}

// Where the nearest release that has a file is damaged, the next one serves; what
// only looks alike never does.
func TestStage_sharesWithTheNext(t *testing.T) {
	t.Parallel()
	const text = "0123456789\n"
	s := open(t, store.Options{})
	apart := store.Open(s.Dir(), store.Options{NoLink: true})
	damage := func(v string) {
		if err := os.WriteFile(filepath.Join(s.Dir(), v, "lib/x"), []byte("edited.....\n"[:len(text)]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for v, files := range map[string]map[string]string{
		"1.22.4": {"lib/x": text, "lib/y": "y\n"}, "1.22.3": {"lib/x": "9876543210\n"}, "1.22.2": {"lib/z": "z\n"}, "1.22.1": {"lib/x": text}, "1.22.0": {"lib/x": text},
	} {
		if err := put(t, apart, vmtest.Toolchain{Version: v, Files: files}, false); err != nil {
			t.Fatal(err)
		}
	}
	damage("1.22.4")
	damage("1.22.1")
	stage, dir := staged(t, s, "1.22.5")
	err := errors.Join(dir.Put(fileOf("lib/x", text), []byte(text)), dir.Put(fileOf("lib/a", "y\n"), []byte("y\n")))
	if err != nil {
		t.Fatal(err)
	}
	if inode(t, filepath.Join(stage.Tree(), "lib/x")) != inode(t, filepath.Join(s.Dir(), "1.22.0/lib/x")) {
		t.Error("lib/x is not shared with 1.22.0")
	}
	again := func() {
		if err := os.Remove(filepath.Join(stage.Tree(), "lib/x")); err != nil {
			t.Fatal(err)
		}
	}
	again()
	if sum, ok, err := dir.Reuse(fileOf("lib/x", text)); !ok || err != nil || sum != sha256.Sum256([]byte(text)) {
		t.Errorf("not reused: %x, %v, %v", sum, ok, err)
	}
	again()
	damage("1.22.0")
	if sum, ok, err := dir.Reuse(fileOf("lib/x", text)); ok || err != nil {
		t.Errorf("reused: %x, %v", sum, err)
	}
	// One whose directory is gone keeps none of the others from being found.
	if err := errors.Join(os.RemoveAll(filepath.Join(s.Dir(), "1.22.2/lib")), dir.Put(fileOf("lib/d", "y\n"), []byte("y\n")), dir.Put(fileOf("lib/c", "z\n"), []byte("z\n")),
		dir.Put(fileOf("lib/b", "y\n"), []byte("y\n"))); err != nil {
		t.Fatal(err)
	}
	if inode(t, filepath.Join(stage.Tree(), "lib/b")) != inode(t, filepath.Join(s.Dir(), "1.22.4/lib/y")) {
		t.Error("lib/b is not shared with 1.22.4")
	}
}

// A pipe in the place of an empty file is nothing to share.
func TestStage_sharesNoPipe(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if err := put(t, s, vmtest.Toolchain{Version: "1.22.4", Files: map[string]string{"lib/x": ""}}, false); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(s.GOROOT(version(t, "1.22.4")), func(path string, d fs.DirEntry, err error) error {
		if info, infoErr := os.Lstat(path); err != nil || infoErr != nil || d.IsDir() || info.Size() > 0 {
			return errors.Join(err, infoErr)
		}
		return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644), os.Chmod(path, 0o644))
	}); err != nil {
		t.Fatal(err)
	}
	stage, dir := staged(t, s, "1.22.5")
	if err := dir.Put(fileOf("lib/x", ""), nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(filepath.Join(stage.Tree(), "lib/x")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A large file that cannot be shared stays as it was written.
func TestStage_largeFileThatCannotBeShared(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if err := put(t, s, vmtest.Toolchain{Version: "1.22.4", Files: map[string]string{"lib/x": "x\n"}}, false); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setxattr(filepath.Join(s.Dir(), "1.22.4/lib/x"), "user.vmgo", []byte("x"), 0); err != nil {
		t.Skipf("this file system has no attributes of users: %v", err)
	}
	stage, dir := staged(t, s, "1.22.5")
	file := fileOf("lib/x", "x\n")
	w, err := dir.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte("x\n"))
	if err := errors.Join(err, w.Commit(file.SHA256), w.Close()); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(stage.Tree(), "lib/x")); err != nil || string(data) != "x\n" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestStage_reuse: without links a file of a neighbour is copied; what it has not
// is not made up.
func TestStage_reuse(t *testing.T) {
	t.Parallel()
	const text = "of a neighbour\n"
	for _, noLink := range []bool{false, true} {
		s := open(t, store.Options{NoLink: noLink})
		if err := put(t, s, vmtest.Toolchain{Version: "1.22.4", Files: map[string]string{"lib/x": text}}, false); err != nil {
			t.Fatal(err)
		}
		stage, dir := staged(t, s, "1.22.5")
		if sum, ok, err := dir.Reuse(fileOf("lib/x", text)); !ok || err != nil || sum != sha256.Sum256([]byte(text)) {
			t.Errorf("no links %v: %v, %v", noLink, ok, err)
		}
		at := filepath.Join(stage.Tree(), "lib/x")
		if data, err := os.ReadFile(at); err != nil || string(data) != text {
			t.Errorf("no links %v: %q, %v", noLink, data, err)
		}
		if shared := inode(t, at) == inode(t, filepath.Join(s.Dir(), "1.22.4/lib/x")); shared == noLink || stage.Reused() != 1 {
			t.Errorf("no links %v: shared %v, reused %d", noLink, shared, stage.Reused())
		}
		m, err := s.Manifest(version(t, "1.22.4"))
		if err != nil {
			t.Fatal(err)
		}
		first, err := os.ReadFile(filepath.Join(s.Dir(), "1.22.4", m[0].Path))
		if err != nil {
			t.Fatal(err)
		}
		for _, content := range []string{text, string(first)} {
			if _, ok, err := dir.Reuse(fileOf("lib/other", content)); ok || err != nil {
				t.Errorf("what no neighbour has: %v, %v", ok, err)
			}
		}
		if _, ok, err := dir.Reuse(fileOf("lib/x", text)); ok || err == nil {
			t.Errorf("what is there already: %v, %v", ok, err)
		}
	}
}

// What a stage cannot write is an error.
func TestStage_errors(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if err := put(t, s, vmtest.Toolchain{Version: "1.22.4", Files: map[string]string{"lib/known": "known\n"}}, false); err != nil {
		t.Fatal(err)
	}
	stage, dir := staged(t, s, "1.22.5")
	x := fileOf("lib/x", "x\n")
	if err := errors.Join(dir.Put(x, []byte("x\n")), stage.Mkdir("lib/d")); err != nil {
		t.Fatal(err)
	}
	_, createErr := dir.Create(x)
	_, enterErr := stage.Enter("none")
	for what, err := range map[string]error{
		"put twice": dir.Put(x, []byte("x\n")), "create twice": createErr, "enter": enterErr,
		"mkdir twice": stage.Mkdir("lib"), "mkdir in none": stage.Mkdir("none/x"), "mkdir twice below": stage.Mkdir("lib/d"),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	known := fileOf("lib/known", "known\n")
	w, err := dir.Create(known)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(stage.Tree(), "lib/known")
	if err := errors.Join(os.Remove(at), os.Mkdir(at, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(known.SHA256); err == nil {
		t.Error("what is in the way of a link was no error")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := w.Write([]byte("x")); err == nil || w.Close() == nil {
		t.Errorf("written after the end: %v", err)
	}
	if err := stage.Drop(".."); err == nil {
		t.Error("drops what is outside")
	}
}

// Content reads what the manifests name, and nothing else.
func TestStage_content(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if err := put(t, s, vmtest.Toolchain{Version: "1.22.4", Files: map[string]string{"lib/x": "x\n", "lib/gone": "y\n"}}, false); err != nil {
		t.Fatal(err)
	}
	v := version(t, "1.22.4")
	if err := errors.Join(os.Remove(s.GOROOT(v)+"/lib/gone"), os.WriteFile(s.GOROOT(v)+"/lib/own", []byte("own"), 0o644)); err != nil {
		t.Fatal(err)
	}
	stage, _ := staged(t, s, "1.22.5")
	large := make([]byte, 0, 100)
	for _, buffer := range [][]byte{nil, large, make([]byte, 1)} {
		got, err := stage.Content(v, "lib/x", buffer)
		if err != nil || !bytes.Equal(got, []byte("x\n")) || cap(buffer) == 100 && &got[0] != &large[:1][0] {
			t.Errorf("%q, %v", got, err)
		}
	}
	for _, path := range []string{"lib/gone", "lib/own", "lib", ""} {
		if got, err := stage.Content(v, path, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if got, err := stage.Content(version(t, "1.22.3"), "lib/x", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of another release: %q, %v", got, err)
	}
}

func TestStage_madeAndName(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	stage, _ := staged(t, s, "1.22.5")
	if _, err := stage.Made(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without VERSION: %v", err)
	}
	if _, err := stage.Name(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without VERSION: %v", err)
	}
	for text, want := range map[string]string{"go1.22.5\ntime 2024-06-27T20:11:12Z\n": "2024-06-27", "go1.20.14\n": "", "go1.22.5\ntime soon\n": ""} {
		if err := os.WriteFile(filepath.Join(stage.Tree(), "VERSION"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		made, err := stage.Made()
		if (err == nil) != (want != "") || err == nil && made.Format("2006-01-02") != want {
			t.Errorf("%q: %v, %v", text, made, err)
		}
		first, _, _ := strings.Cut(text, "\n")
		staged, errStaged := stage.Name()
		if name, err := store.NameOf(stage.Tree()); name != first || staged != first || err != nil || errStaged != nil {
			t.Errorf("%q: %q, %v; %q, %v", text, name, err, staged, errStaged)
		}
	}
}

// A file of any length as VERSION fills no memory.
func TestStage_longVersionFile(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	stage, _ := staged(t, s, "1.22.5")
	if err := os.WriteFile(filepath.Join(stage.Tree(), "VERSION"), []byte("go1.22.5\ntime 2024-06-27T20:11:12Z\n"+strings.Repeat("x", 4<<10)), 0o644); err != nil {
		t.Fatal(err)
	}
	name, nameErr := stage.Name()
	made, madeErr := stage.Made()
	outside, outsideErr := store.NameOf(stage.Tree())
	if nameErr == nil || madeErr == nil || outsideErr == nil {
		t.Errorf("read all the same: %q, %v, %q", name, made, outside)
	}
}

// A release that another has the files of frees only the rest.
func TestUsage_ofLinks(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	v := version(t, "1.22.5")
	root := s.GOROOT(v)
	err := os.MkdirAll(root+"/sub", 0o755)
	for name, size := range map[string]int64{"own": 1, "twice": 10, "shared": 100} {
		err = errors.Join(err, os.WriteFile(filepath.Join(root, name), make([]byte, size), 0o644))
	}
	err = errors.Join(err, os.Link(root+"/twice", root+"/sub/again"), os.Link(root+"/shared", s.Dir()+"/elsewhere"))
	if err != nil {
		t.Fatal(err)
	}
	want := store.Usage{Files: 4, Bytes: 111, OwnBytes: 11, SharedBytes: 100}
	if u, err := s.Usage(v); err != nil || u != want {
		t.Errorf("%+v, %v, want %+v", u, err, want)
	}
	if u, err := s.Usage(version(t, "1.22.4")); err == nil {
		t.Errorf("of none: %+v", u)
	}
}

// TestStore_checkWritable: what is in the store counts, not the store alone.
func TestStore_checkWritable(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{})
	if err := s.CheckWritable(); err != nil {
		t.Errorf("not made yet: %v", err)
	}
	mustPut(t, s, "1.22.5")
	if err := s.CheckWritable(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{".vmgo/lock", ".vmgo/staging", ".vmgo", "."} {
		if err := loop(filepath.Join(s.Dir(), name)); err != nil {
			t.Fatal(err)
		}
		if err := s.CheckWritable(); err == nil {
			t.Errorf("%s cannot be written, and that is no error", name)
		}
		if name != "." {
			if err := errors.Join(os.Remove(filepath.Join(s.Dir(), name)), os.Mkdir(filepath.Join(s.Dir(), name), 0o755)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
