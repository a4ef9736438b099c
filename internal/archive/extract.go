package archive

import (
	"context"
	"crypto/sha256"
	"hash/crc32"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	// small files are inflated in a buffer that each worker has.
	small = 256 << 10
	// memory for the buffers of large files, of which there is always one.
	memory  = 64 << 20
	maxJobs = 32
	// batch bounds how many files of one directory a worker takes at once.
	batch = 64
)

// Extract places every file into the sink and returns them sorted by path,
// with their digests. It works on opts.Jobs files at a time, large ones first,
// so that none of them is left for the end; members of a directory are put
// into it together. Its buffers take 64 MiB, or what the largest file needs.
func (z *Zip) Extract(ctx context.Context, sink Sink, opts Options) ([]File, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := min(max(opts.Jobs, 1), maxJobs)
	x := &extraction{z: z, sink: sink, opts: opts, work: z.plan(opts.InOrder), buffers: newPool(z, jobs), dirs: newDirMaker(sink)}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := x.makeDirs(ctx); err != nil {
			cancel(err)
		}
	})
	for range jobs {
		wg.Go(func() {
			if err := x.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	files := make([]File, len(z.members))
	for i := range z.members {
		files[i] = z.members[i].File
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// plan cuts the members into pieces of work: indexes of files of one directory.
func (z *Zip) plan(inOrder bool) [][]int {
	var large, rest [][]int
	open := map[string]int{} // directory -> piece that is not full
	last := ""
	for i := range z.members {
		m := &z.members[i]
		dir := path.Dir(m.Path)
		if m.Size > small || m.End-m.Start > small {
			if inOrder {
				rest = append(rest, []int{i})
				clear(open)
			} else {
				large = append(large, []int{i})
			}
			continue
		}
		if inOrder && dir != last {
			clear(open)
		}
		last = dir
		at, ok := open[dir]
		if !ok || len(rest[at]) == batch {
			at = len(rest)
			rest = append(rest, nil)
			open[dir] = at
		}
		rest[at] = append(rest[at], i)
	}
	slices.SortStableFunc(large, func(a, b []int) int {
		return int(z.members[b[0]].Size - z.members[a[0]].Size)
	})
	return append(large, rest...)
}

type extraction struct {
	z       *Zip
	sink    Sink
	opts    Options
	work    [][]int
	next    atomic.Int64
	buffers *pool
	dirs    *dirMaker
}

// makeDirs makes the directories in the order in which the work needs them:
// while the first large files are inflated, which takes longest, thousands are
// made beside it.
func (x *extraction) makeDirs(ctx context.Context) (err error) {
	defer func() { x.dirs.end(err) }()
	for _, piece := range x.work {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := x.dirs.make(path.Dir(x.z.members[piece[0]].Path)); err != nil {
			return err
		}
	}
	return nil
}

// dirMaker makes directories in one goroutine and lets others wait for them.
type dirMaker struct {
	sink Sink
	mu   sync.Mutex
	more sync.Cond
	made map[string]bool
	done bool
	err  error
}

func newDirMaker(sink Sink) *dirMaker {
	d := &dirMaker{sink: sink, made: map[string]bool{".": true}}
	d.more.L = &d.mu
	return d
}

// make makes a directory and its parents. Only one goroutine calls it.
func (d *dirMaker) make(dir string) error {
	if d.made[dir] { // nobody else writes it
		return nil
	}
	if err := d.make(path.Dir(dir)); err != nil {
		return err
	}
	if err := d.sink.Mkdir(dir); err != nil {
		return err
	}
	d.mu.Lock()
	d.made[dir] = true
	d.mu.Unlock()
	d.more.Broadcast()
	return nil
}

func (d *dirMaker) end(err error) {
	d.mu.Lock()
	d.done, d.err = true, err
	d.mu.Unlock()
	d.more.Broadcast()
}

// wait blocks until the directory is there, or will never be.
func (d *dirMaker) wait(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.made[dir] && !d.done {
		d.more.Wait()
	}
	return d.err
}

func (x *extraction) run(ctx context.Context) error {
	w := &worker{x: x, own: &buffer{}}
	for ctx.Err() == nil {
		i := int(x.next.Add(1)) - 1
		if i >= len(x.work) {
			return nil
		}
		if err := w.piece(ctx, x.work[i]); err != nil {
			return err
		}
	}
	return nil
}

// worker is what one goroutine needs.
type worker struct {
	x       *extraction
	own     *buffer
	inflate inflater
}

func (w *worker) piece(ctx context.Context, members []int) error {
	z := w.x.z
	name := path.Dir(z.members[members[0]].Path)
	if err := w.x.dirs.wait(name); err != nil {
		return err
	}
	dir, err := w.x.sink.Enter(name)
	if err != nil {
		return err
	}
	for _, i := range members {
		if ctx.Err() != nil {
			break
		}
		if err = w.member(ctx, dir, &z.members[i]); err != nil {
			break
		}
	}
	if closeErr := dir.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (w *worker) member(ctx context.Context, dir Dir, m *Member) error {
	if w.x.opts.Reuse {
		sum, ok, err := dir.Reuse(m.File)
		if err != nil {
			return err
		}
		if ok {
			m.SHA256 = sum
			w.report(m)
			return nil
		}
	}
	buf := w.own
	if m.Size > small || m.End-m.Start > small {
		var err error
		if buf, err = w.x.buffers.get(ctx); err != nil {
			return err
		}
		defer w.x.buffers.put(buf)
	}
	raw := buf.packed(int(m.End - m.Start))
	if err := readFull(w.x.z.r, raw, m.Start); err != nil {
		return err
	}
	content, err := m.data(raw)
	if err == nil && m.method == methodDeflate {
		content, err = w.inflate.all(buf.inflated(int(m.Size)), int(m.Size), content, len(content))
	}
	if err != nil {
		return inMember(err, m)
	}
	if crc32.ChecksumIEEE(content) != m.CRC32 {
		return refuse("the archive is damaged: wrong CRC of " + shorten(m.Path))
	}
	m.SHA256 = sha256.Sum256(content)
	if err := dir.Put(m.File, content); err != nil {
		return err
	}
	w.report(m)
	return nil
}

func (w *worker) report(m *Member) {
	if w.x.opts.Progress != nil {
		w.x.opts.Progress(m.Size)
	}
}

// buffer holds one member, packed and inflated.
type buffer struct {
	in, out  []byte
	capacity [2]int // least size of out and in
}

// packed gives room for n bytes and the slack that the inflater asks for.
func (b *buffer) packed(n int) []byte {
	if cap(b.in) < n+inSlack {
		b.in = make([]byte, max(n, b.capacity[1], 16<<10)+inSlack)
	}
	return b.in[:n]
}

func (b *buffer) inflated(n int) []byte {
	if cap(b.out) < n+outSlack {
		b.out = make([]byte, max(n, b.capacity[0], 32<<10)+outSlack)
	}
	return b.out[:n+outSlack]
}

// pool hands out the buffers for large files. All have the size of the largest
// one, so that a few serve all of them and none becomes garbage.
type pool struct{ free chan *buffer }

func newPool(z *Zip, jobs int) *pool {
	each := z.largest[0] + z.largest[1]
	n := int64(1)
	if left := memory - int64(jobs)*2*small; each > 0 && left > each {
		n = min(left/each, int64(jobs))
	}
	p := &pool{free: make(chan *buffer, n)}
	for range n {
		p.free <- &buffer{capacity: [2]int{int(z.largest[0]), int(z.largest[1])}}
	}
	return p
}

func (p *pool) get(ctx context.Context) (*buffer, error) {
	select {
	case b := <-p.free:
		return b, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pool) put(b *buffer) { p.free <- b }
