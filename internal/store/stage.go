package store

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
)

// Stage is a release in the making, invisible until it is published. It is an
// [archive.Sink].
type Stage struct {
	store   *Store
	handles *handles
	version gover.Version
	dir     *stageDir
	tree    *fsx.Dir
	garbage []*stageDir
	index   func() *index // of what the store has already
	uid     uint32        // owner of the files
	bufs    *sync.Pool

	indexing sync.WaitGroup

	linkedFiles, linkedBytes, reused atomic.Int64
}

// stageDir is a directory of staging whose flock we hold: as long as it is
// held, no sweep touches the directory.
type stageDir struct {
	*fsx.Dir
	staging *fsx.Dir // which it is in
	name    string
}

// NewStage makes an empty tree for a release. The caller holds the release's
// lock and must call Close in the end.
func (s *Store) NewStage(ctx context.Context, v gover.Version, wait Wait) (*Stage, error) {
	h, err := s.open()
	if err != nil {
		return nil, err
	}
	w, err := s.lockNames(ctx, h, wait)
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	dir, err := w.newStageDir(v)
	// Leftovers are deleted when the stage is closed: making files soon after
	// deleting many is slow on ext4.
	stage := &Stage{store: s, handles: h, version: v, dir: dir, garbage: w.garbage, bufs: newBuffers()}
	err = errors.Join(err, w.unlock())
	if err == nil {
		err = stage.prepare()
	}
	if err != nil {
		return nil, s.fault(errors.Join(err, stage.Close()))
	}
	return stage, nil
}

// newStageDir makes and locks a directory beneath staging. It is called with
// the store's lock held, so that no sweep sees the directory without its lock.
func (w *writer) newStageDir(v gover.Version) (*stageDir, error) {
	name, err := w.staging.MkdirTemp(v.String() + ".")
	if err != nil {
		return nil, err
	}
	dir, got, err := claim(w.staging, name)
	if err == nil && !got {
		err = errors.New(filepath.Join(w.staging.Path(), name) + " is locked by another process")
	}
	return dir, err
}

func (st *Stage) prepare() error {
	if err := st.dir.Mkdir(treeName, 0o755); err != nil {
		return err
	}
	tree, err := st.dir.Sub(treeName)
	if err != nil {
		return err
	}
	st.tree = tree
	tree.Fill()
	e, err := tree.Entry()
	st.uid = uint32(e.UID)
	// The manifests are read in the background.
	st.index = sync.OnceValue(func() *index { return st.store.newIndex(st.handles.root, st.version, st.uid) })
	st.indexing.Go(func() { st.index() })
	return err
}

// Tree is the path of the unpublished GOROOT.
func (st *Stage) Tree() string { return st.tree.Path() }

// Name returns the release in the VERSION file of the tree.
func (st *Stage) Name() (string, error) {
	return nameIn(st.tree.ReadFile("VERSION", maxVersionFile))
}

// Made reads when the release was made, by its VERSION file, which names the time
// from Go 1.21 on.
func (st *Stage) Made() (time.Time, error) {
	return madeIn(st.tree.ReadFile("VERSION", maxVersionFile))
}

// Drop removes a file or directory at the top of the tree.
func (st *Stage) Drop(name string) error { return st.store.fault(st.tree.RemoveAll(name)) }

// intact checks that the stage and its tree are those that were opened.
func (st *Stage) intact() error {
	if !st.dir.staging.Holds(st.dir.name, st.dir.Dir) || !st.dir.Holds(treeName, st.tree) {
		return st.store.replaced(st.tree.Path())
	}
	return nil
}

// Linked returns how much of the tree is shared with other releases.
func (st *Stage) Linked() (files int, bytes int64) {
	return int(st.linkedFiles.Load()), st.linkedBytes.Load()
}

// Reused returns how many files came from neighbours instead of the archive.
func (st *Stage) Reused() int { return int(st.reused.Load()) }

// Close deletes what was not published, and what dead processes left.
func (st *Stage) Close() error {
	st.indexing.Wait()
	var err error
	if st.tree != nil {
		err = st.tree.Close()
		st.tree = nil
	}
	err = errors.Join(err, st.dir.remove())
	st.dir = nil
	for _, dir := range st.garbage {
		err = errors.Join(err, dir.remove())
	}
	st.garbage = nil
	if st.handles != nil {
		err = errors.Join(err, st.handles.close())
		st.handles = nil
	}
	return err
}

// Mkdir is part of [archive.Sink].
func (st *Stage) Mkdir(path string) error {
	parent, name := filepath.Split(path)
	dir, err := st.tree.Sub(filepath.Clean(parent))
	if err != nil {
		return st.store.fault(err)
	}
	return st.store.fault(errors.Join(dir.Mkdir(name, 0o755), dir.Close()))
}

// Enter is part of [archive.Sink].
func (st *Stage) Enter(path string) (archive.Dir, error) {
	dir, err := st.tree.Sub(path)
	if err != nil {
		return nil, st.store.fault(err)
	}
	return &stageFiles{st: st, dir: dir, from: finder{x: st.index(), bufs: st.bufs}}, nil
}

// claim locks a directory of staging if its maker is gone.
func claim(staging *fsx.Dir, name string) (*stageDir, bool, error) {
	dir, err := staging.Sub(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, false, nil // swept meanwhile
		}
		return nil, false, err
	}
	got, err := dir.TryFlock()
	if !got || err != nil {
		return nil, false, errors.Join(err, dir.Close())
	}
	return &stageDir{dir, staging, name}, true, nil
}

func (d *stageDir) remove() error {
	if d == nil {
		return nil
	}
	return errors.Join(d.staging.RemoveAll(d.name), d.Close())
}
