package doctor

import (
	"context"
	"encoding/hex"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

const (
	maxTreeFiles = 100_000   // a release has 12,000 files
	maxHashed    = 128 << 20 // bytes
)

// treeFile is a file of a tree of Go.
type treeFile struct {
	path string
	name string // that of the checksum database
	size int64
	at   time.Time
}

// strangers are the files of a tree that belong to another release.
type strangers struct {
	files  []treeFile
	origin string // "of go1.25.9"
}

// treeFiles returns the regular files beneath a directory that the checksum database covers.
func (m *Machine) treeFiles(ctx context.Context, root string) (files []treeFile) {
	var walk func(dir, rel string)
	walk = func(dir, rel string) {
		for _, entry := range m.ReadDir(dir) {
			path, rel := filepath.Join(dir, entry.Name()), rel+entry.Name()
			if ctx.Err() != nil || len(files) == maxTreeFiles {
				return
			}
			if entry.IsDir() {
				walk(path, rel+"/")
				continue
			}
			name, covered := trust.ModuleName(rel)
			if !covered || !entry.Type().IsRegular() {
				continue
			}
			if info, err := entry.Info(); err == nil {
				files = append(files, treeFile{path, name, info.Size(), info.ModTime()})
			}
		}
	}
	walk(root, "")
	return files
}

// listing is the manifest of a release by the names of the checksum database.
type listing map[string]*archive.File

// manifestOf returns the manifest of an installed release; nil if no store has that release
// or its manifest cannot be read, which vmgo verify reports.
func (m *Machine) manifestOf(v gover.Version) listing {
	for _, rel := range m.Releases() {
		if rel.Version != v {
			continue
		}
		manifest, err := store.Open(m.Path(rel.Store), store.Options{}).Manifest(v)
		if err != nil {
			continue
		}
		files := make(listing, len(manifest))
		for i := range manifest {
			if name, covered := trust.ModuleName(manifest[i].Path); covered {
				files[name] = &manifest[i]
			}
		}
		return files
	}
	return nil
}

// strangers returns the files of a tree of v that are, byte for byte, those of another
// installed release and not its own: of the release that has most of them.
func (m *Machine) strangers(ctx context.Context, v gover.Version, files []treeFile, own listing) (most strangers) {
	if own == nil {
		return most
	}
	sums := m.sums()
	for _, rel := range m.Releases() {
		if rel.Version == v || ctx.Err() != nil {
			continue
		}
		var found []treeFile
		theirs := m.manifestOf(rel.Version)
		for _, f := range files {
			their, mine := theirs[f.name], own[f.name]
			if their == nil || their.Size != f.size || mine != nil && mine.SHA256 == their.SHA256 {
				continue
			}
			if ctx.Err() == nil && sums(f) == hex.EncodeToString(their.SHA256[:]) {
				found = append(found, f)
			}
		}
		if len(found) > len(most.files) {
			most = strangers{found, "of go" + rel.Version.String()}
		}
	}
	return most
}

// sums returns a function that returns the SHA-256 of a file, read once; empty if that
// cannot be read, or when [maxHashed] bytes have been.
func (m *Machine) sums() func(treeFile) string {
	known, left := map[string]string{}, int64(maxHashed)
	return func(f treeFile) string {
		sum, done := known[f.path]
		if !done && f.size <= left {
			left -= f.size
			sum, _ = fsx.Sum(m.Path(f.path))
			known[f.path] = sum
		}
		return sum
	}
}

// otherTimes returns the Go files beneath src that have neither the size of the manifest, or
// without one the time of the release, and share another time.
func (m *Machine) otherTimes(root string, files []treeFile, own listing) strangers {
	stamp := m.releaseTime(root)
	if own == nil && stamp.IsZero() {
		return strangers{}
	}
	belong, others := 0, map[time.Time][]treeFile{}
	for _, f := range files {
		mine := own[f.name]
		switch {
		case !strings.HasPrefix(f.name, "src/") || !strings.HasSuffix(f.name, ".go"):
		case f.at.Equal(stamp), mine != nil && mine.Size == f.size:
			belong++
		default:
			others[f.at] = append(others[f.at], f)
		}
	}
	var most strangers
	for at, found := range others {
		if belong >= mixedFrom && len(found) >= max(mixedFrom, len(most.files)) {
			most = strangers{found, m.releasedAt(at)}
		}
	}
	return most
}

// releasedAt names the installed release that has the time, or the day.
func (m *Machine) releasedAt(at time.Time) string {
	for _, rel := range m.Releases() {
		if m.releaseTime(rel.GOROOT).Equal(at) {
			return "of go" + rel.Version.String()
		}
	}
	return "of " + day(at) + ", not of that release"
}
