package store

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
)

// stageFiles is one directory of the tree while files are put into it.
type stageFiles struct {
	st   *Stage
	dir  *fsx.Dir
	from finder
}

// Put is part of [archive.Dir]. A file whose contents the store has becomes a
// link to them. The manifest only says where to look: a link is made to what
// was read and compared now.
func (d *stageFiles) Put(file archive.File, content []byte) error {
	if d.linked(file, func(f *fsx.File) bool { return d.from.holds(f, content) && d.share(f, filepath.Base(file.Path), file) }) {
		return nil
	}
	return d.st.store.fault(d.dir.Create(filepath.Base(file.Path), uint32(file.Mode.Perm()), content))
}

// linked opens the files of the store that should have the contents of this
// one, until link makes a link to one of them.
func (d *stageFiles) linked(file archive.File, link func(*fsx.File) bool) bool {
	at, ok := d.from.x.byContent[contentKey{file.SHA256, file.Mode}]
	if !ok || !d.st.store.linked {
		return false
	}
	for at := range d.from.x.alike(at) {
		if f, ok := d.from.open(at); ok {
			ok = link(f)
			f.Close()
			if ok {
				return true
			}
		}
	}
	return false
}

// Create is part of [archive.Dir].
func (d *stageFiles) Create(file archive.File) (archive.Writer, error) {
	f, err := d.dir.CreateFile(filepath.Base(file.Path), uint32(file.Mode.Perm()))
	if err != nil {
		return nil, d.st.store.fault(err)
	}
	return &stageFile{d: d, file: file, f: f}, nil
}

// stageFile is a large file that is being written.
type stageFile struct {
	d    *stageFiles
	file archive.File
	f    *os.File
}

// Write is part of [archive.Writer].
func (w *stageFile) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	return n, w.d.st.store.fault(err)
}

// Commit is part of [archive.Writer]. Only now is it known whether the store
// has the file; then a link replaces what was written.
func (w *stageFile) Commit(sum [sha256.Size]byte) error {
	w.file.SHA256 = sum
	name := filepath.Base(w.file.Path)
	var err error
	w.d.linked(w.file, func(f *fsx.File) bool {
		if w.d.from.digest(f, w.file.Size) != sum || !w.d.share(f, name+linkSuffix, w.file) {
			return false
		}
		err = w.d.dir.Rename(name+linkSuffix, w.d.dir, name)
		return true
	})
	return w.d.st.store.fault(err)
}

// linkSuffix makes a name that is in no release. If one had it, a file would not
// be shared, and nothing else would happen.
const linkSuffix = ".vmgo-link"

// Close is part of [archive.Writer].
func (w *stageFile) Close() error { return w.d.st.store.fault(w.f.Close()) }

// Reuse is part of [archive.Dir]: it searches the neighbours.
func (d *stageFiles) Reuse(file archive.File) (sum [sha256.Size]byte, ok bool, err error) {
	at, ok := d.from.x.byPlace[placeOf(file)]
	if !ok {
		return sum, false, nil
	}
	for at := range d.from.x.alike(at) {
		if sum, ok, err = d.reuse(at, file); ok || err != nil {
			return sum, ok, err
		}
	}
	return sum, false, nil
}

func (d *stageFiles) reuse(at location, file archive.File) (sum [sha256.Size]byte, ok bool, err error) {
	f, ok := d.from.open(at)
	if !ok {
		return sum, false, nil
	}
	defer f.Close()
	sum = d.from.digest(f, file.Size)
	if known := d.from.x.releases[at.release].manifest[at.file].SHA256; sum != known {
		return sum, false, nil // not what the manifest says: no use
	}
	d.st.reused.Add(1)
	name := filepath.Base(file.Path)
	if d.st.store.linked && d.share(f, name, file) {
		return sum, true, nil
	}
	// No link: the file still need not be inflated, or even downloaded.
	copied, err := d.dir.Copy(f, name, uint32(file.Mode.Perm()), d.from.buffer(), sha256.New())
	if err != nil {
		return sum, false, d.st.store.fault(err)
	}
	return [sha256.Size]byte(copied), true, nil
}

// Content reads a file of an installed release, into buffer where that is large
// enough. The caller checks whether it is what the manifest says.
func (st *Stage) Content(v gover.Version, path string, buffer []byte) ([]byte, error) {
	from := finder{x: st.index(), bufs: st.bufs}
	defer from.end()
	i := slices.IndexFunc(from.x.releases, func(r indexed) bool { return r.version == v })
	if i < 0 {
		return buffer, fs.ErrNotExist
	}
	manifest := from.x.releases[i].manifest
	j, ok := from.x.releases[i].find(path)
	if !ok {
		return buffer, fs.ErrNotExist
	}
	file, ok := from.open(location{int32(i), int32(j)})
	if !ok {
		return buffer, fs.ErrNotExist
	}
	defer file.Close()
	if size := int(manifest[j].Size); cap(buffer) < size {
		buffer = make([]byte, size)
	}
	buffer = buffer[:manifest[j].Size]
	_, err := io.ReadFull(file, buffer)
	return buffer, err
}

// share gives the new file the inode of f or, if no further link to it
// is possible, its blocks. Links have the extended attributes of
// f, which the file must not get.
func (d *stageFiles) share(f *fsx.File, name string, file archive.File) bool {
	if (f.HasAttributes() || d.dir.Link(f, name) != nil) && d.dir.Clone(f, name, uint32(file.Mode.Perm())) != nil {
		return false
	}
	d.st.linkedFiles.Add(1)
	d.st.linkedBytes.Add(file.Size)
	return true
}

// Close is part of [archive.Dir].
func (d *stageFiles) Close() error {
	d.from.end()
	return d.dir.Close()
}
