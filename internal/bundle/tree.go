package bundle

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/trust"
)

// Place writes the contents into an empty directory, in the shape of a GOPROXY, with
// the manifest. What the cache has becomes a hard link.
func (c *Contents) Place(dir string) error {
	for _, f := range c.Manifest.Files {
		from, onDisk := c.disk[f.Path]
		if !onDisk {
			if err := writeInto(dir, f.Path, c.memory[f.Path]); err != nil {
				return err
			}
			continue
		}
		to := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := fsx.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Link(from, to); err != nil {
			return err
		}
	}
	data, err := c.Manifest.encode()
	if err != nil {
		return err
	}
	return writeInto(dir, ManifestName, data)
}

// OpenTree returns a tree that [Contents.Place] wrote as a bundle, to be verified with
// [Verifier.Tree] being dir. It need not be closed.
func OpenTree(dir string) (*Bundle, error) {
	m, err := Installed(dir)
	if err != nil {
		return nil, err
	}
	m.Base = ManifestName // all is in the tree
	for i := range m.Files {
		m.Files[i].InBase = true
	}
	return &Bundle{Manifest: m, Name: dir}, nil
}

// VerifyFiles compares all files but the zips of modules, which [Bundle.Verify] reads,
// with the hashes of the manifest.
func (b *Bundle) VerifyFiles(ctx context.Context, tree string) error {
	for _, f := range b.Manifest.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasSuffix(f.Path, ".zip") {
			continue
		}
		if _, err := b.small(f.Path, tree); err != nil {
			return err
		}
	}
	return nil
}

// Damaged lists the files of modules, but for zips, that are not those of the manifest.
func (b *Bundle) Damaged(tree string) (names []string) {
	for _, f := range b.Manifest.Files {
		if !strings.Contains(f.Path, "/@v/") || strings.HasSuffix(f.Path, ".zip") {
			continue
		}
		if _, err := b.small(f.Path, tree); err != nil {
			names = append(names, f.Path)
		}
	}
	return names
}

// Record returns what the database's records in the bundle have about a module.
func (b *Bundle) Record(ctx context.Context, v Verifier, path, version string) (trust.ModuleRecord, error) {
	log, err := b.log(v)
	if err != nil {
		return trust.ModuleRecord{}, err
	}
	return log.Module(ctx, path, version)
}

// damaged makes the error for a file of a tree that is not the one of its manifest.
func (b *Bundle) damaged(file string, cause error) error {
	return diag.Wrap(diag.ChecksumMismatch, cause, file+" in "+b.Name+" is not the file that was placed there")
}
