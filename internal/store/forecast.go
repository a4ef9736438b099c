package store

import (
	"fmt"
	"path"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

// Forecast computes what releases will take in a store, before they are
// installed, from the lists of their files.
type Forecast struct {
	store *Store
	// Whether a release of the store, or one added before, has a file.
	installed, planned map[placeKey]bool
	need               Need
}

// Need is what an install takes.
type Need struct {
	Files  int
	Bytes  int64 // sum of the sizes
	Shared int64 // of them, what other releases seem to have
	Disk   int64 // blocks of the rest
	Inodes int64
}

// block is what file systems mostly round the size of a file up to.
const block = 4096

// Forecast begins with what the store has.
func (s *Store) Forecast() *Forecast {
	f := &Forecast{store: s, installed: map[placeKey]bool{}, planned: map[placeKey]bool{}}
	if !s.linked {
		return f
	}
	releases, _ := s.Releases() // of what cannot be read, nothing is shared
	for _, r := range releases {
		m := s.sharedManifest(r.Version)
		for i := range m {
			f.installed[placeOf(m[i])] = true
		}
	}
	return f
}

func placeOf(f archive.File) placeKey { return placeKey{f.Path, f.Size, f.CRC32, f.Mode} }

// Has reports whether an installed release seems to have the file.
func (f *Forecast) Has(file archive.File) bool { return f.installed[placeOf(file)] }

// Add adds a release, whose files are described by path, size, CRC-32 and mode.
// Those added before count as installed.
func (f *Forecast) Add(files []archive.File) Need {
	var n Need
	dirs := map[string]bool{}
	for i := range files {
		file := &files[i]
		n.Files++
		n.Bytes += file.Size
		dirs[path.Dir(file.Path)] = true
		if key := placeOf(*file); f.installed[key] || f.planned[key] {
			n.Shared += file.Size
			continue
		} else if f.store.linked {
			f.planned[key] = true
		}
		n.Disk += blocks(file.Size)
		n.Inodes++
	}
	n.Disk += block * int64(len(dirs))
	n.Inodes += int64(len(dirs))
	f.AddNeed(n)
	return n
}

// AddNeed counts a release without a list of files.
func (f *Forecast) AddNeed(n Need) {
	f.need.Files += n.Files
	f.need.Bytes += n.Bytes
	f.need.Shared += n.Shared
	f.need.Disk += n.Disk
	f.need.Inodes += n.Inodes
}

// Need is the sum of what was added.
func (f *Forecast) Need() Need { return f.need }

// Room returns a disk-full error if the store's file system has no room for
// what was added.
func (f *Forecast) Room() error { return f.store.room(f.need) }

func blocks(size int64) int64 { return (size + block - 1) / block * block }

func (s *Store) room(n Need) error {
	free, err := fsx.Free(s.dir)
	if err != nil {
		return s.fault(err)
	}
	what := n.shortage(free)
	if what == "" {
		return nil
	}
	return diag.New(diag.DiskFull, "no room in the store "+s.dir+": "+what, "vmgo prune --dry-run", "df -h "+diag.Word(s.dir)+"; df -i "+diag.Word(s.dir))
}

// shortage says what there is too little of, "" where there is enough.
func (n Need) shortage(free fsx.Space) string {
	switch {
	case n.Disk > free.Bytes:
		return fmt.Sprintf("%d MB are needed and %d MB are free", mb(n.Disk), free.Bytes/1_000_000)
	case free.Inodes >= 0 && n.Inodes > free.Inodes:
		return fmt.Sprintf("%d files are needed and %d inodes are free", n.Inodes, free.Inodes)
	}
	return ""
}

func mb(n int64) int64 { return (n + 999_999) / 1_000_000 }
