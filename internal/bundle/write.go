package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// programsDir begins the paths of vmgo's own programs.
const programsDir = "vmgo/"

// Contents is a bundle whose files are all there and verified.
type Contents struct {
	Manifest Manifest
	// LogRecords is how many records of the checksum database it has.
	LogRecords int

	disk   map[string]string // path in the bundle -> file
	memory map[string][]byte
}

// contents verifies what the cache has and lists it.
func (p *Plan) contents(ctx context.Context) (*Contents, error) {
	c := &Contents{disk: map[string]string{}, memory: map[string][]byte{}}
	c.Manifest = Manifest{Format: format, Database: p.creator.Log.Name(), Modules: p.modules(), Tools: []Tool{}}
	c.Manifest.Releases = releasesOf(c.Manifest.Modules)
	c.Manifest.Projects = union(p.Projects, nil)
	for _, t := range p.request.Tools {
		c.Manifest.Tools = append(c.Manifest.Tools, t.Tool)
	}
	if err := p.addProof(ctx, c); err != nil {
		return nil, err
	}
	lists, err := indexes(c.Manifest.Modules, func(m Module) ([]byte, error) {
		name, err := m.file(".info")
		if err != nil {
			return nil, err
		}
		return smallfile.Read(p.creator.kept(name), maxSmall)
	})
	if err != nil {
		return nil, err
	}
	maps.Copy(c.memory, lists)
	if err := p.addPrograms(c); err != nil {
		return nil, err
	}
	return c, c.list(p.request.Base)
}

// addProof asks for the records of all modules, and compares the modules with them.
func (p *Plan) addProof(ctx context.Context, c *Contents) error {
	var public []trust.ModuleVersion
	for _, m := range c.Manifest.Modules {
		if !m.Private {
			public = append(public, m.id())
		}
	}
	log := p.creator.Log
	since := p.request.Heads
	if base := p.request.Base; base != nil {
		head, err := base.small(log.Place()+"/latest", "")
		if err != nil {
			return err
		}
		since = append(slices.Clone(since), head)
	}
	snapshot, err := log.Snapshot(ctx, public, since...)
	if diag.CodeOf(err) == diag.Unproven {
		return diag.Wrap(diag.Unproven, err, "a module cannot be verified", "vmgo bundle create --without MODULE ...   # if nothing on the other side needs it")
	}
	if err != nil {
		return err
	}
	c.LogRecords = len(public)
	c.memory[log.Place()+"/supported"] = nil // its presence tells go that the database is here
	for name, data := range snapshot.Files {
		c.memory[log.Place()+"/"+name] = data
	}
	err = each(ctx, runtime.GOMAXPROCS(0), c.Manifest.Modules, func(m *Module) error {
		err := p.creator.verifyKept(*m, snapshot.Records[m.id()])
		if diag.CodeOf(err) == diag.ProofInvalid { // the cache may be damaged: once more
			if err := p.creator.forget(*m); err != nil {
				return err
			}
			if err := p.creator.fetchModule(ctx, *m, &meter{}); err != nil {
				return err
			}
			err = p.creator.verifyKept(*m, snapshot.Records[m.id()])
		}
		if err != nil {
			err = errors.Join(err, p.creator.forget(*m))
		}
		return err
	})
	for _, m := range c.Manifest.Modules {
		err = errors.Join(err, c.addModule(p.creator, m))
	}
	return err
}

// verifyKept compares a module in the cache with its record.
func (c *Creator) verifyKept(m Module, record trust.ModuleRecord) error {
	name, err := m.file(".mod")
	if err != nil || m.Private {
		return err
	}
	data, err := smallfile.Read(c.kept(name), maxSmall)
	if err != nil {
		return err
	}
	mod, err := trust.HashMod(data)
	if err != nil || !m.Zip {
		return errors.Join(err, record.Check(m.id(), "", mod))
	}
	name, _ = m.file(".zip")
	f, err := smallfile.Open(c.kept(name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	zip, err := trust.HashModule(m.id(), f, info.Size())
	if err != nil {
		return diag.Wrap(diag.ProofInvalid, err, "the zip of "+m.Path+"@"+m.Version+" cannot be read")
	}
	return record.Check(m.id(), zip, mod)
}

// forget removes a module from the cache.
func (c *Creator) forget(m Module) error {
	for _, ext := range []string{".info", ".mod", ".zip"} {
		name, err := m.file(ext)
		if err != nil {
			return err
		}
		if err := os.Remove(c.kept(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// list fills in the files of the manifest.
func (c *Contents) list(base *Bundle) error {
	files := []File{}
	for _, name := range slices.Sorted(maps.Keys(c.memory)) {
		files = append(files, fileOf(name, c.memory[name]))
	}
	for name, path := range c.disk {
		f, err := smallfile.Open(path)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		sum, errSum := sumOf(f)
		if err := errors.Join(err, errSum, f.Close()); err != nil {
			return err
		}
		files = append(files, File{Path: name, Size: info.Size(), SHA256: sum})
	}
	slices.SortFunc(files, func(a, b File) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	c.Manifest.Files = files
	if base != nil {
		c.Manifest.Base = base.Digest
		for i := range files {
			old := base.Manifest.find(files[i].Path)
			files[i].InBase = old != nil && old.SHA256 == files[i].SHA256
		}
	}
	return c.Manifest.check("the new bundle")
}

// Size returns how large the bundle will be, in bytes, without what a tar adds.
func (c *Contents) Size() (size int64) {
	for _, f := range c.Manifest.Files {
		if !f.InBase {
			size += f.Size
		}
	}
	return size
}

// Write writes the bundle to a file, which appears as a whole.
func (c *Contents) Write(ctx context.Context, name string) error {
	f, err := os.CreateTemp(filepath.Dir(name), fsx.TempPrefix)
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot write the bundle")
	}
	defer os.Remove(f.Name())
	err = c.write(ctx, f)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		if fsx.IsFull(err) {
			err = diag.Wrap(diag.DiskFull, err, "no room for the bundle", "df -h "+diag.Word(filepath.Dir(name)))
		}
		return err
	}
	return os.Rename(f.Name(), name)
}

func (c *Contents) write(ctx context.Context, to io.Writer) error {
	manifest, err := c.Manifest.encode()
	if err != nil {
		return err
	}
	w := tar.NewWriter(to)
	if err := add(w, ManifestName, int64(len(manifest)), bytes.NewReader(manifest)); err != nil {
		return err
	}
	for _, f := range c.Manifest.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.InBase {
			continue
		}
		if err := c.addFile(w, f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return w.Close()
}

func (c *Contents) addFile(w *tar.Writer, f File) error {
	path, onDisk := c.disk[f.Path]
	if !onDisk {
		return add(w, f.Path, f.Size, bytes.NewReader(c.memory[f.Path]))
	}
	opened, err := smallfile.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(add(w, f.Path, f.Size, opened), opened.Close())
}

// add writes a file with nothing in its header that differs from machine to machine.
func add(w *tar.Writer, name string, size int64, content io.Reader) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(modeOf(name)), ModTime: time.Unix(0, 0)}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(w, content)
	return err
}
