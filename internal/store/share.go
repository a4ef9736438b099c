package store

import (
	"bytes"
	"crypto/sha256"
	"io"
	"io/fs"
	"iter"
	"math"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// index finds files of installed releases, by contents and by place. It has
// what the manifests say; its users check each time whether the files are still so.
type index struct {
	root      *fsx.Dir // of the store
	uid       uint32   // whose files are ours
	releases  []indexed
	byContent map[contentKey]location
	byPlace   map[placeKey]location
}

type indexed struct {
	version  gover.Version
	manifest Manifest
}

// find returns the place of a path in the manifest.
func (r indexed) find(path string) (int, bool) {
	return slices.BinarySearchFunc(r.manifest, path, func(f archive.File, path string) int { return strings.Compare(f.Path, path) })
}

type contentKey struct {
	sum  [sha256.Size]byte
	mode fs.FileMode
}

type placeKey struct {
	path string
	size int64
	crc  uint32
	mode fs.FileMode
}

// location names one file of one release of the index.
type location struct{ release, file int32 }

// neighbours is how many releases are searched for files by their place: those of
// the same minor version, then the nearest others, have nearly all there is.
const neighbours = 3

// newIndex reads the manifests of all releases, those nearest to v first. A
// release whose records are damaged is left out. Only files of uid are used.
func (s *Store) newIndex(root *fsx.Dir, v gover.Version, uid uint32) *index {
	x := &index{root: root, uid: uid, releases: s.nearest(v, math.MaxInt)}
	x.fill()
	return x
}

// nearest reads the manifests of so many releases, those nearest to v first. What
// cannot be read is left out.
func (s *Store) nearest(v gover.Version, most int) []indexed {
	releases, _ := s.Releases()
	slices.SortStableFunc(releases, func(a, b installed.Release) int { return distance(a.Version, v) - distance(b.Version, v) })
	releases = releases[:min(most, len(releases))]
	read := make([]indexed, len(releases))
	var wg sync.WaitGroup
	for i, r := range releases {
		wg.Go(func() {
			read[i] = indexed{r.Version, s.sharedManifest(r.Version)}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(read, func(r indexed) bool { return r.manifest == nil })
}

func distance(a, b gover.Version) int {
	return 10_000*abs(a.Major()-b.Major()) + 100*abs(a.Minor()-b.Minor()) + min(abs(a.Patch()-b.Patch()), 99)
}

func abs(n int) int { return max(n, -n) }

func (x *index) fill() {
	size := 0
	for _, r := range x.releases {
		size = max(size, len(r.manifest))
	}
	x.byContent = make(map[contentKey]location, 2*size)
	x.byPlace = make(map[placeKey]location, size)
	for i, r := range x.releases {
		for j := range r.manifest {
			f := &r.manifest[j]
			at := location{int32(i), int32(j)}
			key := contentKey{f.SHA256, f.Mode}
			if _, ok := x.byContent[key]; !ok {
				x.byContent[key] = at
			}
			if i >= neighbours {
				continue
			}
			place := placeOf(*f)
			if _, ok := x.byPlace[place]; !ok {
				x.byPlace[place] = at
			}
		}
	}
}

// alike returns that location, and then the files of other releases that have
// its path and contents, in case it is damaged.
func (x *index) alike(at location) iter.Seq[location] {
	return func(yield func(location) bool) {
		if !yield(at) {
			return
		}
		want := &x.releases[at.release].manifest[at.file]
		for i, r := range x.releases {
			j, ok := r.find(want.Path)
			if !ok || int32(i) == at.release || r.manifest[j].SHA256 != want.SHA256 || r.manifest[j].Mode != want.Mode {
				continue
			}
			if !yield(location{int32(i), int32(j)}) {
				return
			}
		}
	}
}

// finder opens files of the index. It keeps its last directory open, since
// the files of one directory mostly come from one directory.
type finder struct {
	x       *index
	release int32
	path    string
	dir     *fsx.Dir
	bufs    *sync.Pool // of *[]byte, shared by the finders of a stage
	buf     *[]byte
}

// open opens a file of the index if it looks like what its manifest says: a
// regular file of ours with that size and mode. A link to another user's file
// would make that user an owner of the release.
func (f *finder) open(at location) (*fsx.File, bool) {
	r := &f.x.releases[at.release]
	want := &r.manifest[at.file]
	if dir := path.Dir(want.Path); f.dir == nil || f.release != at.release || f.path != dir {
		f.close()
		var err error
		if f.dir, err = f.x.root.Sub(path.Join(r.version.String(), dir)); err != nil {
			f.dir = nil
			return nil, false
		}
		f.release, f.path = at.release, dir
	}
	file, err := f.dir.Open(path.Base(want.Path))
	if err != nil {
		return nil, false
	}
	info, _ := file.Stat() // of what it fails for, this is not regular
	if !info.Regular || info.Mode != want.Mode || info.Size != want.Size || info.UID != f.x.uid {
		file.Close()
		return nil, false
	}
	return file, true
}

func (f *finder) close() {
	if f.dir != nil {
		f.dir.Close()
		f.dir = nil
	}
}

// end releases what the finder holds.
func (f *finder) end() {
	f.close()
	if f.buf != nil {
		f.bufs.Put(f.buf)
		f.buf = nil
	}
}

func newBuffers() *sync.Pool {
	return &sync.Pool{New: func() any {
		buf := make([]byte, 64<<10)
		return &buf
	}}
}

func (f *finder) buffer() []byte {
	if f.buf == nil {
		f.buf = f.bufs.Get().(*[]byte)
	}
	return *f.buf
}

// holds reports whether file has exactly this content.
func (f *finder) holds(file *fsx.File, content []byte) bool {
	buf := f.buffer()
	for {
		n, err := file.Read(buf)
		if !bytes.HasPrefix(content, buf[:n]) {
			return false
		}
		content = content[n:]
		if err != nil {
			return err == io.EOF && len(content) == 0
		}
	}
}

// digest reads the first size bytes of file. The sum is zero, which is that of no
// contents, if there are not so many.
func (f *finder) digest(file *fsx.File, size int64) (sum [sha256.Size]byte) {
	h := sha256.New()
	buf := f.buffer()
	for size > 0 {
		n, err := file.Read(buf[:min(size, int64(len(buf)))])
		h.Write(buf[:n])
		size -= int64(n)
		if err != nil {
			return sum
		}
	}
	h.Sum(sum[:0])
	return sum
}
