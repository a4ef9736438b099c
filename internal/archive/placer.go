package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"hash/crc32"
	"path"
	"sync"
)

// placer hashes files and puts them into a sink on several goroutines, while
// the one that reads a stream goes on. The files of a directory all go to one
// goroutine, since a [Dir] belongs to one. Contents travel in buffers of a fixed
// number, which bounds both the memory and how far the reader gets ahead.
type placer struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	sink   Sink
	opts   Options
	lanes  []*lane
	byDir  map[string]*lane
	free   chan []byte
	made   int // directories
	wg     sync.WaitGroup
}

// piece is a part of a file, or all of a small one.
type piece struct {
	file    File
	content []byte // a buffer of the placer
	first   bool
	last    bool
}

const (
	// maxLanes is where more goroutines stop helping: inflating one stream,
	// which cannot be divided, takes longer than hashing and writing what it
	// gives.
	maxLanes = 4
	// placerBuffers of small bytes each are 16 MiB.
	placerBuffers = 64
)

func newPlacer(ctx context.Context, sink Sink, opts Options) *placer {
	p := &placer{sink: sink, opts: opts, byDir: map[string]*lane{}, free: make(chan []byte, placerBuffers)}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	for range placerBuffers {
		p.free <- nil // made when it is needed
	}
	for range min(max(opts.Jobs, 1), maxLanes) {
		l := &lane{placer: p, work: make(chan piece, placerBuffers)}
		p.lanes = append(p.lanes, l)
		p.wg.Go(func() {
			if err := errors.Join(l.run(), l.leave()); err != nil {
				p.cancel(err)
			}
		})
	}
	return p
}

// mkdirs makes those of the directories, parents first, that were not there at the
// call before. A fault of the sink is what finish returns: it is none of the archive.
func (p *placer) mkdirs(dirs []string) error {
	for _, dir := range dirs[p.made:] {
		if err := p.sink.Mkdir(dir); err != nil {
			p.cancel(err)
			return err
		}
		p.made++
	}
	return nil
}

// put reads a file's contents and hands them on. It waits while too much is
// under way.
func (p *placer) put(file File, read func([]byte) error) error {
	dir := path.Dir(file.Path)
	l := p.byDir[dir]
	if l == nil {
		l = p.lanes[len(p.byDir)%len(p.lanes)]
		p.byDir[dir] = l
	}
	for left, first := file.Size, true; left > 0 || first; first = false {
		buf, err := p.buffer()
		if err != nil {
			return err
		}
		part := buf[:min(left, small)]
		if err := read(part); err != nil {
			return err
		}
		left -= int64(len(part))
		// There is room: no more pieces are under way than buffers.
		l.work <- piece{file, part, first, left == 0}
	}
	return nil
}

func (p *placer) buffer() ([]byte, error) {
	select {
	case buf := <-p.free:
		if buf == nil {
			buf = make([]byte, small)
		}
		return buf, nil
	case <-p.ctx.Done():
		return nil, context.Cause(p.ctx)
	}
}

// errFinished ends a placer's context without being a fault.
var errFinished = errors.New("finished")

// finish waits for what was put and gives the files, or what went wrong.
func (p *placer) finish() ([]File, error) {
	for _, l := range p.lanes {
		close(l.work)
	}
	p.wg.Wait()
	p.cancel(errFinished)
	if err := context.Cause(p.ctx); !errors.Is(err, errFinished) {
		return nil, err
	}
	var files []File
	for _, l := range p.lanes {
		files = append(files, l.files...)
	}
	return files, nil
}

// lane is one goroutine of a placer.
type lane struct {
	placer *placer
	work   chan piece
	files  []File
	dir    Dir
	at     string // path of dir; empty before the first

	// The large file that is being placed.
	out Writer
	sum hash.Hash
	crc uint32
}

func (l *lane) run() error {
	for {
		select {
		case work, ok := <-l.work:
			if !ok {
				return nil
			}
			if err := l.place(work); err != nil {
				return err
			}
			l.placer.free <- work.content[:small]
		case <-l.placer.ctx.Done():
			return nil
		}
	}
}

func (l *lane) place(work piece) (err error) {
	if in := path.Dir(work.file.Path); in != l.at {
		if err := l.leave(); err != nil {
			return err
		}
		dir, err := l.placer.sink.Enter(in)
		if err != nil {
			return err
		}
		l.dir, l.at = dir, in
	}
	switch {
	case work.first && work.last:
		work.file.CRC32 = crc32.ChecksumIEEE(work.content)
		work.file.SHA256 = sha256.Sum256(work.content)
		err = l.dir.Put(work.file, work.content)
	case work.first:
		l.sum, l.crc = sha256.New(), 0
		if l.out, err = l.dir.Create(work.file); err == nil {
			err = l.more(work.content)
		}
	default:
		err = l.more(work.content)
	}
	if err == nil && work.last && l.out != nil {
		work.file.CRC32 = l.crc
		l.sum.Sum(work.file.SHA256[:0])
		out := l.out
		l.out = nil
		err = errors.Join(out.Commit(work.file.SHA256), out.Close())
	}
	if err != nil {
		return err
	}
	if work.last {
		l.files = append(l.files, work.file)
	}
	if l.placer.opts.Progress != nil {
		l.placer.opts.Progress(int64(len(work.content)))
	}
	return nil
}

// more adds to the large file.
func (l *lane) more(content []byte) error {
	l.sum.Write(content)
	l.crc = crc32.Update(l.crc, crc32.IEEETable, content)
	_, err := l.out.Write(content)
	return err
}

// leave closes what the lane has open.
func (l *lane) leave() error {
	var err error
	if l.out != nil {
		err = l.out.Close()
	}
	if l.dir != nil {
		err = errors.Join(err, l.dir.Close())
	}
	l.out, l.dir = nil, nil
	return err
}
