package cache

import (
	"container/list"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// Stage makes a file for content that is on its way. [Store.Publish] makes it
// visible, [Store.Discard] removes it.
func (s *Store) Stage() (*os.File, error) {
	if s.config.Foreign {
		return nil, fs.ErrPermission
	}
	return os.CreateTemp(filepath.Join(s.config.Dir, stageDir), "*")
}

// Discard closes and removes a stage.
func (s *Store) Discard(stage *os.File) {
	_ = stage.Close()
	_ = os.Remove(stage.Name())
}

// Publish returns a stage its name, in place of what had it, and evicts what is
// too much. The stage stays open for those who read it.
func (s *Store) Publish(stage *os.File, name string) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return &fs.PathError{Op: "store", Path: name, Err: fs.ErrInvalid}
	}
	if _, err := stage.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum, err := sumOf(stage)
	if err != nil {
		return err
	}
	if err := stage.Chmod(0o644); err != nil {
		return err
	}
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Between the two renames the file lacks its hash, and so is absent to
	// whoever starts after a crash. In this process the lock keeps that unseen.
	if element := s.files[name]; element != nil {
		f := s.recent.Remove(element).(*file)
		delete(s.files, name)
		s.size -= f.size
	}
	if err := s.writeSum(path+sumSuffix, sum); err != nil {
		return err
	}
	if err := os.Rename(stage.Name(), path); err != nil {
		return err
	}
	info, err := stage.Stat() // a rename changes ctime
	if err != nil {
		return err
	}
	f := &file{name: name, size: info.Size(), checked: identify(info), sum: sum}
	s.files[name] = s.recent.PushFront(f)
	s.size += f.size
	s.evict(f)
	return nil
}

func (s *Store) writeSum(path, sum string) error {
	f, err := os.CreateTemp(filepath.Join(s.config.Dir, stageDir), "*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(sum + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return os.Rename(f.Name(), path)
}

// Put stores a small file.
func (s *Store) Put(name string, data []byte) error {
	stage, err := s.Stage()
	if err != nil {
		return err
	}
	defer s.Discard(stage)
	if _, err := stage.Write(data); err != nil {
		return err
	}
	return s.Publish(stage, name)
}

// evict removes the least recently used files until the rest fits, but not the
// one that just came.
func (s *Store) evict(newest *file) {
	var next *list.Element
	for element := s.recent.Back(); element != nil && s.config.MaxSize > 0 && s.size > s.config.MaxSize; element = next {
		next = element.Prev()
		f := element.Value.(*file)
		if f == newest || s.config.Pinned != nil && s.config.Pinned(f.name) {
			continue
		}
		s.remove(element)
		s.evicted++
	}
}

// Scrub compares every file with its hash once, whether it seems unchanged or
// not: disks forget without telling. It reads at most rate bytes a second,
// removes what is damaged and passes its name to report.
func (s *Store) Scrub(ctx context.Context, rate int64, report func(name string)) error {
	for _, name := range s.all() {
		begun := time.Now()
		size, ok := s.scrub(name)
		if !ok {
			report(name)
		}
		rest := time.Until(begun.Add(time.Duration(float64(size) / float64(rate) * float64(time.Second))))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rest):
		}
	}
	return nil
}

// scrub checks one file; ok is false if it was damaged.
func (s *Store) scrub(name string) (size int64, ok bool) {
	s.mu.Lock()
	element := s.files[name]
	s.mu.Unlock()
	if element == nil {
		return 0, true
	}
	f, err := smallfile.Open(s.path(name))
	if err != nil {
		return 0, true // evicted meanwhile
	}
	defer f.Close()
	known := element.Value.(*file)
	known.checking.Lock()
	known.checked = identity{}
	known.checking.Unlock()
	if _, err := s.check(known, f); err != nil {
		return known.size, !s.drop(known)
	}
	return known.size, true
}

func (s *Store) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.files))
	for name := range s.files {
		names = append(names, name)
	}
	return names
}

// Versions returns the versions of a module of which the store has a file with
// that suffix, as they are written in names.
func (s *Store) Versions(escapedPath, suffix string) []string {
	dir := escapedPath + "/@v"
	var versions []string
	for _, name := range s.Names(dir) {
		version, found := strings.CutSuffix(strings.TrimPrefix(name, dir+"/"), suffix)
		if found && !strings.Contains(version, "/") {
			versions = append(versions, version)
		}
	}
	return versions
}
