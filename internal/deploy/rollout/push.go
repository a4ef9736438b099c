package rollout

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/delta"
	"github.com/vmgo/vmgo/internal/deploy/build"
	"github.com/vmgo/vmgo/internal/deploy/onhost"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/deploy/units"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Objects are the files of earlier packages that a delta can start from, by their
// hashes.
type Objects struct{ dir string }

// keptObjects is how many there are; with the largest some 500 MB.
const keptObjects = 16

// smallest is the size of a file from which on a delta pays.
const smallest = 64 << 10

// OpenObjects returns those in a directory of the user's cache.
func OpenObjects(cache string) Objects { return Objects{filepath.Join(cache, "deploy")} }

// Keep remembers the large files of a package. It is a cache: nothing fails without it.
func (o Objects) Keep(p build.Package) error {
	if err := fsx.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	for _, f := range p.Manifest.Files {
		if f.Size < smallest || f.Size > delta.MaxBase {
			continue
		}
		data, err := smallfile.Read(filepath.Join(p.Dir, f.Path), delta.MaxBase)
		if err != nil {
			return err
		}
		if err := fsx.WriteFile(filepath.Join(o.dir, f.SHA256), data, 0o600); err != nil {
			return err
		}
	}
	return o.prune()
}

// prune removes the oldest ones.
func (o Objects) prune() error {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return err
	}
	age := func(e fs.DirEntry) int64 {
		info, err := e.Info()
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return int(min(1, max(-1, age(b)-age(a)))) })
	for _, e := range entries[min(keptObjects, len(entries)):] {
		err = errors.Join(err, os.Remove(filepath.Join(o.dir, e.Name())))
	}
	return err
}

// counter counts bytes.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// send writes a package for a host that has the files in have, and returns how
// many bytes that were.
func (o Objects) send(w io.Writer, p build.Package, have []pack.File) (int64, error) {
	count := &counter{w: w}
	out := tar.NewWriter(count)
	if err := pack.AddHead(out, p.Signed); err != nil {
		return 0, err
	}
	for _, f := range p.Manifest.Files {
		if slices.ContainsFunc(have, func(h pack.File) bool { return h.SHA256 == f.SHA256 }) {
			if err := pack.Add(out, onhost.Same+f.Path, 0o644, nil); err != nil {
				return count.n, err
			}
			continue
		}
		if err := o.sendFile(out, p, f, have); err != nil {
			return count.n, err
		}
	}
	err := out.Close()
	return count.n, err
}

// sendFile compresses a file, against the one in its place where this machine has
// that too.
func (o Objects) sendFile(out *tar.Writer, p build.Package, f pack.File, have []pack.File) error {
	how, records := onhost.Whole, map[string]string(nil)
	var base []byte
	if i := slices.IndexFunc(have, func(h pack.File) bool { return h.Path == f.Path }); i >= 0 && f.Size >= smallest && f.Size <= delta.MaxBase {
		if data, err := smallfile.Read(filepath.Join(o.dir, have[i].SHA256), delta.MaxBase); err == nil {
			how, base, records = onhost.Patch, data, map[string]string{onhost.BaseRecord: have[i].SHA256}
		}
	}
	content, err := smallfile.Open(filepath.Join(p.Dir, f.Path))
	if err != nil {
		return err
	}
	defer content.Close()
	var compressed bytes.Buffer
	if err := delta.Write(&compressed, content, f.Size, base); err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: how + f.Path, Mode: 0o644, Size: int64(compressed.Len()), PAXRecords: records, Format: tar.FormatPAX}
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	_, err = out.Write(compressed.Bytes())
	return err
}

// planStream is what a plan needs of a package.
func planStream(p build.Package) ([]byte, error) {
	var buf bytes.Buffer
	out := tar.NewWriter(&buf)
	if err := pack.AddHead(out, p.Signed); err != nil {
		return nil, err
	}
	for _, f := range p.Manifest.Files {
		if f.Path != pack.ConfigFile && f.Path != pack.BuildFile && !strings.HasPrefix(f.Path, units.Dir+"/") {
			continue
		}
		data, err := smallfile.Read(filepath.Join(p.Dir, f.Path), smallfile.Usual)
		if err != nil {
			return nil, err
		}
		if err := pack.Add(out, f.Path, int64(f.Mode), data); err != nil {
			return nil, err
		}
	}
	err := out.Close()
	return buf.Bytes(), err
}

// withHelper runs command with $h, a copy of this program in the host's memory,
// which is removed after.
func (r *Rollout) withHelper(ctx context.Context, target, arch, command string, stdin io.Reader, result any) error {
	program, err := build.Helper(r.Host, arch)
	if err != nil {
		return err
	}
	in, err := smallfile.Open(program)
	if err != nil {
		return err
	}
	defer in.Close()
	var dir bytes.Buffer
	upload := `umask 077; d=$(mktemp -d /dev/shm/vmgo-deploy.XXXXXXXXXX) && cat >"$d/h" && chmod 700 "$d/h" && echo "$d"`
	if err := r.Connections.ssh(ctx, target, upload, in, &dir); err != nil {
		return err
	}
	run := asRoot + "d=" + strings.TrimSpace(dir.String()) + `; trap 'rm -rf "$d"' EXIT; h=$d/h; ` + command
	return r.Connections.call(ctx, target, run, stdin, result, nil)
}
