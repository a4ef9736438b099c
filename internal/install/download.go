package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/release"
)

// maxArchive bounds a download. The largest release has 140 MB.
const maxArchive = 1 << 30

// download is an archive that is read at any position: directly, if it is a file
// of this machine, else through a spool that a download fills.
type download struct {
	tx      *transaction
	name    string // of the spool
	url     string
	size    int64
	ranges  *fetch.RangeReader // nil where the server has no ranges
	local   bool
	tail    []byte
	resumed bool // the spool had something from an earlier process

	spool    *spool
	fetching sync.WaitGroup
	stop     context.CancelFunc
}

// attempt says what an extraction relied on that may have misled it.
type attempt struct {
	url     string
	reuse   bool // files of other releases
	patch   bool // a patch that makes files from those of another release
	resumed bool // a part of a download that an earlier process left
	fetched int64
}

// open begins to read an archive. Where the server has no ranges, all of it is
// downloaded before open returns.
func (tx *transaction) open(ctx context.Context, a release.Artifact, use attempt) (*download, error) {
	r := &download{tx: tx, url: use.url, name: a.Module, local: strings.HasPrefix(use.url, "file:")}
	ranges, err := tx.ranges(ctx, use.url)
	switch {
	case errors.Is(err, fetch.ErrNoRanges):
		return r, r.whole(ctx, a)
	case err != nil:
		return nil, err
	}
	r.ranges, r.size = ranges, ranges.Size()
	if r.size > maxArchive {
		return nil, errors.Join(tooLarge(use.url), ranges.Close())
	}
	r.tail = ranges.Tail()
	return r, nil
}

// ranges opens the file at url for reading, or resumes what [Installer.Prepare]
// opened. That is done once: an attempt that failed begins anew.
func (c *call) ranges(ctx context.Context, url string) (*fetch.RangeReader, error) {
	if r := c.req.Plan.opened.take(ctx, url); r != nil {
		return r, nil
	}
	return c.in.Fetcher.Ranges(ctx, url)
}

func tooLarge(url string) error {
	return diag.New(diag.ArchiveUnsafe, "the archive at "+fetch.Redact(url)+" is larger than any release")
}

// plan says which parts of the archive will be read; the spool is opened for
// them. A spool that an earlier process left for the same parts is taken up
// unless fresh is set.
func (r *download) plan(spans []span, fresh bool) error {
	if r.local || r.spool != nil {
		return nil
	}
	var err error
	r.spool, err = openSpool(r.tx.in.downloads(), r.name+"."+planName(r.size, spans)+".partial", spans, fresh)
	if err == nil {
		r.resumed = r.spool.have > 0
	}
	return err
}

// planName tells apart the spools of one archive: a later process must only
// take up one of the same parts.
func planName(size int64, spans []span) string {
	h := sha256.New()
	for _, sp := range spans {
		io.WriteString(h, strconv.FormatInt(sp.start, 10)+"-"+strconv.FormatInt(sp.end, 10)+"\n")
	}
	return strconv.FormatInt(size, 10) + "-" + hex.EncodeToString(h.Sum(nil)[:8])
}

func (in *Installer) downloads() string { return filepath.Join(in.CacheDir, "downloads") }

// gap is how many bytes that are not needed are fetched rather than asking
// once more: 1.26.8 to 1.27.0 takes 90 requests for 57 MB then, where 128 KiB
// made it 24 for 61 MB and no gap at all 1127 for 50 MB.
const gap = 32 << 10

// all returns the archive before its tail.
func (r *download) all() []span { return []span{{start: 0, end: r.size - int64(len(r.tail))}} }

// needed returns the parts of the archive before its tail that have to be
// fetched: the members that has does not report, in the archive's order.
func (r *download) needed(members []archive.Member, has func(archive.File) bool) []span {
	end := r.size - int64(len(r.tail))
	var spans []span
	for i := range members {
		m := &members[i]
		if m.Start >= end || has(m.File) {
			continue
		}
		if last := len(spans) - 1; last >= 0 && m.Start-spans[last].end <= gap {
			spans[last].end = min(m.End, end)
			continue
		}
		spans = append(spans, span{start: m.Start, end: min(m.End, end)})
	}
	return spans
}

// fill starts the download of what was planned.
func (r *download) fill(ctx context.Context) {
	if r.spool == nil || r.ranges == nil {
		return
	}
	ctx, r.stop = context.WithCancel(ctx)
	r.fetching.Go(func() {
		r.spool.fill(ctx, r.ranges.Section, func(have int64) {
			r.tx.report(Download, have+int64(len(r.tail)), r.spool.total+int64(len(r.tail)))
		})
	})
}

// await blocks until all that was planned is there.
func (r *download) await() error {
	if r.spool == nil {
		return nil
	}
	return r.spool.await(r.spool.total)
}

// ReadAt reads bytes of the archive, and waits for those that are on their way.
func (r *download) ReadAt(p []byte, off int64) (int, error) {
	begin := r.size - int64(len(r.tail))
	if off < begin && off+int64(len(p)) > begin {
		n, err := r.ReadAt(p[:begin-off], off)
		if err != nil {
			return n, err
		}
		m, err := r.ReadAt(p[n:], begin)
		return n + m, err
	}
	if off >= begin {
		n := copy(p, r.tail[off-begin:])
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
	if r.spool != nil {
		if ok, err := r.spool.readAt(p, off); ok && err == nil {
			return len(p), nil
		} else if ok {
			return 0, err
		}
	}
	if r.ranges == nil {
		return 0, io.ErrUnexpectedEOF
	}
	return r.ranges.ReadAt(p, off)
}

// whole downloads all of an archive from a server without ranges.
func (r *download) whole(ctx context.Context, a release.Artifact) error {
	body, err := r.tx.in.Fetcher.Open(ctx, fetch.Request{URL: r.url, Limit: maxArchive, Size: a.Size})
	if err != nil {
		return err
	}
	if r.size = body.Size(); r.size < 0 {
		return errors.Join(diag.New(diag.Network, "the server does not say how large "+fetch.Redact(r.url)+" is"), body.Close())
	}
	r.spool, err = openSpool(r.tx.in.downloads(), r.name+"."+planName(r.size, nil)+".partial", []span{{start: 0, end: r.size}}, true)
	if err != nil {
		return errors.Join(err, body.Close())
	}
	r.spool.fill(ctx, func(context.Context, int64, int64) (io.ReadCloser, error) { return body, nil }, func(have int64) {
		r.tx.report(Download, have, r.size)
	})
	if err := r.await(); err != nil {
		return errors.Join(err, r.Close(false))
	}
	return nil
}

// fetched is the number of bytes that came over the network.
func (r *download) fetched() int64 {
	n := int64(len(r.tail))
	if r.spool != nil {
		n += r.spool.have
	}
	return n
}

// Close ends the download. What was downloaded is kept for resuming if asked.
func (r *download) Close(keep bool) error {
	if r.stop != nil {
		r.stop()
	}
	r.fetching.Wait()
	var err error
	if r.spool != nil {
		err = r.spool.close(keep)
	}
	if r.ranges != nil {
		err = errors.Join(err, r.ranges.Close())
	}
	return err
}

// end closes an archive that was used with that outcome. What may serve a
// later attempt is kept for it. What failed a check is not, but put aside, so
// that it can be looked at: if it is whole, and nothing of it came from an
// earlier process. blame reports whether nothing else may be at fault.
func (r *download) end(err error, blame bool) error {
	if err != nil && !resumable(err) && blame && !r.resumed {
		err = r.reject(err)
	}
	return errors.Join(err, r.Close(resumable(err)))
}

// reject moves the archive to where it can be looked at, in place of an earlier
// one of that name, and says so in the error.
func (r *download) reject(err error) error {
	if r.spool == nil || len(r.spool.spans) > 1 || r.spool.have+int64(len(r.tail)) != r.size {
		return err // only a part of it is there
	}
	if _, writeErr := r.spool.file.WriteAt(r.tail, r.spool.have); writeErr != nil {
		return err
	}
	dir := filepath.Join(r.tx.in.CacheDir, "rejected")
	aside := filepath.Join(dir, path.Base(r.url))
	if fsx.MkdirAll(dir, 0o700) != nil || os.Rename(r.spool.file.Name(), aside) != nil {
		return err
	}
	return &diag.Error{Code: diag.CodeOf(err), Msg: err.Error(), Hints: append(slices.Clone(diag.HintsOf(err)), "ls -l "+diag.Word(aside)+"   # the file is kept for inspection")}
}
