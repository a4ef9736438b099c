// Package cache keeps the files of a module proxy in a directory that has the
// shape of a GOPROXY. Each file has its SHA-256 beside it, and no file is handed
// out whose content was not compared with that since it last changed. The least
// recently used files go when the directory grows beyond its limit.
//
// Nothing is synced to disk: a file that a crash damaged no longer has its hash,
// which makes it absent.
package cache

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// sumSuffix ends the name of the file that has the SHA-256 of the one beside it,
// in hex.
const sumSuffix = ".sha256"

// stageDir holds what is still on its way; no module path begins with a dot.
const stageDir = ".incoming"

// ErrDamaged marks a file whose content is not what was stored. It is gone when
// the error is returned, and counts as fs.ErrNotExist.
var ErrDamaged = damaged{}

type damaged struct{}

func (damaged) Error() string        { return "the cached file was damaged" }
func (damaged) Is(target error) bool { return target == fs.ErrNotExist }

// OthersError reports a file that no cache has put into the directory.
type OthersError struct{ Name string }

// Error returns which file.
func (e *OthersError) Error() string { return e.Name + " is no file of a cache" }

// Config says what a Store keeps.
type Config struct {
	Dir string
	// MaxSize is the most that the files may take, in bytes; 0: no limit.
	MaxSize int64
	// Pinned reports whether a file is never evicted; nil: none is pinned.
	Pinned func(name string) bool
	// Foreign says that the directory was filled by others: files without a hash
	// beside them are handed out, and nothing is written or removed.
	Foreign bool
	// Holder is named to other processes that want the directory.
	Holder fsx.Holder
}

// Store is the cache. It is safe for concurrent use by one process.
type Store struct {
	config Config
	lock   *fsx.Lock

	mu      sync.Mutex
	files   map[string]*list.Element // of *file
	recent  *list.List               // the most recently used first
	size    int64
	evicted int64
}

// file is what is known of one file.
type file struct {
	name string
	size int64

	checking sync.Mutex
	checked  identity // of the content that had its hash
	sum      string
}

// identity changes whenever somebody writes to a file or replaces it.
type identity struct {
	inode       uint64
	size        int64
	ctimeSecond int64
	ctimeNano   int64
}

func identify(info fs.FileInfo) identity {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identity{inode: stat.Ino, size: stat.Size, ctimeSecond: stat.Ctim.Sec, ctimeNano: stat.Ctim.Nsec}
}

// Open takes the directory for this process and looks through it. Another
// process that has it is an *fsx.HeldError.
func Open(ctx context.Context, config Config) (*Store, error) {
	if !config.Foreign {
		if err := fsx.MkdirAll(config.Dir, 0o755); err != nil {
			return nil, err
		}
	}
	// With DynamicUser=yes of systemd the directory is a link, which WalkDir does not follow.
	dir, err := filepath.EvalSymlinks(config.Dir)
	if err != nil {
		return nil, err
	}
	config.Dir = dir
	s := &Store{config: config, files: map[string]*list.Element{}, recent: list.New()}
	if !config.Foreign {
		if err := s.own(); err != nil {
			return nil, err
		}
		lock, err := fsx.Acquire(ctx, filepath.Join(config.Dir, ".lock"), fsx.LockOptions{NoWait: true, Holder: config.Holder})
		if err != nil {
			return nil, err
		}
		s.lock = lock
		_ = os.RemoveAll(filepath.Join(config.Dir, stageDir)) // what a crash left
		if err := os.MkdirAll(filepath.Join(config.Dir, stageDir), 0o755); err != nil {
			return nil, errors.Join(err, lock.Release())
		}
	}
	if err := s.scan(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close returns the directory back.
func (s *Store) Close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Release()
}

// scan finds what is there, in the order of its last use as far as the file
// system kept that.
func (s *Store) scan() error {
	type found struct {
		*file
		used time.Time
	}
	var all []found
	err := s.walk(func(name string, d fs.DirEntry) error {
		info, err := d.Info()
		if err != nil {
			return err
		}
		all = append(all, found{&file{name: name, size: info.Size()}, used(info)})
		return nil
	})
	slices.SortFunc(all, func(a, b found) int { return a.used.Compare(b.used) })
	for _, f := range all {
		s.files[f.name] = s.recent.PushFront(f.file)
		s.size += f.size
	}
	return err
}

// walk calls each for every file that the cache could hand out.
func (s *Store) walk(each func(name string, d fs.DirEntry) error) error {
	return filepath.WalkDir(s.config.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(s.config.Dir, path)
		if d.IsDir() {
			if name == "sumdb" || name != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") || strings.HasSuffix(name, sumSuffix) {
			return nil
		}
		return each(name, d)
	})
}

// own returns an [*OthersError] where the directory was filled by others: what has no
// hash would be removed as damaged, or to make room.
func (s *Store) own() error {
	if _, err := os.Lstat(filepath.Join(s.config.Dir, stageDir)); err == nil {
		return nil
	}
	return s.walk(func(name string, _ fs.DirEntry) error {
		if _, err := os.Lstat(s.path(name) + sumSuffix); err != nil {
			return &OthersError{name}
		}
		return nil
	})
}

func used(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		if accessed := time.Unix(stat.Atim.Sec, stat.Atim.Nsec); accessed.After(info.ModTime()) {
			return accessed
		}
	}
	return info.ModTime()
}

// Object is a file of the cache that has its hash.
type Object struct {
	*os.File
	Size int64
	Time time.Time // when it was stored
	Sum  string    // SHA-256, in hex; empty where the directory has none
}

// Get opens a file. Whoever gets it closes it. A file that is not there, or that
// does not have its hash any more, is fs.ErrNotExist; see [ErrDamaged].
func (s *Store) Get(name string) (*Object, error) {
	known := s.touch(name)
	if known == nil {
		return nil, fs.ErrNotExist
	}
	f, err := smallfile.Open(s.path(name))
	if err != nil {
		s.drop(known)
		return nil, fs.ErrNotExist
	}
	object, err := s.check(known, f)
	if err != nil {
		_ = f.Close()
		s.drop(known)
		return nil, err
	}
	return object, nil
}

// check compares the content with its hash unless that was done since it last
// changed.
func (s *Store) check(known *file, f *os.File) (*Object, error) {
	known.checking.Lock()
	defer known.checking.Unlock()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	object := &Object{File: f, Size: info.Size(), Time: info.ModTime(), Sum: known.sum}
	if known.checked == identify(info) {
		return object, nil
	}
	want, err := s.readSum(known.name)
	if errors.Is(err, fs.ErrNotExist) && s.config.Foreign {
		known.checked = identify(info)
		return object, nil
	}
	got, sumErr := sumOf(f)
	after, statErr := f.Stat()
	if err != nil || sumErr != nil || statErr != nil || got != want || identify(after) != identify(info) {
		return nil, ErrDamaged
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	known.checked, known.sum, object.Sum = identify(info), want, want
	return object, nil
}

func (s *Store) readSum(name string) (string, error) {
	data, err := smallfile.Read(s.path(name)+sumSuffix, smallfile.Usual)
	return strings.TrimSpace(string(data)), err
}

func sumOf(r io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.CopyBuffer(h, struct{ io.Reader }{r}, make([]byte, 128<<10))
	return hex.EncodeToString(h.Sum(nil)), err
}

func (s *Store) path(name string) string {
	return filepath.Join(s.config.Dir, filepath.FromSlash(name))
}

// touch finds a file and makes it the most recently used.
func (s *Store) touch(name string) *file {
	s.mu.Lock()
	defer s.mu.Unlock()
	element := s.files[name]
	if element == nil {
		return nil
	}
	s.recent.MoveToFront(element)
	return element.Value.(*file)
}

// drop forgets a file and removes it, unless it was replaced meanwhile; it
// reports whether it did.
func (s *Store) drop(f *file) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	element := s.files[f.name]
	if element == nil || element.Value != any(f) {
		return false
	}
	s.remove(element)
	return true
}

// remove is drop under the lock.
func (s *Store) remove(element *list.Element) {
	f := s.recent.Remove(element).(*file)
	delete(s.files, f.name)
	s.size -= f.size
	if !s.config.Foreign {
		_ = os.Remove(s.path(f.name)) // without its hash it is absent for the next process
		_ = os.Remove(s.path(f.name) + sumSuffix)
	}
}

// Names lists the files beneath a directory of the store, sorted.
func (s *Store) Names(dir string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.files {
		if strings.HasPrefix(name, dir+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Stats are figures of a store.
type Stats struct{ Files, Bytes, Evicted int64 }

// Stats returns how many files there are, what they take, and how many had to go
// for others.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Files: int64(len(s.files)), Bytes: s.size, Evicted: s.evicted}
}
