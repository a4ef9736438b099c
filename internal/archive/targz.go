package archive

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/inflate"
)

// What the official archives never have is refused before anything is made of
// it: an archive is only known to be theirs once all of it was read.
const (
	tarPrefix = "go/"
	// tarSlack is how much output is free of the ratio limit, and how many
	// zeros may follow the end marker (GNU tar fills up to 10 KiB).
	tarSlack = 1 << 20

	tarSetuidBits = 0o7000 // setuid, setgid, sticky
	tarPermBits   = 0o777
)

// ExtractTarGz reads an official archive from r, in one pass and to its very
// last byte, places every file into the sink and returns them sorted by path,
// with their digests. Who reads r through a hash has the hash of the archive
// then. Errors of r itself are handed back as they are.
func ExtractTarGz(ctx context.Context, r io.Reader, sink Sink, opts Options) ([]File, error) {
	source := &tarSource{r: r}
	placer := newPlacer(ctx, sink, opts)
	err := readTarGz(placer.ctx, source, placer, opts.Limits)
	files, placeErr := placer.finish()
	switch {
	case placeErr != nil: // also where ctx has ended
		return nil, placeErr
	case source.err != nil:
		return nil, source.err
	case err != nil:
		return nil, tarError(err)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// tarSource counts what is read and remembers a fault of the reader, so that a
// broken connection is not taken for a broken archive.
type tarSource struct {
	r   io.Reader
	n   int64
	err error
}

func (s *tarSource) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != io.EOF {
		s.err = err
	}
	return n, err
}

func readTarGz(ctx context.Context, source *tarSource, placer *placer, limits Limits) error {
	zr, err := newGunzip(source)
	if err != nil {
		return err
	}
	t := &tarReader{tar: tar.NewReader(zr), source: source, limits: limits, names: newNameSet(1 << 14), placer: placer}
	for ctx.Err() == nil {
		header, err := t.tar.Next()
		if err == io.EOF {
			return checkEnd(zr)
		}
		if err != nil {
			return err
		}
		if err := t.entry(header); err != nil {
			return err
		}
	}
	return nil // the placer knows why
}

// tarReader holds one archive against the limits while it is read.
type tarReader struct {
	tar     *tar.Reader
	source  *tarSource
	limits  Limits
	names   *nameSet
	placer  *placer
	entries int
	total   int64 // bytes of the files by their headers
	bytes   int64 // of them read
}

func (t *tarReader) entry(h *tar.Header) error {
	if t.entries++; t.entries > t.limits.Files {
		return refuse("the archive has more than " + strconv.Itoa(t.limits.Files) + " files")
	}
	if err := checkHeader(h); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir {
		return t.directory(h)
	}
	file, err := tarFile(h)
	if err != nil {
		return err
	}
	t.total += h.Size
	switch {
	case h.Size > t.limits.File:
		return refuse("the archive has a file of " + strconv.FormatInt(h.Size, 10) + " bytes: " + shorten(h.Name))
	case t.total > t.limits.Total:
		return refuse("the archive's files have more than " + strconv.FormatInt(t.limits.Total, 10) + " bytes together")
	}
	if err := t.names.add(file.Path); err != nil {
		return err
	}
	if err := t.names.bounded(t.limits); err != nil {
		return err
	}
	if err := t.placer.mkdirs(t.names.order); err != nil {
		return err
	}
	return t.placer.put(file, t.read)
}

// read fills p with the next part of the current file, and watches the ratio.
func (t *tarReader) read(p []byte) error {
	n, err := io.ReadFull(t.tar, p)
	if t.bytes += int64(n); err != nil {
		return unexpectedEOF(err)
	}
	if t.bytes > t.limits.Ratio*t.source.n+tarSlack {
		return refuse("the archive unpacks to " + strconv.FormatInt(t.bytes, 10) + " bytes from " + strconv.FormatInt(t.source.n, 10))
	}
	return nil
}

func (t *tarReader) directory(h *tar.Header) error {
	name, ok := strings.CutSuffix(h.Name, "/")
	if ok && name+"/" == tarPrefix {
		return nil
	}
	rel, inside := strings.CutPrefix(name, tarPrefix)
	if !ok || !inside || h.Size != 0 {
		return refuse("the archive has a name outside " + tarPrefix + ": " + shorten(h.Name))
	}
	if err := CheckPath(rel); err != nil {
		return err
	}
	if err := t.names.addDir(rel); err != nil {
		return err
	}
	return t.names.bounded(t.limits)
}

// checkHeader refuses everything but plain files and directories.
func checkHeader(h *tar.Header) error {
	why := ""
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir:
	case tar.TypeSymlink:
		why = "is a symbolic link"
	case tar.TypeLink:
		why = "is a hard link"
	case tar.TypeChar, tar.TypeBlock:
		why = "is a device"
	case tar.TypeFifo:
		why = "is a named pipe"
	case tar.TypeGNUSparse:
		why = "is sparse"
	default:
		why = "is of an unknown type"
	}
	if why == "" && h.Mode&tarSetuidBits != 0 {
		why = "has a setuid, setgid or sticky bit"
	}
	if why == "" && h.Linkname != "" {
		why = "leads elsewhere"
	}
	for key := range h.PAXRecords {
		switch key {
		case "path", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname":
		default: // sizes, sparse maps, links, extended attributes, capabilities
			if why == "" {
				why = "has the attribute " + shorten(key)
			}
		}
	}
	if why != "" {
		return refuse("the archive has a file that " + why + ": " + shorten(h.Name))
	}
	return nil
}

func tarFile(h *tar.Header) (File, error) {
	rel, ok := strings.CutPrefix(h.Name, tarPrefix)
	if !ok {
		return File{}, refuse("the archive has a name outside " + tarPrefix + ": " + shorten(h.Name))
	}
	if err := CheckPath(rel); err != nil {
		return File{}, err
	}
	if path.Base(rel) == "_go.mod" { // the name that a module zip has for go.mod
		return File{}, refuse("the archive has a file that an official archive cannot have: " + shorten(h.Name))
	}
	file := File{Path: rel, Mode: 0o644, Size: h.Size}
	if h.Mode&tarPermBits&0o111 != 0 {
		file.Mode = 0o755
	}
	return file, nil
}

// checkEnd reads what is left: zeros up to the end of the gzip stream, whose
// checksum is looked at there, and nothing behind it.
func checkEnd(zr *gunzip) error {
	rest, err := io.ReadAll(io.LimitReader(zr, tarSlack+1))
	if err != nil {
		return err
	}
	if len(rest) > tarSlack { // mutate: equivalent, because the gzip's own trailer is still unread then
		return errTrailing
	}
	for _, b := range rest {
		if b != 0 {
			return errTrailing
		}
	}
	switch _, err := io.ReadFull(zr.window.After(), make([]byte, 1)); err {
	case io.EOF:
		return nil
	case nil:
		return errTrailing
	default:
		return err // mutate: equivalent, because the source remembers its fault
	}
}

var errTrailing = refuse("the archive has bytes after its end")

func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// tarError gives a fault of the format its code.
func tarError(err error) error {
	var coded *diag.Error
	switch {
	case errors.As(err, &coded):
		return err
	case errors.Is(err, inflate.ErrCutOff), errors.Is(err, io.ErrUnexpectedEOF):
		return refuse("the archive is truncated")
	}
	return diag.Wrap(diag.ArchiveUnsafe, err, "the archive is damaged")
}
