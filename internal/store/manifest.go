package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strconv"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Manifest lists the files of a release, sorted by path.
type Manifest []archive.File

// Bytes is the sum of the sizes.
func (m Manifest) Bytes() int64 {
	var n int64
	for i := range m {
		n += m[i].Size
	}
	return n
}

// maxManifest bounds the text of a manifest, in bytes. That of a release has 2 MB.
const maxManifest = 64 << 20

// Encode returns the text of the manifest: a line with the format, then one line per
// file with SHA-256, CRC-32, mode, size and path, separated by one space. A path
// has no control characters, so nothing needs quoting.
func (m Manifest) Encode() []byte {
	out := make([]byte, 0, len(m)*128)
	out = strconv.AppendInt(append(out, manifestHead...), manifestFormat, 10)
	out = append(out, '\n')
	var crc [4]byte
	for i := range m {
		f := &m[i]
		out = hex.AppendEncode(out, f.SHA256[:])
		out = append(out, ' ')
		crc = [4]byte{byte(f.CRC32 >> 24), byte(f.CRC32 >> 16), byte(f.CRC32 >> 8), byte(f.CRC32)}
		out = hex.AppendEncode(out, crc[:])
		out = append(out, ' ')
		out = strconv.AppendUint(out, uint64(f.Mode.Perm()), 8)
		out = append(out, ' ')
		out = strconv.AppendInt(out, f.Size, 10)
		out = append(out, ' ')
		out = append(out, f.Path...)
		out = append(out, '\n')
	}
	return out
}

// DecodeManifest reads what Encode wrote, with or without the first line, and
// nothing else: text that it accepts encodes to the same text.
func DecodeManifest(text []byte) (Manifest, error) {
	text, err := cutHead(text)
	if err != nil {
		return nil, err
	}
	m := make(Manifest, 0, bytes.Count(text, []byte{'\n'}))
	last := ""
	for line := 1; len(text) > 0; line++ {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return nil, manifestError(line, "the last line is truncated")
		}
		file, err := decodeLine(text[:end])
		if err != nil {
			return nil, manifestError(line, err.Error())
		}
		if file.Path <= last {
			return nil, manifestError(line, "the paths are not sorted")
		}
		last = file.Path
		m = append(m, file)
		text = text[end+1:]
	}
	return m, nil
}

func decodeLine(line []byte) (archive.File, error) {
	var f archive.File
	var crc [4]byte
	const fixed = 2*sha256.Size + 1 + 8 + 1
	if len(line) < fixed || line[64] != ' ' || line[73] != ' ' {
		return f, errors.New("the columns are not aligned as expected")
	}
	if !lowerHex(line[:64]) || !lowerHex(line[65:73]) {
		return f, errors.New("a digest is not in lower-case hexadecimal")
	}
	_, _ = hex.Decode(f.SHA256[:], line[:64])
	_, _ = hex.Decode(crc[:], line[65:73])
	f.CRC32 = uint32(crc[0])<<24 | uint32(crc[1])<<16 | uint32(crc[2])<<8 | uint32(crc[3])
	mode, rest, _ := bytes.Cut(line[fixed:], []byte{' '})
	size, path, _ := bytes.Cut(rest, []byte{' '})
	switch string(mode) {
	case "644":
		f.Mode = 0o644
	case "755":
		f.Mode = 0o755
	default:
		return f, errors.New("a mode other than 644 or 755")
	}
	n, _ := strconv.ParseInt(string(size), 10, 64)
	if n < 0 || strconv.FormatInt(n, 10) != string(size) {
		return f, errors.New("a size that is not a number")
	}
	f.Size = n
	f.Path = string(path)
	return f, archive.CheckPath(f.Path)
}

func lowerHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func manifestError(line int, why string) error {
	return diag.New(diag.Tampered, "line "+strconv.Itoa(line)+" of a manifest: "+why)
}

// Manifest reads the manifest of an installed release and compares it with the
// digest in the receipt: one that was edited or cut short is tampered.
func (s *Store) Manifest(v gover.Version) (Manifest, error) {
	receipt, err := s.Receipt(v)
	if err != nil {
		return nil, err
	}
	return s.manifest(v, receipt)
}

func (s *Store) manifest(v gover.Version, receipt Receipt) (Manifest, error) {
	hint := "vmgo install --reinstall " + v.String()
	path := s.manifestPath(v)
	text, err := smallfile.Read(path, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, diag.Wrap(diag.Tampered, err, "go "+v.String()+" in "+s.dir+" has no manifest", hint)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != receipt.ManifestSHA256 {
		return nil, diag.New(diag.Tampered, "the manifest "+path+" does not match the receipt", hint)
	}
	m, err := DecodeManifest(text)
	if diag.CodeOf(err) == diag.NewerFormat {
		return nil, diag.Wrap(diag.NewerFormat, err, path, diag.HintsOf(err)...)
	}
	if err != nil {
		return nil, diag.Wrap(diag.Tampered, err, "the manifest "+path+" cannot be read", hint)
	}
	return m, nil
}
