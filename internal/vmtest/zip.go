package vmtest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// member is one entry of a zip, with what is needed to lie about it.
type member struct {
	name  string
	data  []byte
	mode  fs.FileMode // 0: none, as in zips up to 1.20
	crc   uint32      // xor-ed into the true one
	size  int64       // added to the true one
	flags uint16      // or-ed into the flags
}

// Zip makes the module zip, in the form that t.Variant asks for.
func (t Toolchain) Zip() []byte {
	members := t.moduleFiles()
	if t.Variant == "" {
		return writeZip(members)
	}
	make, ok := variants()[t.Variant]
	if !ok {
		panic("vmtest: no variant " + t.Variant)
	}
	return make(members, t.Prefix())
}

// H1 is the hash that the honest zip has in the checksum database, whatever
// the variant.
func (t Toolchain) H1() string {
	content := map[string][]byte{}
	for _, m := range t.moduleFiles() {
		content[m.name] = m.data
	}
	h1, err := dirhash.Hash1(slices.Collect(maps.Keys(content)), func(name string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content[name])), nil
	})
	if err != nil {
		panic("vmtest: " + err.Error())
	}
	return h1
}

// Variants names the dishonest and damaged zips that there are.
func Variants() []string { return slices.Sorted(maps.Keys(variants())) }

// variants makes each kind of zip that must be refused, from the members of the
// honest one.
func variants() map[string]func(members []member, prefix string) []byte {
	with := func(extra func(prefix string) member) func([]member, string) []byte {
		return func(members []member, prefix string) []byte {
			return writeZip(append(members, extra(prefix)))
		}
	}
	named := func(name string) func([]member, string) []byte {
		return with(func(prefix string) member {
			return member{name: strings.ReplaceAll(name, "PREFIX/", prefix), data: []byte("evil\n"), mode: 0o644}
		})
	}
	changed := func(change func(m *member)) func([]member, string) []byte {
		return func(members []member, prefix string) []byte {
			i := slices.IndexFunc(members, func(m member) bool { return m.name == prefix+"src/fmt/print.go" })
			change(&members[i])
			return writeZip(members)
		}
	}
	linked := func(mode fs.FileMode, target string) func([]member, string) []byte {
		return with(func(prefix string) member {
			return member{name: prefix + "src/link", data: []byte(target), mode: mode | 0o777}
		})
	}
	return map[string]func([]member, string) []byte{
		"absolute":      named("/evil"),
		"backslash":     named(`PREFIX/src\..\..\evil`),
		"bomb":          with(func(p string) member { return member{name: p + "src/bomb", data: make([]byte, 64<<20), mode: 0o644} }),
		"byte":          changed(func(m *member) { m.data = append([]byte("q"), m.data[1:]...) }),
		"case":          named("PREFIX/src/fmt/Print.go"),
		"case-dir":      named("PREFIX/src/FMT/other.go"),
		"control":       named("PREFIX/src/a\nb"),
		"crc":           changed(func(m *member) { m.crc = 1 }),
		"device":        linked(fs.ModeDevice|fs.ModeCharDevice, ""),
		"dotdot":        named("PREFIX/../../evil"),
		"dotdot-inside": named("PREFIX/src/../evil"),
		"duplicate":     named("PREFIX/src/fmt/print.go"),
		"encrypted":     changed(func(m *member) { m.flags = 1 }),
		"extra":         named("PREFIX/src/extra.go"),
		"file-and-dir":  named("PREFIX/src/fmt/print.go/below"),
		"foreign":       named("example.com/other@v1.0.0/evil"),
		"longer":        changed(func(m *member) { m.size = 7 }),
		"missing":       func(members []member, _ string) []byte { return writeZip(members[:len(members)-1]) },
		"overlap":       overlap,
		"shorter":       changed(func(m *member) { m.size = -7 }),
		"symlink":       linked(fs.ModeSymlink, "../../../etc/passwd"),
		"truncated":     func(members []member, _ string) []byte { z := writeZip(members); return z[:len(z)*2/3] },
	}
}

// writeZip packs members. Every field is written as the member has it, so that
// the writer of the library corrects nothing.
func writeZip(members []member) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	fw, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err)
	}
	for _, m := range members {
		var packed bytes.Buffer
		fw.Reset(&packed)
		_, _ = fw.Write(m.data)
		_ = fw.Close()
		h := &zip.FileHeader{
			Name: m.name, Method: zip.Deflate, Flags: m.flags,
			CRC32:              crc32.ChecksumIEEE(m.data) ^ m.crc,
			CompressedSize64:   uint64(packed.Len()),
			UncompressedSize64: uint64(int64(len(m.data)) + m.size),
		}
		if m.mode != 0 {
			h.SetMode(m.mode)
		}
		raw, err := w.CreateRaw(h)
		if err == nil {
			_, err = raw.Write(packed.Bytes())
		}
		if err != nil {
			panic(fmt.Sprintf("vmtest: zip of %s: %v", m.name, err))
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// overlap makes a zip in which two entries share one piece of data, by which
// small archives grow without bound.
func overlap(members []member, prefix string) []byte {
	last := members[len(members)-1]
	last.name = prefix + "src/zzz"
	z := writeZip(append(members, last))
	const offsetField = 42
	signature := []byte("PK\x01\x02")
	first := bytes.Index(z, signature)
	final := bytes.LastIndex(z, signature)
	offset := binary.LittleEndian.Uint32(z[first+offsetField:])
	binary.LittleEndian.PutUint32(z[final+offsetField:], offset)
	return z
}
