package store

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"sync"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
)

// Deduped is the result of [Store.Dedup].
type Deduped struct {
	Files   int   // that became links
	Bytes   int64 // that were freed
	Skipped int   // files that are not what their manifest says, and stay as they are
}

// Dedup makes files of installed releases that have the same contents and mode
// one file with several names, as installs do from the start. Both files are
// read and compared before one replaces the other, by a rename, so that readers see
// the same contents throughout; an edited
// file neither spreads nor is lost. A crash leaves nothing but a link in
// staging, to be swept.
func (s *Store) Dedup(ctx context.Context, wait Wait) (d Deduped, err error) {
	releases, err := s.Releases()
	if err != nil {
		return d, err
	}
	h, err := s.open()
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	done := map[contentKey]string{} // contents -> path of the file that stays, within the store
	for _, r := range releases {
		if err := s.dedupRelease(ctx, h, r.Version, done, &d, wait); err != nil {
			return d, s.fault(err)
		}
	}
	return d, nil
}

// dedupRelease links what it can of one release to those before it. The
// release's lock keeps uninstall and reinstall away from it.
func (s *Store) dedupRelease(ctx context.Context, h *handles, v gover.Version, done map[contentKey]string, d *Deduped, wait Wait) (err error) {
	lock, err := s.lockRelease(ctx, h, v, wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if !s.Has(v) {
		return nil
	}
	m, err := s.Manifest(v)
	if err != nil {
		d.Skipped++
		return nil // store check says what is wrong with it
	}
	stage, err := s.linkStage(ctx, h, v, wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.remove()) }()
	bufs := newBuffers()
	for i := range m {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		f := &m[i]
		at := path.Join(v.String(), f.Path)
		key := contentKey{f.SHA256, f.Mode}
		first, ok := done[key]
		if !ok {
			done[key] = at
			continue
		}
		if err := dedupFile(h.root, first, at, f, stage, bufs, d); err != nil {
			return err
		}
	}
	return nil
}

// linkStage makes a directory in which links are made before they are renamed
// to their places.
func (s *Store) linkStage(ctx context.Context, h *handles, v gover.Version, wait Wait) (*stageDir, error) {
	w, err := s.lockNames(ctx, h, wait)
	if err != nil {
		return nil, err
	}
	dir, err := w.newStageDir(v)
	return dir, errors.Join(err, w.done())
}

// dedupFile replaces the file at by a link to first, if both are the same now.
func dedupFile(root *fsx.Dir, first, at string, f *archive.File, stage *stageDir, bufs *sync.Pool, d *Deduped) error {
	a, errA := openRegular(root, first)
	if errA != nil {
		d.Skipped++
		return nil
	}
	defer a.Close()
	b, errB := openRegular(root, at)
	if errB != nil {
		d.Skipped++
		return nil
	}
	defer b.Close()
	infoA, _ := a.Stat() // openRegular could
	infoB, _ := b.Stat()
	if infoA.Same(infoB) {
		return nil
	}
	find := finder{bufs: bufs}
	defer find.end()
	if infoA.Mode != f.Mode || infoB.Mode != f.Mode || infoA.Size != f.Size || infoB.Size != f.Size || infoA.UID != infoB.UID || a.HasAttributes() || b.HasAttributes() {
		d.Skipped++
		return nil
	}
	for _, file := range []*fsx.File{a, b} {
		if find.digest(file, f.Size) != f.SHA256 {
			d.Skipped++
			return nil
		}
	}
	return replaceByLink(root, a, at, stage, f.Size, d)
}

func replaceByLink(root *fsx.Dir, to *fsx.File, at string, stage *stageDir, size int64, d *Deduped) error {
	dir, err := root.Sub(path.Dir(at))
	if err != nil {
		return err
	}
	defer dir.Close()
	name := "link" + strconv.Itoa(d.Files+d.Skipped)
	if err := stage.Link(to, name); err != nil {
		d.Skipped++ // no more links to this file, or none here at all
		return nil
	}
	if err := stage.Rename(name, dir, path.Base(at)); err != nil {
		return err
	}
	d.Files++
	d.Bytes += size
	return nil
}

func openRegular(root *fsx.Dir, at string) (*fsx.File, error) {
	dir, err := root.Sub(path.Dir(at))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	f, err := dir.Open(path.Base(at))
	if err != nil {
		return nil, err
	}
	if info, _ := f.Stat(); !info.Regular {
		return nil, errors.Join(fs.ErrInvalid, f.Close())
	}
	return f, nil
}
