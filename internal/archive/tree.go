package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// CopyTree places the files of an existing GOROOT into the sink and returns
// them sorted by path, with their digests: of what was placed, not of what the
// tree may hold a moment later. Files that want does not name are left out, and
// so is the _go.mod that the go command keeps beside a go.mod. Modes are those
// of the release, whatever the tree has. Anything that is no regular file is
// refused.
func CopyTree(ctx context.Context, root *os.Root, want func(path string) bool, sink Sink, opts Options) ([]File, error) {
	placer := newPlacer(ctx, sink, opts)
	err := copyTree(placer.ctx, root, want, placer, opts.Limits)
	files, placeErr := placer.finish()
	switch {
	case placeErr != nil: // also where ctx has ended
		return nil, placeErr
	case err != nil:
		return nil, err
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

func copyTree(ctx context.Context, root *os.Root, want func(string) bool, placer *placer, limits Limits) error {
	names := newNameSet(1 << 14)
	count, total := 0, int64(0)
	return fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil || d.IsDir() || !want(p) {
			return err
		}
		if !d.Type().IsRegular() {
			return refuse("the tree has something that is not a regular file: " + shorten(p))
		}
		if dir, base := path.Split(p); base == "_go.mod" {
			if _, err := root.Lstat(dir + "go.mod"); err == nil {
				return nil
			}
			p = dir + "go.mod"
		}
		if err := errors.Join(CheckPath(p), names.add(p), names.bounded(limits)); err != nil {
			return err
		}
		if err := placer.mkdirs(names.order); err != nil {
			return err
		}
		size, err := copyFile(root, d, p, placer, limits)
		if err != nil {
			return err
		}
		total += size
		if count++; count > limits.Files || total > limits.Total {
			return refuse("the tree is larger than any release: " + strconv.Itoa(count) + " files")
		}
		return nil
	})
}

// copyFile hands on one file, with as many bytes as it has when it is opened.
func copyFile(root *os.Root, d fs.DirEntry, p string, placer *placer, limits Limits) (int64, error) {
	from := path.Join(path.Dir(p), d.Name())
	f, err := root.OpenFile(from, os.O_RDONLY|syscall.O_NONBLOCK, 0) // os.Root follows links within itself only
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() || info.Size() > limits.File {
		return 0, refuse("the tree has a file that no release has: " + shorten(p))
	}
	file := File{Path: p, Mode: ModeOf(p), Size: info.Size()}
	return file.Size, placer.put(file, func(content []byte) error {
		_, err := io.ReadFull(f, content)
		return err
	})
}
