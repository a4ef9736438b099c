package bundle

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Bundle is an open bundle of which every file has the hash of the manifest.
type Bundle struct {
	Manifest Manifest
	Name     string // of the file
	Size     int64  // of the file, in bytes
	Digest   string // SHA-256 of the manifest, which stands for the whole

	file   *os.File
	places map[string]int64 // where the content of each file begins
}

// Open reads all of a bundle and checks that it has the files of its manifest and
// nothing else, each with its hash. Errors are bad-bundle, checksum-mismatch,
// archive-unsafe and newer-format. Whoever gets it closes it.
func Open(name string) (*Bundle, error) {
	file, err := smallfile.Open(name)
	if err != nil {
		return nil, diag.Wrap(diag.Usage, err, "cannot open the bundle", "vmgo bundle --help")
	}
	b := &Bundle{Name: name, file: file, places: map[string]int64{}}
	if err := b.read(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return b, nil
}

// Close closes the file.
func (b *Bundle) Close() error { return b.file.Close() }

func (b *Bundle) read() error {
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	b.Size = info.Size()
	r := tar.NewReader(b.file)
	if err := b.readManifest(r); err != nil {
		return err
	}
	for _, f := range b.Manifest.Files {
		if f.InBase {
			continue
		}
		if err := b.readFile(r, f); err != nil {
			return err
		}
	}
	if h, err := r.Next(); !errors.Is(err, io.EOF) {
		if err == nil {
			return invalid(b.Name, "it has the file %.200q, which is not in the manifest", h.Name)
		}
		return invalid(b.Name, "%v", err)
	}
	return b.end()
}

// next returns the header of the next file, which must have that name.
func (b *Bundle) next(r *tar.Reader, name string, size int64) (*tar.Header, error) {
	h, err := r.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, invalid(b.Name, "it ends before %s", name)
	case err != nil:
		return nil, invalid(b.Name, "%v", err)
	case checkPath(h.Name) != nil && h.Name != ManifestName, h.Typeflag != tar.TypeReg, h.Mode&^0o777 != 0:
		return nil, diag.New(diag.ArchiveUnsafe, b.Name+" has the entry "+diag.Line(h.Name)+", which no bundle has", "rm "+diag.Word(b.Name))
	case h.Name != name:
		return nil, invalid(b.Name, "it has the file %.200q where %s is expected", h.Name, name)
	case size >= 0 && h.Size != size:
		return nil, invalid(b.Name, "%s has %d bytes, and %d in the manifest", name, h.Size, size)
	}
	return h, nil
}

func (b *Bundle) readManifest(r *tar.Reader) error {
	h, err := b.next(r, ManifestName, -1)
	if err != nil {
		return err
	}
	if h.Size > maxManifest {
		return invalid(b.Name, "the manifest has %d bytes", h.Size)
	}
	data := make([]byte, h.Size)
	if _, err := io.ReadFull(r, data); err != nil {
		return invalid(b.Name, "it ends in the manifest")
	}
	sum := sha256.Sum256(data)
	b.Digest = hex.EncodeToString(sum[:])
	b.Manifest, err = decode(b.Name, data)
	return err
}

func (b *Bundle) readFile(r *tar.Reader, f File) error {
	if _, err := b.next(r, f.Path, f.Size); err != nil {
		return err
	}
	at, err := b.file.Seek(0, io.SeekCurrent) // the tar reader does not read ahead
	if err != nil {
		return err
	}
	b.places[f.Path] = at
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return invalid(b.Name, "it ends in %s", f.Path)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.SHA256 {
		return diag.New(diag.ChecksumMismatch, f.Path+" in "+b.Name+" has the SHA-256 "+got+", not "+f.SHA256,
			"sha256sum "+diag.Word(b.Name)+"   # compare it with that of the original, and copy it again")
	}
	return nil
}

// end checks that nothing but zeros follows.
func (b *Bundle) end() error {
	buf := make([]byte, 64<<10)
	for {
		n, err := b.file.Read(buf)
		for _, c := range buf[:n] {
			if c != 0 {
				return invalid(b.Name, "it goes on after its end")
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// content returns a file of the bundle; false if it has none of that path.
func (b *Bundle) content(file string) (*io.SectionReader, bool) {
	at, found := b.places[file]
	f := b.Manifest.find(file)
	if !found || f == nil {
		return nil, false
	}
	return io.NewSectionReader(b.file, at, f.Size), true
}
