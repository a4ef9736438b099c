package cache_test

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/proxy/cache"
)

func open(t *testing.T, config cache.Config) *cache.Store {
	t.Helper()
	s, err := cache.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(t *testing.T, s *cache.Store, name, text string) {
	t.Helper()
	if err := s.Put(name, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s *cache.Store, name string) (string, error) {
	t.Helper()
	object, err := s.Get(name)
	if err != nil {
		return "", err
	}
	defer object.Close()
	data, err := io.ReadAll(object)
	return string(data), err
}

// A directory by way of a link, as systemd gives a service with DynamicUser=yes, keeps
// its files from one process to the next.
func TestOpen_throughALink(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), dir); err != nil {
		t.Fatal(err)
	}
	first := open(t, cache.Config{Dir: dir})
	put(t, first, "a/@v/list", "v1.0.0\n")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, cache.Config{Dir: dir})
	if got, err := read(t, second, "a/@v/list"); err != nil || got != "v1.0.0\n" || second.Stats().Files != 1 {
		t.Errorf("%q, %v, %+v", got, err, second.Stats())
	}
}

func TestStore_changesAreNoticed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"content": func(path string) error { return os.WriteFile(path, []byte("evil"), 0o644) },
		"shorter": func(path string) error { return os.Truncate(path, 1) },
		"replaced": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("evil"), 0o644))
		},
		"gone": os.Remove,
		"no hash": func(path string) error {
			return errors.Join(os.Remove(path+".sha256"), os.Chtimes(path, time.Time{}, time.Now()))
		},
		"a link":        func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)) },
		"a fifo's kind": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) },
	} {
		dir := t.TempDir()
		s := open(t, cache.Config{Dir: dir})
		put(t, s, "a/@v/v1.zip", "good")
		if text, err := read(t, s, "a/@v/v1.zip"); text != "good" || err != nil {
			t.Fatalf("%s: %q, %v", name, text, err)
		}
		if err := change(filepath.Join(dir, "a/@v/v1.zip")); err != nil {
			t.Fatal(err)
		}
		if text, err := read(t, s, "a/@v/v1.zip"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// What others put into a directory is not taken for damaged files, and nothing is made there;
// a cache that was copied without its hidden files is still one.
func TestOpen_filesOfOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, cache.Config{Dir: dir})
	put(t, s, "a/@v/list", "v1.0.0")
	if err := errors.Join(s.Close(), os.RemoveAll(filepath.Join(dir, ".incoming")), os.Remove(filepath.Join(dir, ".lock"))); err != nil {
		t.Fatal(err)
	}
	precious := filepath.Join(dir, "a/thesis.txt")
	if err := os.WriteFile(precious, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := cache.Open(t.Context(), cache.Config{Dir: dir, MaxSize: 1})
	if others := (*cache.OthersError)(nil); !errors.As(err, &others) || others.Name != "a/thesis.txt" {
		t.Errorf("opened: %v", err)
	}
	if data, err := os.ReadFile(precious); err != nil || string(data) != "mine" {
		t.Errorf("%q, %v", data, err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if err := os.Remove(precious); err != nil {
		t.Fatal(err)
	}
	s = open(t, cache.Config{Dir: dir})
	if text, err := read(t, s, "a/@v/list"); text != "v1.0.0" || err != nil {
		t.Errorf("the copied cache: %q, %v", text, err)
	}
}

func TestStore_theNextProcessChecksAtTheFirstRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, cache.Config{Dir: dir})
	put(t, s, "good", "good")
	put(t, s, "bad", "good")
	if _, err := cache.Open(t.Context(), cache.Config{Dir: dir}); err == nil {
		t.Error("two processes have one directory")
	} else if held := (*fsx.HeldError)(nil); !errors.As(err, &held) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad"), []byte("evil"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".incoming/left"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s = open(t, cache.Config{Dir: dir})
	if text, err := read(t, s, "good"); text != "good" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := read(t, s, "bad"); !errors.Is(err, cache.ErrDamaged) {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".incoming/*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestStore_scrubFindsWhatNobodyReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, cache.Config{Dir: dir})
	put(t, s, "good", "good")
	put(t, s, "bad", "good")
	if err := os.WriteFile(filepath.Join(dir, "bad"), []byte("evil"), 0o644); err != nil {
		t.Fatal(err)
	}
	var found []string
	if err := s.Scrub(t.Context(), math.MaxInt64, func(name string) { found = append(found, name) }); err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0] != "bad" || s.Stats().Files != 1 {
		t.Errorf("found %q, %d files left", found, s.Stats().Files)
	}
}

func TestStore_namesStayWithin(t *testing.T) {
	t.Parallel()
	s := open(t, cache.Config{Dir: t.TempDir()})
	for _, name := range []string{"../out", "/etc/out", ""} {
		if err := s.Put(name, []byte("x")); err == nil {
			t.Errorf("%q was stored", name)
		}
	}
}
