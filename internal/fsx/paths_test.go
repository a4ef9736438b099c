package fsx_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

// places makes one of each kind of file, and returns a path beneath them.
func places(t *testing.T) (at func(name string) string) {
	t.Helper()
	top := t.TempDir()
	at = func(name string) string { return filepath.Join(top, name) }
	err := errors.Join(os.WriteFile(at("file"), []byte("content"), 0o600), os.WriteFile(at("program"), nil, 0o700), os.Mkdir(at("dir"), 0o700),
		os.Symlink("file", at("link")), os.Symlink("dir", at("to dir")), syscall.Mkfifo(at("pipe"), 0o600),
		syscall.Mknod(at("socket"), syscall.S_IFSOCK|0o600, 0))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestOpenOwn(t *testing.T) {
	t.Parallel()
	at := places(t)
	for name, special := range map[string]bool{"link": true, "to dir": true, "dir": true, "pipe": true, "socket": true, "none/file": false, "file/file": false} {
		f, err := fsx.OpenOwn(at(name), 0o600)
		if err == nil || fsx.IsSpecial(err) != special {
			t.Errorf("%s: %v", name, err)
		}
		if f != nil {
			_ = f.Close()
		}
	}
	d := openDir(t, at(""))
	for _, name := range []string{"link", "to dir", "dir", "pipe", "socket"} {
		if f, err := d.OpenOwn(name, 0o600); err == nil || !fsx.IsSpecial(err) || f != nil {
			t.Errorf("%s in its directory: %v", name, err)
		}
	}
	for name, open := range map[string]func(string, os.FileMode) (*os.File, error){"file": d.OpenOwn, "new": d.OpenOwn, at("file"): fsx.OpenOwn, at("newer"): fsx.OpenOwn} {
		f, err := open(name, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
}

func TestMkdirAll(t *testing.T) {
	t.Parallel()
	at := places(t)
	if err := errors.Join(os.Symlink("loop", at("loop")), os.Symlink("nowhere", at("dangling"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"dir": nil, "to dir": nil, "to dir/a/b": nil, "x/y/z": nil, "file": syscall.ENOTDIR, "file/a/b": syscall.ENOTDIR,
		"loop": syscall.ELOOP, "dangling": syscall.EEXIST, "dangling/x": syscall.EEXIST} {
		if err := fsx.MkdirAll(at(name), 0o700); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := os.Stat(at("dir/a/b")); err != nil || !info.IsDir() {
		t.Error(info, err)
	}
}

// What is asked of a path that does not exist is asked of its nearest parent.
func TestWritable_parents(t *testing.T) {
	t.Parallel()
	at := places(t)
	for name, want := range map[string]error{"dir": nil, "dir/a/b": nil, "file": syscall.EACCES, "program": syscall.ENOTDIR, "file/a": syscall.ENOTDIR} {
		if err := fsx.Writable(at(name)); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("Writable(%s): %v", name, err)
		}
	}
	for _, name := range []string{"dir", "dir/a/b", "file"} {
		space, err := fsx.Free(at(name))
		if err != nil || space.Bytes <= 0 || space.Inodes == 0 {
			t.Errorf("Free(%s): %+v, %v", name, space, err)
		}
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(at("dir"), &st); err != nil {
		t.Fatal(err)
	}
	if space, err := fsx.Free(at("dir")); err != nil || (space.Inodes >= 0) != (st.Files > 0) {
		t.Errorf("inodes: %+v, %v", space, err)
	}
	if space, err := fsx.Free("/proc"); err != nil || space.Inodes != -1 {
		t.Errorf("a file system without inodes: %+v, %v", space, err)
	}
	if _, err := fsx.Free(at("file/a")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Free beneath a file: %v", err)
	}
	if err := fsx.WritableFile(at("none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("WritableFile of nothing: %v", err)
	}
	if err := fsx.SyncDir(at("none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("SyncDir of nothing: %v", err)
	}
}

func TestKindsOfErrors(t *testing.T) {
	t.Parallel()
	for err, want := range map[error][2]bool{
		syscall.ENOSPC: {true, false}, syscall.EDQUOT: {true, false}, syscall.EROFS: {false, true}, syscall.EIO: {}, syscall.EACCES: {},
	} {
		wrapped := &os.PathError{Op: "write", Path: "x", Err: err}
		if got := [2]bool{fsx.IsFull(wrapped), fsx.IsReadOnly(wrapped)}; got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		name string
		ok   bool
		code diag.Code
	}{
		{`{"name": "n"}`, "n", true, ""},
		{`{"format": 2, "name": "n"}`, "n", true, ""},
		{`{"format": 3, "name": ["n"]}`, "", false, diag.NewerFormat},
		{`{"format": 2, "name": ["n"]}`, "", false, diag.Failure},
		{`{"format": "2"}`, "", false, diag.Failure},
		{`{`, "", false, diag.Failure},
	} {
		var into struct{ Name string }
		err := fsx.Decode("the record", []byte(tt.text), 2, &into)
		if (err == nil) != tt.ok || into.Name != tt.name || err != nil && diag.CodeOf(err) != tt.code {
			t.Errorf("%s: %q, %v", tt.text, into.Name, err)
		}
	}
}

func TestDir_copy(t *testing.T) {
	t.Parallel()
	at := places(t)
	d := openDir(t, at(""))
	f, err := d.Open("file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum, err := d.Copy(f, "copy", 0o600, make([]byte, 3), sha256.New())
	got, readErr := os.ReadFile(at("copy"))
	want := sha256.Sum256([]byte("content"))
	if err := errors.Join(err, readErr); err != nil || string(got) != "content" || !bytes.Equal(sum, want[:]) {
		t.Errorf("%q, %x, %v", got, sum, err)
	}
	if n, err := f.Read(nil); n != 0 || err != nil {
		t.Errorf("a read of nothing: %d, %v", n, err)
	}
	if n, err := f.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	dir, err := d.Open("dir")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if _, err := d.Copy(dir, "of a directory", 0o600, make([]byte, 3), sha256.New()); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a copy of a directory: %v", err)
	}
	if err := d.Clone(f, "clone", 0o600); err == nil {
		if got, err := os.ReadFile(at("clone")); err != nil || string(got) != "content" {
			t.Errorf("clone: %q, %v", got, err)
		}
	} else if _, lost := os.Lstat(at("clone")); !errors.Is(lost, os.ErrNotExist) {
		t.Errorf("left of a clone that failed (%v): %v", err, lost)
	}
	other, err := d.Open("copy")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	info, err1 := f.Stat()
	same, err2 := f.Stat()
	another, err3 := other.Stat()
	elsewhere := info
	elsewhere.Dev++
	if err := errors.Join(err1, err2, err3); err != nil || !info.Same(same) || info.Same(another) || info.Same(elsewhere) {
		t.Errorf("%+v, %+v, %v", info, another, err)
	}
}
