// Package patches is the form in which a mirror offers the difference of two
// releases: beside the tree of a GOPROXY there is, for each release, a list of
// patches from its neighbours, and each patch is a file of zstd frames, one for every
// file that changed. Nothing here is trusted: who applies a patch compares the result
// with what the checksum database has.
package patches

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"

	"github.com/vmgo/vmgo/internal/delta"
)

// Dir is where a mirror has its patches, beneath its base URL.
const Dir = "vmgo/patches"

const (
	// MaxList bounds a list, in bytes; that of 1.26.8 with one patch has 2 kB.
	MaxList = 4 << 20
	// MaxPatch bounds a patch, in bytes.
	MaxPatch = 256 << 20
	// maxFile bounds the files that are patched, in bytes: base and result are in
	// memory, and the largest of Go 1.26 has 26 MB.
	maxFile = 64 << 20
)

// format is the number of the list's format.
const format = 1

// List has the patches to one release. Versions are those of the module
// golang.org/toolchain: "v0.0.1-go1.26.8.linux-amd64".
type List struct {
	Format  int     `json:"format"`
	Version string  `json:"version"`
	Patches []Patch `json:"patches"` // the nearest first
}

// Patch makes files of a release from those of another.
type Patch struct {
	From  string `json:"from"`
	Size  int64  `json:"size"`
	Files []File `json:"files"` // in the order of their frames, without gaps
}

// File is a file that is made from the one of the same path.
type File struct {
	Path   string `json:"path"` // beneath GOROOT
	Size   int64  `json:"size"`
	Packed int64  `json:"packed"` // of its frame
	start  int64
}

// ListName returns where the list of a release is, beneath the base URL.
func ListName(version string) string { return Dir + "/" + version + ".json" }

// Name returns where the patch from one release to another is, beneath the base URL.
func Name(from, version string) string { return Dir + "/" + version + "/" + from + ".zst" }

// Encode returns the list as it is published.
func (l List) Encode() ([]byte, error) {
	l.Format = format
	data, err := json.MarshalIndent(l, "", " ")
	return append(data, '\n'), err
}

// Decode reads the list of a release. Lists of a later format have nothing for this
// program.
func Decode(data []byte, version string) (List, error) {
	var l List
	if err := json.Unmarshal(data, &l); err != nil {
		return l, err
	}
	if l.Format != format || l.Version != version {
		return List{}, fmt.Errorf("it is no list of patches to %s", version)
	}
	for i := range l.Patches {
		if err := l.Patches[i].place(); err != nil {
			return List{}, err
		}
	}
	return l, nil
}

// place checks sizes and finds where each frame begins.
func (p *Patch) place() error {
	var end int64
	for i := range p.Files {
		f := &p.Files[i]
		if f.Size <= 0 || f.Size > maxFile || f.Packed <= 0 || f.Packed > MaxPatch || end > MaxPatch {
			return errors.New("the list has a size that no patch has")
		}
		f.start = end
		end += f.Packed
	}
	if end != p.Size || end > MaxPatch || strings.ContainsAny(p.From, `/\?#%`) {
		return errors.New("the list contradicts itself")
	}
	return nil
}

// Frame reads the frame of a file from the patch.
func (f File) Frame(patch io.ReaderAt) ([]byte, error) {
	frame := make([]byte, f.Packed)
	_, err := patch.ReadAt(frame, f.start)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return frame, err
}

// Make writes the patch from one module zip of a release to another. Files that it
// would not make smaller, and new ones, are left out: they come from the zip. cancelled
// is asked between files.
func Make(w io.Writer, from, to *zip.Reader, cancelled func() error) (Patch, error) {
	old := byPath(from)
	var p Patch
	for _, f := range to.File {
		if err := cancelled(); err != nil {
			return p, err
		}
		base := old[inTree(f.Name)]
		if base == nil || base.CRC32 == f.CRC32 && base.UncompressedSize64 == f.UncompressedSize64 || !fits(base) || !fits(f) {
			continue
		}
		frame, err := encode(base, f)
		if err != nil {
			return p, err
		}
		if uint64(len(frame)) >= f.CompressedSize64 {
			continue
		}
		if _, err := w.Write(frame); err != nil {
			return p, err
		}
		p.Files = append(p.Files, File{Path: inTree(f.Name), Size: int64(f.UncompressedSize64), Packed: int64(len(frame)), start: p.Size})
		p.Size += int64(len(frame))
	}
	return p, nil
}

// Check applies a patch to the module zip that it is from and compares what it makes
// with the one that it leads to.
func (p Patch) Check(patch io.ReaderAt, from, to *zip.Reader, cancelled func() error) error {
	older, newer := byPath(from), byPath(to)
	for _, f := range p.Files {
		if err := cancelled(); err != nil {
			return err
		}
		base, want := older[f.Path], newer[f.Path]
		if base == nil || want == nil || !fits(base) || uint64(f.Size) != want.UncompressedSize64 {
			return errors.New(f.Path + " is in the patch and not in both releases")
		}
		data, err := content(base)
		if err != nil {
			return err
		}
		frame, err := f.Frame(patch)
		if err != nil {
			return err
		}
		if data, err = delta.Decode(frame, data, nil, int(f.Size)); err != nil || crc32.ChecksumIEEE(data) != want.CRC32 {
			return errors.Join(errors.New("the patch does not make "+f.Path), err)
		}
	}
	return nil
}

func byPath(z *zip.Reader) map[string]*zip.File {
	files := map[string]*zip.File{}
	for _, f := range z.File {
		files[inTree(f.Name)] = f
	}
	return files
}

// inTree returns the path beneath GOROOT of a name "MODULE@VERSION/PATH". The one
// name that a module zip spells differently, _go.mod, stays as it is: those files are
// small.
func inTree(name string) string {
	_, rest, _ := strings.Cut(name, "@")
	_, rest, _ = strings.Cut(rest, "/")
	return path.Clean(rest)
}

func fits(f *zip.File) bool { return f.UncompressedSize64 > 0 && f.UncompressedSize64 <= maxFile }

func encode(from, to *zip.File) ([]byte, error) {
	base, err := content(from)
	if err != nil {
		return nil, err
	}
	data, err := content(to)
	if err != nil {
		return nil, err
	}
	return delta.Encode(data, base)
}

func content(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	data := make([]byte, f.UncompressedSize64)
	_, err = io.ReadFull(r, data)
	return data, errors.Join(err, r.Close())
}
