package pack

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Signed is a manifest with its signature.
type Signed struct {
	Manifest  Manifest
	Encoded   []byte // checksums.json
	Signature []byte // armored; empty for an unsigned package
}

// ID returns the name of the release.
func (s Signed) ID() string { return ID(s.Manifest, s.Encoded) }

// Write writes the package whose files lie beneath dir. It has the same bytes for
// the same content.
func Write(w io.Writer, s Signed, dir string) error {
	out := tar.NewWriter(w)
	if err := AddHead(out, s); err != nil {
		return err
	}
	for _, f := range s.Manifest.Files {
		if err := addFile(out, f, filepath.Join(dir, filepath.FromSlash(f.Path))); err != nil {
			return err
		}
	}
	return out.Close()
}

// AddHead writes what [ReadHead] reads: manifest and signature.
func AddHead(out *tar.Writer, s Signed) error {
	if err := Add(out, ManifestFile, 0o644, s.Encoded); err != nil || len(s.Signature) == 0 {
		return err
	}
	return Add(out, SignatureFile, 0o644, s.Signature)
}

func header(name string, mode, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
}

// Add writes a member with that content.
func Add(out *tar.Writer, name string, mode int64, data []byte) error {
	if err := out.WriteHeader(header(name, mode, int64(len(data)))); err != nil {
		return err
	}
	_, err := out.Write(data)
	return err
}

func addFile(out *tar.Writer, f File, path string) error {
	in, err := smallfile.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := out.WriteHeader(header(f.Path, int64(f.Mode), f.Size)); err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}

// ReadHead reads manifest and signature, which are a package's first members, and
// returns the reader's next header, nil where there is none. Nothing is checked
// but the form, by [Decode] or [DecodeLogs].
func ReadHead(in *tar.Reader, decode func([]byte) (Manifest, error)) (Signed, *tar.Header, error) {
	var s Signed
	h, err := in.Next()
	if err != nil || h.Name != ManifestFile {
		return s, nil, diag.New(diag.ArchiveUnsafe, "this is nothing that vmgo deploy packed: it does not begin with "+ManifestFile, "vmgo deploy build")
	}
	if s.Encoded, err = member(in, h, maxManifest); err != nil {
		return s, nil, err
	}
	if s.Manifest, err = decode(s.Encoded); err != nil {
		return s, nil, err
	}
	h, err = in.Next()
	if err == nil && h.Name == SignatureFile {
		if s.Signature, err = member(in, h, smallfile.Usual); err != nil {
			return s, nil, err
		}
		h, err = in.Next()
	}
	if errors.Is(err, io.EOF) {
		return s, nil, nil
	}
	return s, h, damaged(err)
}

func member(in *tar.Reader, h *tar.Header, limit int64) ([]byte, error) {
	if h.Typeflag != tar.TypeReg || h.Size > limit {
		return nil, diag.New(diag.ArchiveUnsafe, h.Name+" is not a file of a size that can be")
	}
	data := make([]byte, h.Size)
	_, err := io.ReadFull(in, data)
	return data, damaged(err)
}

func damaged(err error) error {
	if err == nil {
		return nil
	}
	return diag.Wrap(diag.ChecksumMismatch, err, "the archive is damaged", "vmgo deploy build")
}

// Extract writes the members of a package, the first of which has the header h,
// beneath dir, which is empty; dir may be "" to check only. Every file of the
// manifest must be there, with its hash, and nothing else.
func Extract(in *tar.Reader, h *tar.Header, s Signed, dir string) error {
	for _, f := range s.Manifest.Files {
		if h == nil || h.Name != f.Path || h.Typeflag != tar.TypeReg || h.Size != f.Size {
			return diag.New(diag.ChecksumMismatch, "the archive does not have "+f.Path+" where its "+ManifestFile+" has it", "vmgo deploy build")
		}
		if err := WriteFile(dir, f, in); err != nil {
			return err
		}
		next, err := in.Next()
		if errors.Is(err, io.EOF) {
			h = nil
			continue
		}
		if err != nil {
			return damaged(err)
		}
		h = next
	}
	if h != nil {
		return diag.New(diag.ChecksumMismatch, "the archive has "+h.Name+", which its "+ManifestFile+" does not have", "vmgo deploy build")
	}
	return nil
}

// WriteFile writes one file of a manifest beneath dir, and returns an error unless
// it has its hash and size. The content is on the disk when it returns.
func WriteFile(dir string, f File, content io.Reader) error {
	hash := sha256.New()
	var to io.Writer = hash
	var out *os.File
	if dir != "" {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := fsx.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		out, to = file, io.MultiWriter(hash, file)
	}
	n, err := io.Copy(to, io.LimitReader(content, f.Size+1))
	if err != nil {
		return err
	}
	if n != f.Size || hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
		return diag.New(diag.ChecksumMismatch, f.Path+" does not have the hash that "+ManifestFile+" has for it", "vmgo deploy build")
	}
	if out == nil {
		return nil
	}
	return errors.Join(out.Chmod(os.FileMode(f.Mode)), out.Sync(), out.Close())
}
