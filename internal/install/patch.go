package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/delta"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/patches"
	"github.com/vmgo/vmgo/internal/store"
)

// worthPatch is how many bytes of an archive have to be missing for a mirror to be
// asked for a patch.
const worthPatch = 1 << 20

// patch makes files of a release from those of an installed one. It is nobody's
// word: what it makes has the CRC-32 of the archive's directory, or the install begins
// again without it, and the h1 of the whole tree decides.
type patch struct {
	patches.Patch
	from gover.Version
	file *os.File

	mu            sync.Mutex // one file at a time: base and result are in memory
	frames        map[string]patches.File
	base, content []byte
	made          int
}

// errPatch reports a patch that is of no use.
var errPatch = errors.New("the result is another file")

// findPatch fetches a patch from an installed release where the server of the
// archive has one that spares some of the download. Most servers have none, and any
// fault means none.
func (tx *transaction) findPatch(ctx context.Context, url, module string, spans []span) *patch {
	var worth int64
	for _, s := range spans {
		worth += s.end - s.start
	}
	base, found := strings.CutSuffix(url, "/"+gover.ToolchainModule+"/@v/"+module+".zip")
	if !found || worth < worthPatch || strings.HasPrefix(url, "file:") || !tx.hasNeighbour() {
		return nil
	}
	data, _, err := tx.in.Fetcher.GetNewer(ctx, base+"/"+patches.ListName(module), patches.MaxList, fetch.Validator{}, officialPatience())
	if err != nil {
		return nil
	}
	list, err := patches.Decode(data, module)
	if err != nil {
		return nil
	}
	for _, p := range list.Patches {
		v, platform, ok := gover.ParseModuleVersion(p.From)
		if !ok || platform != tx.in.Platform || !tx.in.Store.Has(v) || p.Size >= worth {
			continue
		}
		file, err := tx.fetchPatch(ctx, base+"/"+patches.Name(p.From, module), p.Size)
		if err != nil {
			return nil
		}
		return newPatch(p, v, file)
	}
	return nil
}

// hasNeighbour reports whether a release of the same minor version is installed:
// mirrors have patches from these.
func (tx *transaction) hasNeighbour() bool {
	releases, err := tx.in.Store.Releases()
	if err != nil {
		return false
	}
	for _, r := range releases {
		if r.Version.Lang() == tx.version.Lang() && r.Version != tx.version {
			return true
		}
	}
	return false
}

// fetchPatch brings a patch into a scratch file.
func (tx *transaction) fetchPatch(ctx context.Context, url string, size int64) (*os.File, error) {
	body, err := tx.in.Fetcher.Open(ctx, fetch.Request{URL: url, Limit: size, Size: size})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	file, err := scratchFile(tx.in.downloads())
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(file, body); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func newPatch(p patches.Patch, from gover.Version, file *os.File) *patch {
	made := &patch{Patch: p, from: from, file: file, frames: map[string]patches.File{}}
	for _, f := range p.Files {
		made.frames[f.Path] = f
	}
	return made
}

func (p *patch) close() {
	if p != nil {
		_ = p.file.Close()
	}
}

// has reports whether the patch has that file. A nil patch has none.
func (p *patch) has(f archive.File) bool {
	return p != nil && p.frames[f.Path].Size == f.Size && f.Size > 0
}

// make returns a file of the release, which is valid until the next call.
func (p *patch) make(stage *store.Stage, f archive.File) ([]byte, error) {
	frame, err := p.frames[f.Path].Frame(p.file)
	if err == nil {
		p.base, err = stage.Content(p.from, f.Path, p.base)
	}
	if err == nil {
		p.content, err = delta.Decode(frame, p.base, p.content, int(f.Size))
	}
	if err != nil || crc32.ChecksumIEEE(p.content) != f.CRC32 {
		return nil, diag.Wrap(diag.ArchiveUnsafe, errors.Join(errPatch, err), "the patch from "+p.From+" cannot make "+f.Path)
	}
	p.made++
	return p.content, nil
}

// patchedStage is a stage that makes by a patch what no neighbour has as it is.
type patchedStage struct {
	*store.Stage
	patch *patch
}

// Enter is part of [archive.Sink].
func (s patchedStage) Enter(path string) (archive.Dir, error) {
	dir, err := s.Stage.Enter(path)
	return patchedDir{dir, s}, err
}

type patchedDir struct {
	archive.Dir
	stage patchedStage
}

// Reuse is part of [archive.Dir].
func (d patchedDir) Reuse(f archive.File) (sum [sha256.Size]byte, ok bool, err error) {
	p := d.stage.patch
	if sum, ok, err = d.Dir.Reuse(f); ok || err != nil || !p.has(f) {
		return sum, ok, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	content, err := p.make(d.stage.Stage, f)
	if err != nil {
		return sum, false, err
	}
	f.SHA256 = sha256.Sum256(content)
	return f.SHA256, true, d.Dir.Put(f, content)
}

// sink returns where an archive is extracted to.
func (p *patch) sink(stage *store.Stage) archive.Sink {
	if p == nil {
		return stage
	}
	return patchedStage{stage, p}
}
