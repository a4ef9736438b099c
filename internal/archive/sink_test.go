package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/vmgo/vmgo/internal/diag"
)

var errNoRoom = errors.New("no room")

// treeSink keeps a tree in memory and holds its users to the rules of Sink.
type treeSink struct {
	mu    sync.Mutex
	dirs  map[string]bool
	files map[string]string
	open  int               // directories and files that are not closed
	calls map[string]int    // of Enter and Create
	fail  string            // path whose Put or Mkdir fails
	left  int               // calls until one fails; negative: none does
	has   map[string]string // files that Reuse finds
}

func newTreeSink() *treeSink {
	return &treeSink{dirs: map[string]bool{".": true}, files: map[string]string{}, calls: map[string]int{}, left: -1}
}

// call counts a call, of which one fails.
func (s *treeSink) call() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left--; s.left == -1 {
		return errNoRoom
	}
	return nil
}

// opened counts what is to be closed, and by which call it was opened.
func (s *treeSink) opened(call string) {
	s.open++
	s.calls[call]++
}

func (s *treeSink) closed() error {
	s.mu.Lock()
	s.open--
	s.mu.Unlock()
	return s.call()
}

func (s *treeSink) Mkdir(p string) error {
	if err := s.call(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p == s.fail {
		return errNoRoom
	}
	if s.dirs[p] || !s.dirs[path.Dir(p)] {
		return errors.New("Mkdir twice or before its parent: " + p)
	}
	s.dirs[p] = true
	return nil
}

func (s *treeSink) Enter(p string) (Dir, error) {
	if err := s.call(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirs[p] {
		return nil, errors.New("Enter before Mkdir: " + p)
	}
	s.opened("Enter")
	return &treeDir{s, p}, nil
}

type treeDir struct {
	s    *treeSink
	path string
}

func (d *treeDir) Put(f File, content []byte) error {
	if err := d.s.call(); err != nil {
		return err
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if f.Path == d.s.fail {
		return errNoRoom
	}
	if path.Dir(f.Path) != d.path || f.Size != int64(len(content)) || f.SHA256 != sha256.Sum256(content) {
		return errors.New("wrong directory, size or digest: " + f.Path)
	}
	d.s.files[f.Path] = string(content)
	return nil
}

func (d *treeDir) Create(f File) (Writer, error) {
	if err := d.s.call(); err != nil {
		return nil, err
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.s.opened("Create")
	return &treeFile{dir: d, file: f}, nil
}

// treeFile keeps a file's contents until they are complete.
type treeFile struct {
	bytes.Buffer
	dir  *treeDir
	file File
}

func (f *treeFile) Commit(sum [sha256.Size]byte) error {
	f.file.SHA256 = sum
	return f.dir.Put(f.file, f.Bytes())
}

func (f *treeFile) Write(p []byte) (int, error) {
	if err := f.dir.s.call(); err != nil {
		return 0, err
	}
	return f.Buffer.Write(p)
}

func (f *treeFile) Close() error { return f.dir.s.closed() }

func (d *treeDir) Reuse(f File) (sum [sha256.Size]byte, ok bool, err error) {
	content, ok := d.s.has[f.Path]
	return sha256.Sum256([]byte(content)), ok, d.s.call()
}

func (d *treeDir) Close() error { return d.s.closed() }

// randomText does not shrink.
func randomText(size int) string {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	return string(data)
}

// Whatever call of the sink fails, its error is what is returned, and no directory is
// left open.
func TestSink_anyCallFails(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", small/8)
	packed := rawZip(t, 0, stored("a/1", "1"), packedMember(t, "b/2", large), stored("b/c/3", large), packedMember(t, "d/e/4", "4"), stored("d/e/5", "5"))
	tarred := zipped(t, tarball(t, file("go/a/1", "1"), file("go/b/2", large), file("go/b/c/3", large), file("go/d/e/4", "4"), file("go/d/e/5", "5")))
	_, root := treeRoot(t, map[string]string{"a/1": "1", "b/2": large, "b/c/3": large, "d/e/4": "4", "d/e/5": "5"})
	limits := DefaultLimits()
	limits.Ratio = 1000
	for name, extract := range map[string]func(sink Sink, jobs int) ([]File, error){
		"zip": func(sink Sink, jobs int) ([]File, error) {
			z, err := OpenZip(bytes.NewReader(packed), int64(len(packed)), prefix, limits)
			if err != nil {
				return nil, err
			}
			return z.Extract(t.Context(), sink, Options{Jobs: jobs, Reuse: true})
		},
		"tar.gz": func(sink Sink, jobs int) ([]File, error) {
			return ExtractTarGz(t.Context(), bytes.NewReader(tarred), sink, Options{Limits: limits, Jobs: jobs})
		},
		"tree": func(sink Sink, jobs int) ([]File, error) {
			return CopyTree(t.Context(), root, everything, sink, Options{Limits: limits, Jobs: jobs})
		},
	} {
		for _, jobs := range []int{1, 3} {
			for n := 0; ; n++ {
				sink := newTreeSink()
				sink.left = n
				files, err := extract(sink, jobs)
				if sink.open != 0 {
					t.Errorf("%s: after %d calls %d directories and files are open", name, n, sink.open)
				}
				if sink.left >= 0 {
					if err != nil || len(files) != 5 || len(sink.files) != 5 || n < 16 {
						t.Errorf("%s: %d calls, %d files, %v", name, n, len(files), err)
					}
					break
				}
				if !errors.Is(err, errNoRoom) || diag.CodeOf(err) == diag.ArchiveUnsafe || files != nil {
					t.Errorf("%s, %d jobs, after %d calls: %v", name, jobs, n, err)
				}
			}
		}
	}
}

// A directory is opened once where there are goroutines enough, and only what is larger
// than a buffer is written in pieces.
func TestPlacer_calls(t *testing.T) {
	t.Parallel()
	tarred := zipped(t, tarball(t, file("go/a/1", "1"), file("go/b/1", "1"), file("go/a/2", ""), file("go/b/2", "2"), file("go/a/3", randomText(small)), file("go/b/3", randomText(small+1))))
	sink := newTreeSink()
	var done atomic.Int64
	files, err := ExtractTarGz(t.Context(), bytes.NewReader(tarred), sink, Options{Limits: DefaultLimits(), Jobs: 2, Progress: func(n int64) { done.Add(n) }})
	if err != nil || len(files) != 6 || sink.calls["Enter"] != 2 || sink.calls["Create"] != 1 || done.Load() != 2*small+4 {
		t.Errorf("%d files, %v, %d bytes, %v", len(files), sink.calls, done.Load(), err)
	}
	for _, f := range files {
		if f.CRC32 != crc32.ChecksumIEEE([]byte(sink.files[f.Path])) {
			t.Errorf("%s has another CRC-32", f.Path)
		}
	}
}

// What the sink has elsewhere is not inflated; without Reuse it is not asked. Progress is
// of all bytes in either way.
func TestExtract_reuse(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", small/8)
	data := rawZip(t, 0, stored("b/3", "333"), packedMember(t, "b/2", large), stored("a/1", "1"))
	limits := DefaultLimits()
	limits.Ratio = 1000
	for _, reuse := range []bool{true, false} {
		z, err := OpenZip(bytes.NewReader(data), int64(len(data)), prefix, limits)
		if err != nil {
			t.Fatal(err)
		}
		sink := newTreeSink()
		sink.has = map[string]string{"b/2": "other", "b/3": "than packed"}
		var done atomic.Int64
		files, err := z.Extract(t.Context(), sink, Options{Reuse: reuse, Progress: func(n int64) { done.Add(n) }})
		if err != nil || done.Load() != int64(len(large)+4) {
			t.Fatalf("reuse %v: %d bytes, %v", reuse, done.Load(), err)
		}
		want := map[bool]int{true: 1, false: 3}[reuse]
		if len(files) != 3 || files[0].Path != "a/1" || files[1].Path != "b/2" || len(sink.files) != want {
			t.Errorf("reuse %v: %d of the files %+v were put", reuse, len(sink.files), files)
		}
		sum, _, _ := (&treeDir{s: sink}).Reuse(File{Path: "b/2"})
		if (files[1].SHA256 == sum) != reuse {
			t.Errorf("reuse %v: %s has the digest %x", reuse, files[1].Path, files[1].SHA256)
		}
	}
}

// Members about as large as what is inflated whole.
func TestExtract_sizes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, small - 400, small - 100, small - 1, small, small + 1, 3 * small} {
		text := randomText(size)
		sink, files, err := extractZip(t, rawZip(t, 0, stored("a", text), packedMember(t, "b", text)), prefix, DefaultLimits(), Options{})
		if err != nil || len(files) != 2 || sink.files["a"] != text || sink.files["b"] != text {
			t.Errorf("%d bytes: %d files, %v", size, len(files), err)
		}
	}
}

// Who stops an extraction does not wait for the end of a large file.
func TestExtract_stopsWithinAFile(t *testing.T) {
	t.Parallel()
	data := rawZip(t, 0, stored("a", randomText(20*small)))
	z, err := OpenZip(bytes.NewReader(data), int64(len(data)), prefix, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	pieces := 0
	_, err = z.Extract(ctx, newTreeSink(), Options{Progress: func(int64) {
		pieces++
		cancel(errBroken)
	}})
	if err != errBroken || pieces != 1 {
		t.Errorf("%d pieces, %v", pieces, err)
	}
}

// Large files come first, the largest before the others; small ones of a directory go
// together, in bounded numbers; and where the archive is still arriving, all in its order.
func TestZip_plan(t *testing.T) {
	t.Parallel()
	z := &Zip{}
	add := func(path string, size int64) {
		z.members = append(z.members, Member{File: File{Path: path, Size: size}})
	}
	add("a/1", 1)
	add("a/2", 1)
	add("b/1", small+1)
	add("a/3", 1)
	add("b/2", 1)
	add("c/1", small+2)
	add("a/4", small+1)
	add("b/3", 1)
	add("a/5", 1)
	for inOrder, want := range map[bool]string{
		false: "[5] [2] [6] [0 1 3 8] [4 7]",
		true:  "[0 1] [2] [3] [4] [5] [6] [7] [8]",
	} {
		if got := text(z.plan(inOrder)); got != want {
			t.Errorf("in order %v: %s, want %s", inOrder, got, want)
		}
	}
	z.members = nil
	add("a/1", 1)
	add("b/1", 1)
	add("a/2", 1)
	for inOrder, want := range map[bool]string{false: "[0 2] [1]", true: "[0] [1] [2]"} {
		if got := text(z.plan(inOrder)); got != want {
			t.Errorf("small ones, in order %v: %s, want %s", inOrder, got, want)
		}
	}
	z.members = nil
	for n := range batch + 2 {
		add("a/"+strconv.Itoa(n), 1)
	}
	for _, inOrder := range []bool{false, true} {
		if got := z.plan(inOrder); len(got) != 2 || len(got[0]) != batch || len(got[1]) != 2 {
			t.Errorf("in order %v: %s", inOrder, text(got))
		}
	}
}

func text(plan [][]int) string {
	var all []string
	for _, piece := range plan {
		words := make([]string, len(piece))
		for i, n := range piece {
			words[i] = strconv.Itoa(n)
		}
		all = append(all, "["+strings.Join(words, " ")+"]")
	}
	return strings.Join(all, " ")
}

// A file that ends early is not one of zeros.
func TestTarReader_endsEarly(t *testing.T) {
	t.Parallel()
	whole := tarball(t, file("go/x", strings.Repeat("x", 2000)))
	for rest, want := range map[io.Reader]error{bytes.NewReader(nil): io.ErrUnexpectedEOF, iotest.ErrReader(errBroken): errBroken} {
		r := &tarReader{tar: tar.NewReader(io.MultiReader(bytes.NewReader(whole[:1000]), rest)), source: &tarSource{}, limits: DefaultLimits()}
		if _, err := r.tar.Next(); err != nil {
			t.Fatal(err)
		}
		if err := r.read(make([]byte, 2000)); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}
