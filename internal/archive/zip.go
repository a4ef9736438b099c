package archive

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The parts of the zip format (APPNOTE.TXT 6.3) that module zips use. What
// they never use is refused: encryption, ZIP64, several disks, archive
// comments, and any method but store and deflate.
const (
	endSignature        = 0x06054b50
	directorySignature  = 0x02014b50
	localSignature      = 0x04034b50
	descriptorSignature = 0x08074b50

	endSize       = 22
	directorySize = 46
	localSize     = 30

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagStrong     = 1 << 6
	flagMasked     = 1 << 13

	methodStore   = 0
	methodDeflate = 8

	creatorUnix = 3
	typeMask    = 0o170000
	typeRegular = 0o100000

	maxDirectory = 64 << 20
)

// Zip is a module zip whose table of contents was read and found honest.
type Zip struct {
	r       io.ReaderAt
	members []Member
	limits  Limits
}

// Member is one file of a zip.
type Member struct {
	File              // SHA256 is not known yet
	Start, End int64  // all bytes that belong to it: header, data, descriptor
	packed     int64  // size of the data
	name       string // as it stands in the archive
	flags      uint16
	method     uint16
}

// OpenZip reads the central directory of a module zip of that size, which is
// at its end. Every name must begin with prefix
// ("golang.org/toolchain@v0.0.1-go1.22.5.linux-amd64/"). The members cover the
// archive without overlaps or gaps: there is no byte of which nobody knows
// whose it is.
func OpenZip(r io.ReaderAt, size int64, prefix string, limits Limits) (*Zip, error) {
	start, directory, count, err := readDirectory(r, size)
	if err != nil {
		return nil, err
	}
	if count > limits.Files {
		return nil, refuse("the archive has " + strconv.Itoa(count) + " files")
	}
	z := &Zip{r: r, limits: limits, members: make([]Member, 0, count)}
	for len(directory) > 0 {
		m, rest, err := parseEntry(directory, prefix)
		if err != nil {
			return nil, err
		}
		z.members = append(z.members, m)
		directory = rest
	}
	if len(z.members) != count {
		return nil, refuse("the archive has " + strconv.Itoa(len(z.members)) + " files but its directory lists " + strconv.Itoa(count))
	}
	if err := z.checkSizes(size); err != nil {
		return nil, err
	}
	if err := z.checkNames(); err != nil {
		return nil, err
	}
	return z, z.checkExtents(start)
}

// Members lists the files in the order of their place in the archive.
func (z *Zip) Members() []Member { return z.members }

func readDirectory(r io.ReaderAt, size int64) (start int64, directory []byte, count int, err error) {
	if size < endSize {
		return 0, nil, 0, refuse("the archive is too short to be a zip")
	}
	var end [endSize]byte
	if err := readFull(r, end[:], size-endSize); err != nil {
		return 0, nil, 0, err
	}
	le := binary.LittleEndian
	if le.Uint32(end[:]) != endSignature {
		return 0, nil, 0, refuse("the archive does not end as a zip does: it is truncated, or something follows it")
	}
	total := le.Uint16(end[10:])
	length, offset := int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))
	switch {
	case le.Uint16(end[4:]) != 0 || le.Uint16(end[6:]) != 0 || le.Uint16(end[8:]) != total:
		return 0, nil, 0, refuse("the archive is one of several volumes")
	case le.Uint16(end[20:]) != 0:
		return 0, nil, 0, refuse("the archive has a comment")
	case offset+length != size-endSize:
		return 0, nil, 0, refuse("the archive's directory is not where it must be")
	case length > maxDirectory:
		return 0, nil, 0, refuse("the archive's directory is too large")
	}
	directory = make([]byte, length)
	return offset, directory, int(total), readFull(r, directory, offset)
}

// parseEntry reads one entry of the central directory and gives what follows.
func parseEntry(d []byte, prefix string) (m Member, rest []byte, err error) {
	le := binary.LittleEndian
	if len(d) < directorySize || le.Uint32(d) != directorySignature {
		return m, nil, refuse("the archive's directory is damaged")
	}
	nameLen, extraLen, commentLen := int(le.Uint16(d[28:])), int(le.Uint16(d[30:])), int(le.Uint16(d[32:]))
	if len(d) < directorySize+nameLen+extraLen+commentLen {
		return m, nil, refuse("the archive's directory is truncated")
	}
	m.name = string(d[directorySize : directorySize+nameLen])
	m.flags, m.method = le.Uint16(d[8:]), le.Uint16(d[10:])
	m.CRC32 = le.Uint32(d[16:])
	m.packed, m.Size = int64(le.Uint32(d[20:])), int64(le.Uint32(d[24:]))
	m.Start = int64(le.Uint32(d[42:]))
	mode := le.Uint32(d[38:]) >> 16

	rel, ok := strings.CutPrefix(m.name, prefix)
	if !ok {
		return m, nil, refuse("the archive has a name outside " + prefix + ": " + shorten(m.name))
	}
	if err := CheckPath(rel); err != nil {
		return m, nil, err
	}
	if path.Base(rel) == "go.mod" {
		return m, nil, refuse("the archive has a file that a module zip cannot have: " + shorten(rel))
	}
	m.Path = pathOf(rel)
	m.Mode = ModeOf(m.Path)
	why := ""
	switch {
	case m.flags&(flagEncrypted|flagStrong|flagMasked) != 0:
		why = "is encrypted"
	case m.method != methodStore && m.method != methodDeflate:
		why = "is compressed with an unknown method"
	case m.method == methodStore && m.packed != m.Size:
		why = "has two sizes"
	case d[5] == creatorUnix && mode&typeMask != 0 && mode&typeMask != typeRegular:
		why = "is not a regular file"
	case m.packed == 0xffffffff || m.Size == 0xffffffff || m.Start == 0xffffffff || le.Uint16(d[34:]) != 0:
		why = "is too large, or in another volume"
	}
	if why != "" {
		return m, nil, refuse("the archive has a file that " + why + ": " + shorten(rel))
	}
	return m, d[directorySize+nameLen+extraLen+commentLen:], nil
}

func (z *Zip) checkSizes(archive int64) error {
	var total int64
	for i := range z.members {
		m := &z.members[i]
		if m.Size > z.limits.File {
			return refuse("the archive has a file of " + strconv.FormatInt(m.Size, 10) + " bytes: " + shorten(m.Path))
		}
		total += m.Size
	}
	if total > z.limits.Total {
		return refuse("the archive's files have " + strconv.FormatInt(total, 10) + " bytes together")
	}
	if total > archive*z.limits.Ratio {
		return refuse("the archive claims " + strconv.FormatInt(total, 10) + " bytes from " + strconv.FormatInt(archive, 10))
	}
	return nil
}

func (z *Zip) checkNames() error {
	names := newNameSet(len(z.members))
	for i := range z.members {
		if err := names.add(z.members[i].Path); err != nil {
			return err
		}
		if err := names.bounded(z.limits); err != nil {
			return err
		}
	}
	return nil
}

// checkExtents gives each member the bytes up to the next one.
func (z *Zip) checkExtents(directory int64) error {
	slices.SortFunc(z.members, func(a, b Member) int { return cmp.Compare(a.Start, b.Start) })
	end := directory
	for i := len(z.members) - 1; i >= 0; i-- {
		m := &z.members[i]
		m.End = end
		end = m.Start
		least := m.Start + localSize + int64(len(m.name)) + m.packed
		// A local header may have extra fields of 64 KiB, a descriptor 24 bytes.
		if m.End < least || m.End > least+64<<10+24 {
			return refuse("the archive's files overlap or leave gaps at " + shorten(m.Path))
		}
	}
	if end != 0 {
		return refuse("the archive begins with bytes that are not part of a file")
	}
	return nil
}

// header holds the beginning of a member, which reaches beyond its name, against the
// directory. The packed contents follow it at begin.
func (m *Member) header(raw []byte) (begin int, err error) {
	le := binary.LittleEndian
	if le.Uint32(raw) != localSignature ||
		le.Uint16(raw[6:]) != m.flags || le.Uint16(raw[8:]) != m.method || int(le.Uint16(raw[26:])) != len(m.name) ||
		string(raw[localSize:localSize+len(m.name)]) != m.name {
		return 0, m.twoThings()
	}
	sizes := m.agrees(raw[14:])
	if m.flags&flagDescriptor != 0 { // the writer did not know the sizes yet: they follow the data
		sizes = sizes || bytes.Equal(raw[14:26], make([]byte, 12))
	}
	begin = localSize + len(m.name) + int(le.Uint16(raw[28:]))
	if !sizes || m.Start+int64(begin)+m.packed > m.End {
		return 0, m.twoThings()
	}
	return begin, nil
}

// trailer does the same with what follows the packed contents.
func (m *Member) trailer(raw []byte) error {
	if m.flags&flagDescriptor == 0 {
		if len(raw) != 0 {
			return m.twoThings()
		}
		return nil
	}
	if len(raw) == 16 && binary.LittleEndian.Uint32(raw) == descriptorSignature {
		raw = raw[4:]
	}
	if len(raw) != 12 || !m.agrees(raw) {
		return m.twoThings()
	}
	return nil
}

// agrees reports whether CRC-32 and sizes are those of the directory.
func (m *Member) agrees(raw []byte) bool {
	le := binary.LittleEndian
	return le.Uint32(raw) == m.CRC32 && int64(le.Uint32(raw[4:])) == m.packed && int64(le.Uint32(raw[8:])) == m.Size
}

func (m *Member) twoThings() error {
	return refuse("the archive has contradicting records of " + shorten(m.Path))
}

func readFull(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == io.EOF || err == nil {
		return refuse("the archive is truncated")
	}
	return err
}
