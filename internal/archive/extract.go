package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/inflate"
)

const (
	// small files are inflated whole, others piece by piece.
	small   = 256 << 10
	maxJobs = 32
	// batch bounds how many files of one directory a worker takes at once.
	batch = 64
)

// Extract places every file into the sink and returns them sorted by path,
// with their digests. It works on opts.Jobs files at a time, large ones first,
// so that none of them is left for the end; members of a directory are put
// into it together. Each of the goroutines has buffers of 1 MB.
func (z *Zip) Extract(ctx context.Context, sink Sink, opts Options) ([]File, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := min(max(opts.Jobs, 1), maxJobs)
	x := &extraction{z: z, sink: sink, opts: opts, work: z.plan(opts.InOrder), dirs: newDirMaker(sink)}
	var wg sync.WaitGroup
	wg.Go(func() { x.makeDirs(ctx) })
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
		if m.large() {
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
	z    *Zip
	sink Sink
	opts Options
	work [][]int
	next atomic.Int64
	dirs *dirMaker
}

// makeDirs makes the directories in the order in which the work needs them:
// while the first large files are inflated, which takes longest, thousands are
// made beside it. Who waits for one of them gets the error.
func (x *extraction) makeDirs(ctx context.Context) {
	var err error
	for _, piece := range x.work {
		if err = context.Cause(ctx); err == nil {
			err = x.dirs.make(path.Dir(x.z.members[piece[0]].Path))
		}
		if err != nil {
			break
		}
	}
	x.dirs.end(err)
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
	w := &worker{x: x}
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
	x      *extraction
	in     []byte // a small member, packed, and inflated
	out    []byte
	window inflate.Window
}

// large reports whether a member is too large to be inflated whole.
func (m *Member) large() bool { return m.Size > small || m.End-m.Start > small }

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
			w.report(int(m.Size))
			return nil
		}
	}
	var err error
	if m.large() {
		err = w.large(ctx, dir, m)
	} else {
		err = w.small(dir, m)
	}
	return inMember(err, m)
}

// small inflates a member whole, so that it is only written if the sink does
// not have it.
func (w *worker) small(dir Dir, m *Member) error {
	if w.in == nil {
		w.in, w.out = make([]byte, small+inflate.InSlack), make([]byte, small+inflate.OutSlack)
	}
	raw := w.in[:m.End-m.Start]
	if err := readFull(w.x.z.r, raw, m.Start); err != nil {
		return err
	}
	begin, err := m.header(raw)
	if err != nil {
		return err
	}
	content, after := raw[begin:begin+int(m.packed)], raw[begin+int(m.packed):]
	if err := m.trailer(after); err != nil {
		return err
	}
	if m.method == methodDeflate {
		if content, err = w.window.All(w.out, int(m.Size), content, len(content)); err != nil {
			return err
		}
	}
	if crc32.ChecksumIEEE(content) != m.CRC32 {
		return errCRC
	}
	m.SHA256 = sha256.Sum256(content)
	w.report(len(content))
	return dir.Put(m.File, content)
}

// large inflates a member piece by piece, and hashes and writes each piece
// while it is in the processor's cache.
func (w *worker) large(ctx context.Context, dir Dir, m *Member) error {
	r := w.x.z.r
	head := make([]byte, localSize+len(m.name))
	if err := readFull(r, head, m.Start); err != nil {
		return err
	}
	begin, err := m.header(head)
	if err != nil {
		return err
	}
	start := m.Start + int64(begin)
	out, err := dir.Create(m.File)
	if err != nil {
		return err
	}
	err = w.pieces(ctx, m, io.NewSectionReader(r, start, m.packed), out)
	if err == nil {
		after := make([]byte, min(m.End-start-m.packed, 64)) // no trailer has more than 16 bytes
		err = readFull(r, after, start+m.packed)
		if err == nil {
			err = m.trailer(after)
		}
	}
	if err == nil {
		err = out.Commit(m.SHA256)
	}
	return errors.Join(err, out.Close())
}

// pieces copies the contents of a member and finds its digest.
func (w *worker) pieces(ctx context.Context, m *Member, packed io.Reader, out io.Writer) error {
	w.window.Reset(packed)
	next := w.window.Next
	if m.method == methodStore {
		next = w.window.Unpacked
	}
	h, crc, left := sha256.New(), uint32(0), m.Size
	for {
		piece, err := next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if left -= int64(len(piece)); left < 0 {
			return inflate.ErrTooLong
		}
		h.Write(piece)
		crc = crc32.Update(crc, crc32.IEEETable, piece)
		if _, err := out.Write(piece); err != nil {
			return err
		}
		w.report(len(piece))
	}
	_, err := io.ReadFull(w.window.After(), make([]byte, 1))
	switch {
	case err == nil:
		return inflate.ErrLeftOver
	case err != io.EOF:
		return err
	case left > 0:
		return inflate.ErrTooShort
	case crc != m.CRC32:
		return errCRC
	}
	h.Sum(m.SHA256[:0])
	return nil
}

func (w *worker) report(n int) {
	if w.x.opts.Progress != nil {
		w.x.opts.Progress(int64(n))
	}
}

var errCRC = errors.New("its CRC-32 is wrong")

// inMember names the file of the archive whose packed data are at fault.
func inMember(err error, m *Member) error {
	for _, fault := range []error{inflate.ErrDamaged, inflate.ErrTooLong, inflate.ErrTooShort, inflate.ErrLeftOver, inflate.ErrCutOff, errCRC} {
		if errors.Is(err, fault) {
			return diag.Wrap(diag.ArchiveUnsafe, err, "the archive's file "+shorten(m.Path)+" cannot be unpacked")
		}
	}
	return err
}
