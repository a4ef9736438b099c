package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"path"
	"sync"
)

// placer hashes files and puts them into a sink on several goroutines, while
// the one that reads a stream goes on. The files of a directory all go to one
// goroutine, since a [Dir] belongs to one.
type placer struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	sink   Sink
	opts   Options
	lanes  []*lane
	byDir  map[string]*lane
	budget *budget
	wg     sync.WaitGroup
}

// lane is the work of one goroutine.
type lane struct {
	work  chan placed
	files []File
}

type placed struct {
	file    File
	content []byte
}

// maxLanes is where more goroutines stop helping: inflating one stream, which
// cannot be divided, takes longer than hashing and writing what it gives.
const maxLanes = 4

// placerMemory bounds the contents that were read and not yet placed.
const placerMemory = 64 << 20

func newPlacer(ctx context.Context, sink Sink, opts Options) *placer {
	p := &placer{sink: sink, opts: opts, byDir: map[string]*lane{}, budget: newBudget(placerMemory)}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	context.AfterFunc(p.ctx, p.budget.close)
	for range min(max(opts.Jobs, 1), maxLanes) {
		l := &lane{work: make(chan placed, 64)}
		p.lanes = append(p.lanes, l)
		p.wg.Go(func() {
			if err := p.run(l); err != nil {
				p.cancel(err)
			}
		})
	}
	return p
}

// put reads a file's contents and hands them on. It waits while too much is
// under way.
func (p *placer) put(file File, read func([]byte) error) error {
	if !p.budget.take(file.Size) {
		return context.Cause(p.ctx)
	}
	content := make([]byte, file.Size)
	if err := read(content); err != nil {
		return err
	}
	dir := path.Dir(file.Path)
	l := p.byDir[dir]
	if l == nil {
		l = p.lanes[len(p.byDir)%len(p.lanes)]
		p.byDir[dir] = l
	}
	select {
	case l.work <- placed{file, content}:
		return nil
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
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

func (p *placer) run(l *lane) (err error) {
	var dir Dir
	at := ""
	leave := func() error {
		if dir == nil {
			return nil
		}
		d := dir
		dir = nil
		return d.Close()
	}
	defer func() { err = errors.Join(err, leave()) }()
	for {
		var work placed
		var ok bool
		select {
		case work, ok = <-l.work:
		case <-p.ctx.Done():
		}
		if !ok {
			return nil
		}
		if in := path.Dir(work.file.Path); dir == nil || in != at {
			if err := leave(); err != nil {
				return err
			}
			if dir, err = p.sink.Enter(in); err != nil {
				dir = nil
				return err
			}
			at = in
		}
		if err := p.place(l, dir, work); err != nil {
			return err
		}
	}
}

func (p *placer) place(l *lane, dir Dir, work placed) error {
	work.file.CRC32 = crc32.ChecksumIEEE(work.content)
	work.file.SHA256 = sha256.Sum256(work.content)
	if err := dir.Put(work.file, work.content); err != nil {
		return err
	}
	l.files = append(l.files, work.file)
	p.budget.give(work.file.Size)
	if p.opts.Progress != nil {
		p.opts.Progress(work.file.Size)
	}
	return nil
}

// budget bounds the bytes that are in memory at once.
type budget struct {
	mu     sync.Mutex
	change sync.Cond
	limit  int64
	used   int64
	closed bool
}

func newBudget(limit int64) *budget {
	b := &budget{limit: limit}
	b.change.L = &b.mu
	return b
}

// take waits for n bytes; a file larger than the limit has to be alone. It is
// false once the budget was closed.
func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.closed && b.used > 0 && b.used+n > b.limit {
		b.change.Wait()
	}
	b.used += n
	return !b.closed
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	b.used -= n
	b.mu.Unlock()
	b.change.Signal()
}

func (b *budget) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.change.Broadcast()
}
