package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// Tree is what a GOROOT holds now.
type Tree struct {
	Files []TreeFile // regular files, sorted by path
	Dirs  []TreeFile // directories, sorted; "." is the GOROOT itself
	Odd   []string   // paths of everything else
	owner uint32     // of the GOROOT
	acls  bool       // the directory that the GOROOT is in gives an ACL to all that is made in it
}

// TreeFile is a file or directory as it is now.
type TreeFile struct {
	archive.File // Mode has setuid, setgid and sticky bits too
	owner        uint32
	attributes   []string // extended attributes that somebody set
}

// Scan reads every file beneath goroot, jobs at a time. Links are not
// followed. A file that changes meanwhile is as it was read. hashed is called with
// the bytes read so far and the total; it may be nil, and is called by many goroutines.
func Scan(ctx context.Context, goroot string, jobs int, hashed func(done, total int64)) (*Tree, error) {
	root, err := os.OpenRoot(goroot)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	tree := &Tree{acls: store.GivesACLs(filepath.Dir(goroot))}
	if err := tree.walk(ctx, root); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done, total atomic.Int64
	for i := range tree.Files {
		total.Add(tree.Files[i].Size)
	}
	work := make(chan *TreeFile)
	var wg sync.WaitGroup
	for range max(1, jobs) {
		wg.Go(func() {
			buf := make([]byte, 256<<10)
			for f := range work {
				size := f.Size
				if err := f.digest(root, buf); err != nil {
					cancel(err)
				}
				if sum := done.Add(size); hashed != nil {
					hashed(sum, total.Load())
				}
			}
		})
	}
	// The largest first, so that none of them is left for the end.
	order := make([]*TreeFile, len(tree.Files))
	for i := range tree.Files {
		order[i] = &tree.Files[i]
	}
	slices.SortFunc(order, func(a, b *TreeFile) int { return int(b.Size - a.Size) })
	for _, f := range order {
		if ctx.Err() != nil {
			break
		}
		work <- f
	}
	close(work)
	wg.Wait()
	return tree, context.Cause(ctx)
}

func (t *Tree) walk(ctx context.Context, root *os.Root) error {
	err := fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := TreeFile{File: archive.File{Path: path, Mode: info.Mode() &^ fs.ModeType, Size: info.Size()}}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			f.owner = st.Uid
		}
		switch {
		case d.IsDir():
			if f.attributes, err = attributesOf(root, path); err != nil {
				return err
			}
			t.Dirs = append(t.Dirs, f)
		case d.Type().IsRegular():
			t.Files = append(t.Files, f)
		default:
			t.Odd = append(t.Odd, path)
		}
		if path == "." {
			t.owner = f.owner
		}
		return nil
	})
	slices.SortFunc(t.Files, func(a, b TreeFile) int { return strings.Compare(a.Path, b.Path) })
	return err
}

// attributesOf returns the extended attributes of a directory.
func attributesOf(root *os.Root, path string) ([]string, error) {
	dir, err := root.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return fsx.Attributes(dir)
}

// digest reads the file. It checks the open file: a name may
// stand for another file by now (never for one outside of root), and a pipe would block for ever.
func (f *TreeFile) digest(root *os.Root, buf []byte) error {
	file, err := openRegular(root, f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum, crc := sha256.New(), crc32.NewIEEE()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(sum, crc)}, struct{ io.Reader }{file}, buf)
	f.Size, f.CRC32 = n, crc.Sum32()
	copy(f.SHA256[:], sum.Sum(nil))
	if err == nil {
		f.attributes, err = fsx.Attributes(file)
	}
	return err
}

// openRegular opens a file to be read, if it still is one.
func openRegular(root *os.Root, path string) (*os.File, error) {
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, changed(path), file.Close())
	}
	return file, nil
}

func changed(path string) error { return errors.New(path + " changed while it was read") }

// digests is the tree in the form that [trust.Hash1] takes.
func (t *Tree) digests() iter.Seq2[string, [sha256.Size]byte] {
	return func(yield func(string, [sha256.Size]byte) bool) {
		for i := range t.Files {
			if !yield(t.Files[i].Path, t.Files[i].SHA256) {
				return
			}
		}
	}
}

// covered reports whether the log covers the file at path.
func covered(path string) bool {
	_, ok := trust.ModuleName(path)
	return ok
}

// index finds files by path.
func (t *Tree) index() map[string]*TreeFile {
	byPath := make(map[string]*TreeFile, len(t.Files))
	for i := range t.Files {
		byPath[t.Files[i].Path] = &t.Files[i]
	}
	return byPath
}

// goModCopy reports whether path is the _go.mod that the go command leaves beside
// the go.mod of a toolchain it unpacked, with the same content.
func goModCopy(byPath map[string]*TreeFile, path string) bool {
	dir, base := filepath.Split(path)
	twin := byPath[dir+"go.mod"]
	return base == "_go.mod" && twin != nil && twin.SHA256 == byPath[path].SHA256
}

// sortProblems sorts problems by path and removes repetitions.
func sortProblems(list []Problem) []Problem {
	slices.SortFunc(list, func(a, b Problem) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(string(a.Kind), string(b.Kind))
	})
	return slices.Compact(list)
}
