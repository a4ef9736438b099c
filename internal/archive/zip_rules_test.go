package archive

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

// rawMember is a member of a zip that may lie about itself.
type rawMember struct {
	zip.FileHeader
	data []byte
}

// stored is an honest member that is not packed.
func stored(name, content string) rawMember {
	return rawMember{zip.FileHeader{
		Name: prefix + name, CRC32: crc32.ChecksumIEEE([]byte(content)),
		CompressedSize64: uint64(len(content)), UncompressedSize64: uint64(len(content)),
	}, []byte(content)}
}

// packedMember is one that is packed.
func packedMember(t *testing.T, name, content string) rawMember {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := stored(name, content)
	m.Method, m.CompressedSize64, m.data = zip.Deflate, uint64(b.Len()), b.Bytes()
	return m
}

func lying(m rawMember, change func(*rawMember)) rawMember {
	change(&m)
	return m
}

// rawZip packs members behind skip bytes that belong to none of them.
func rawZip(t *testing.T, skip int, members ...rawMember) []byte {
	t.Helper()
	var b bytes.Buffer
	b.Write(make([]byte, skip))
	w := zip.NewWriter(&b)
	w.SetOffset(int64(skip))
	for _, m := range members {
		f, err := w.CreateRaw(&m.FileHeader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// end patches the end record, directory the entry of the first member.
func end(data []byte, field int, value ...byte) []byte {
	return patch(data, len(data)-endSize+field, value)
}

func directory(data []byte, field int, value ...byte) []byte {
	return patch(data, directoryOf(data)+field, value)
}

func directoryOf(data []byte) int {
	return int(binary.LittleEndian.Uint32(data[len(data)-endSize+16:]))
}

func patch(data []byte, at int, value []byte) []byte {
	data = bytes.Clone(data)
	copy(data[at:], value)
	return data
}

// stub puts the beginning of one more entry at the end of the directory.
func stub(data []byte) []byte {
	const size = 20
	le, at := binary.LittleEndian, len(data)-endSize
	entry := make([]byte, size)
	le.PutUint32(entry, directorySignature)
	out := append(append(bytes.Clone(data[:at]), entry...), data[at:]...)
	le.PutUint32(out[at+size+12:], uint32(at+size-directoryOf(data)))
	return out
}

// gap puts bytes between the first member and the second.
func gap(data []byte, first, size int) []byte {
	le, directory := binary.LittleEndian, directoryOf(data)
	second := directory + directorySize + int(le.Uint16(data[directory+28:]))
	out := bytes.Clone(data)
	le.PutUint32(out[second+42:], uint32(first+size))
	le.PutUint32(out[len(out)-endSize+16:], uint32(directory+size))
	return append(append(out[:first:first], make([]byte, size)...), out[first:]...)
}

// swapped has its two entries of the directory, of one length, in the other order.
func swapped(data []byte) []byte {
	at, end := directoryOf(data), len(data)-endSize
	half := (at + end) / 2
	return slices.Concat(data[:at], data[half:end], data[at:half], data[end:])
}

func TestOpenZip_rules(t *testing.T) {
	t.Parallel()
	a, b := stored("a", "aa"), stored("b", "bb")
	good := rawZip(t, 0, a, b)
	first := localSize + len(a.Name) + len(a.data)
	large := strings.Repeat("0123456789abcdef", small/8)
	one := func(change func(*rawMember)) []byte { return rawZip(t, 0, lying(a, change), b) }
	big := func(change func(*rawMember)) []byte {
		return rawZip(t, 0, lying(packedMember(t, "big", large), change))
	}
	described := func(m rawMember) []byte { // its sizes follow it
		return rawZip(t, 0, lying(m, func(m *rawMember) { m.Flags |= flagDescriptor }))
	}
	smallOne, largeOne := described(a), described(packedMember(t, "big", large))
	descriptor := func(data []byte) int { return directoryOf(data) - 12 }
	beyond := []byte{0xff, 0xff, 0xff, 0xff}
	for _, tt := range []struct {
		name string
		data []byte
		want string // empty: good
	}{
		{"good", good, ""},
		{"no members", rawZip(t, 0), ""},
		{"no end", nil, "too short to be a zip"},
		{"half an end", rawZip(t, 0)[1:], "too short to be a zip"},
		{"good and large", big(func(*rawMember) {}), ""},
		{"a directory in another order", swapped(good), ""},
		{"another signature at the end", end(good, 0, 'p'), "does not end as a zip does"},
		{"another signature in the directory", directory(good, 0, 'p'), "is damaged"},
		{"more members than the directory promises", end(good, 8, 1, 0, 1, 0), "directory lists 1"},
		{"fewer members than the directory promises", end(good, 8, 3, 0, 3, 0), "directory lists 3"},
		{"bytes between directory and end", append(append(bytes.Clone(good[:len(good)-endSize]), "hidden"...), good[len(good)-endSize:]...), "not where it must be"},
		{"a stub of an entry", stub(good), "is damaged"},
		{"mode without a type", one(func(m *rawMember) { m.CreatorVersion, m.ExternalAttrs = creatorUnix<<8, 0o644<<16 }), ""},
		{"mode of another system", one(func(m *rawMember) { m.ExternalAttrs = 0o120777 << 16 }), ""},
		{"link", one(func(m *rawMember) { m.CreatorVersion, m.ExternalAttrs = creatorUnix<<8, 0o120777<<16 }), "not a regular file"},
		{"sizes after it", smallOne, ""},
		{"sizes after it, large", largeOne, ""},
		{"other sizes after it", patch(smallOne, descriptor(smallOne), beyond), "contradicting records"},
		{"other sizes after it, large", patch(largeOne, descriptor(largeOne), beyond), "contradicting records"},
		{"other flags in a header", patch(good, 6, []byte{0xff, 0xff}), "contradicting records"},
		{"another signature of a header", patch(good, 0, []byte{'p'}), "contradicting records"},
		{"another name in a header", patch(good, localSize, []byte{'x'}), "contradicting records"},
		{"a longer name in a header", patch(good, 26, []byte{byte(len(a.Name) + 1)}), "contradicting records"},
		{"another method in a header", patch(good, 8, []byte{methodDeflate}), "contradicting records"},
		{"no sizes in a header, nor after it", patch(good, 14, make([]byte, 12)), "contradicting records"},
		{"another checksum in a header", patch(good, 14, beyond), "contradicting records"},
		{"another packed size in a header", patch(good, 18, beyond), "contradicting records"},
		{"another size in a header", patch(good, 22, beyond), "contradicting records"},
		{"another checksum in a header, sizes after it", patch(smallOne, 14, beyond), "contradicting records"},
		{"the sizes in a header and after it", patch(smallOne, 14, smallOne[descriptor(smallOne):directoryOf(smallOne)]), ""},
		{"an extra field beyond the member", patch(good, 28, []byte{1}), "contradicting records"},
		{"another header, large", patch(largeOne, 6, beyond), "contradicting records"},
		{"not packed", one(func(m *rawMember) { m.Method, m.data = zip.Deflate, []byte{0xff, 0xff} }), "damaged"},
		{"a comment", end(good, 20, 1), "has a comment"},
		{"another volume", end(good, 4, 1), "several volumes"},
		{"directory in another volume", end(good, 6, 1), "several volumes"},
		{"two counts", end(good, 8, 1), "several volumes"},
		{"member in another volume", directory(good, 34, 1), "in another volume"},
		{"ZIP64 size", directory(directory(good, 20, beyond...), 24, beyond...), "is too large"},
		{"longer than the archive", directory(big(func(*rawMember) {}), 20, 0xff, 0xff, 0xff, 0x7f), "overlap or leave gaps"},
		{"ZIP64 packed size", directory(big(func(*rawMember) {}), 20, beyond...), "is too large"},
		{"ZIP64 unpacked size", directory(big(func(*rawMember) {}), 24, beyond...), "is too large"},
		{"ZIP64 offset", directory(good, 42, beyond...), "is too large"},
		{"comment of a member beyond the directory", directory(good, 32, 0xff, 0xff), "truncated"},
		{"bytes before the first member", rawZip(t, 8, a, b), "begins with bytes"},
		{"bytes between two members", gap(good, first, 64<<10+25), "overlap or leave gaps"},
		{"as many as a header may have", gap(good, first, 64<<10+24), "contradicting records"},
		{"go.mod", one(func(m *rawMember) { m.Name = prefix + "src/go.mod" }), "cannot have"},
		{"encrypted", one(func(m *rawMember) { m.Flags |= flagEncrypted }), "is encrypted"},
		{"strongly encrypted", one(func(m *rawMember) { m.Flags |= flagStrong }), "is encrypted"},
		{"masked", one(func(m *rawMember) { m.Flags |= flagMasked }), "is encrypted"},
		{"bzip2", one(func(m *rawMember) { m.Method = 12 }), "unknown method"},
		{"stored in two sizes", one(func(m *rawMember) { m.UncompressedSize64++ }), "has two sizes"},
		{"large, longer than promised", big(func(m *rawMember) { m.UncompressedSize64 -= 16 }), "more in it"},
		{"large, shorter than promised", big(func(m *rawMember) { m.UncompressedSize64 += 16 }), "less in it"},
		{"large, bytes after its end", big(func(m *rawMember) {
			m.data = append(bytes.Clone(m.data), "hidden"...)
			m.CompressedSize64 = uint64(len(m.data))
		}), "bytes follow"},
		{"large, another checksum", big(func(m *rawMember) { m.CRC32++ }), "CRC-32"},
	} {
		limits := DefaultLimits()
		limits.Ratio = 1000
		_, _, err := extractZip(t, tt.data, prefix, limits, Options{})
		if tt.want == "" && err == nil {
			continue
		}
		if tt.want == "" || diag.CodeOf(err) != diag.ArchiveUnsafe || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v [%s], want %q", tt.name, err, diag.CodeOf(err), tt.want)
		}
	}
}

// What follows a member is its sizes, with a signature before them or without, and nothing
// else.
func TestMember_trailer(t *testing.T) {
	t.Parallel()
	le := binary.LittleEndian
	words := func(words ...uint32) (raw []byte) {
		for _, w := range words {
			raw = le.AppendUint32(raw, w)
		}
		return raw
	}
	const crc = descriptorSignature // of all
	m := &Member{File: File{CRC32: crc, Size: 3}, packed: 2, flags: flagDescriptor}
	for _, tt := range []struct {
		raw  []byte
		good bool
	}{
		{words(crc, 2, 3), true}, {words(descriptorSignature, crc, 2, 3), true},
		{words(0, crc, 2, 3), false}, {words(crc, 2, 3, 0, 0), false}, {words(descriptorSignature, crc, 2, 3, 0), false},
		{words(crc, 2, 3)[:11], false}, {[]byte{1}, false}, {nil, false},
		{words(0, 2, 3), false}, {words(crc, 0, 3), false}, {words(crc, 2, 0), false},
	} {
		if err := m.trailer(tt.raw); (err == nil) != tt.good {
			t.Errorf("%x: %v", tt.raw, err)
		}
	}
}

// halves reads half of what it is asked for.
type halves struct{ err error }

func (h halves) ReadAt(p []byte, _ int64) (int, error) { return len(p) / 2, h.err }

func TestReadFull_shortReads(t *testing.T) {
	t.Parallel()
	for given, want := range map[error]string{nil: "truncated", io.EOF: "truncated", errBroken: errBroken.Error()} {
		err := readFull(halves{given}, make([]byte, 8), 0)
		if err == nil || !strings.Contains(err.Error(), want) || (diag.CodeOf(err) == diag.ArchiveUnsafe) != (want == "truncated") {
			t.Errorf("%v: %v", given, err)
		}
	}
}

// endOnly is an archive of zeros with an end record.
type endOnly struct{ record []byte }

func (e endOnly) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	if len(p) == endSize {
		copy(p, e.record)
	}
	return len(p), nil
}

func TestOpenZip_largeDirectory(t *testing.T) {
	t.Parallel()
	record := make([]byte, endSize)
	binary.LittleEndian.PutUint32(record, endSignature)
	binary.LittleEndian.PutUint32(record[12:], maxDirectory+1)
	_, err := OpenZip(endOnly{record}, maxDirectory+1+endSize, prefix, DefaultLimits())
	if diag.CodeOf(err) != diag.ArchiveUnsafe || !strings.Contains(err.Error(), "directory is too large") {
		t.Error(err)
	}
}

// Limits are what is still allowed.
func TestOpenZip_limitsAreInclusive(t *testing.T) {
	t.Parallel()
	data := rawZip(t, 0, stored("d/a", "aa"), stored("d/b", "bbb"))
	for _, tt := range []struct {
		limits Limits
		want   string
	}{
		{Limits{Files: 2, File: 3, Total: 5, Ratio: 1}, ""},
		{Limits{Files: 1, File: 3, Total: 5, Ratio: 1}, "has 2 files"},
		{Limits{Files: 2, File: 2, Total: 5, Ratio: 1}, "a file of 3 bytes"},
		{Limits{Files: 2, File: 3, Total: 4, Ratio: 1}, "5 bytes together"},
	} {
		_, err := OpenZip(bytes.NewReader(data), int64(len(data)), prefix, tt.limits)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.limits, err)
		}
	}
}

func TestCheckPath_says(t *testing.T) {
	t.Parallel()
	element := strings.Repeat("e", maxElement)
	long := strings.Repeat(element+"/", maxPath/(maxElement+1))
	for p, want := range map[string]string{
		"a": "", "src/fmt/print.go": "", "...": "", element: "", long[:maxPath-1]: "", long[:maxPath-1] + "x": "an element that is too long",
		"": "is empty", long + "x": "is too long", "a\xff": "is not UTF-8", "/a": "is absolute", "a/": "is that of a directory",
		`a\b`: "has a backslash", "a\x1fb": "has a control character", "a\x7fb": "has a control character",
		"a//b": "has an empty element", "./a": "has an element .", "a/..": "has an element ..", element + "e": "an element that is too long",
	} {
		err := CheckPath(p)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", p, err, want)
		}
	}
	if text := CheckPath("/" + strings.Repeat("x", 200)).Error(); strings.Count(text, "x") != 119 || !strings.HasSuffix(text, `..."`) {
		t.Errorf("a long name is not cut: %s", text)
	}
	if text := CheckPath("/" + strings.Repeat("x", 119)).Error(); !strings.HasSuffix(text, `x"`) {
		t.Errorf("a name of 120 bytes is cut: %s", text)
	}
}
