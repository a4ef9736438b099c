package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/vmgo/vmgo/internal/diag"
)

// entry is one member of a made-up archive.
type entry struct {
	tar.Header
	content string
}

func file(name, content string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}, content}
}

func with(e entry, change func(*tar.Header)) entry {
	change(&e.Header)
	return e
}

func tarball(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, e := range entries {
		if err := tw.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	if _, err := zw.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func extract(data []byte, limits Limits) (*treeSink, []File, error) {
	sink := newTreeSink()
	files, err := ExtractTarGz(context.Background(), bytes.NewReader(data), sink, Options{Limits: limits, Jobs: 3})
	if err == nil && sink.open != 0 {
		err = errors.New("something was left open")
	}
	return sink, files, err
}

func TestExtractTarGz(t *testing.T) {
	t.Parallel()
	long := "go/test/" + strings.Repeat("d/", 60) + strings.Repeat("x", 120) + ".go"
	members := tarball(t,
		entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: "go/", Mode: 0o755}},
		file("go/VERSION", "go1.22.5\n"),
		with(file("go/bin/go", "#!/bin/sh\n"), func(h *tar.Header) { h.Mode = 0o100775 }), // old archives have the type in the mode
		entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: "go/src/", Mode: 0o755}},
		entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: "go/doc/empty/", Mode: 0o755}},
		file("go/src/go.mod", "module std\n"),
		file("go/src/a/x.go", ""),
		file("go/src/z.go", "z"),
		file("go/test/\u00c4foo.go", "umlaut"),
		file(long, "long"),
	)
	data := zipped(t, append(members, make([]byte, 8<<10)...)) // GNU tar fills up its last record
	sink, files, err := extract(data, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if sink.dirs["doc"] || sink.dirs["doc/empty"] {
		t.Error("a directory was made that has no file, which no proof covers")
	}
	if len(files) != 7 || len(sink.files) != 7 || sink.files["src/z.go"] != "z" || sink.files["test/\u00c4foo.go"] != "umlaut" {
		t.Errorf("%v", sink.files)
	}
	for i, f := range files {
		want := fs.FileMode(0o644)
		if f.Path == "bin/go" {
			want = 0o755
		}
		if f.Mode != want || f.SHA256 != sha256.Sum256([]byte(sink.files[f.Path])) || i > 0 && files[i-1].Path >= f.Path {
			t.Errorf("%+v", f)
		}
	}
}

func TestExtractTarGz_refuses(t *testing.T) {
	t.Parallel()
	good := file("go/VERSION", "go1.22.5\n")
	kind := func(flag byte, link string) entry {
		return entry{Header: tar.Header{Typeflag: flag, Name: "go/src/x", Linkname: link, Mode: 0o644}}
	}
	pax := func(key, value string) entry {
		return with(file("go/x", "x"), func(h *tar.Header) {
			h.PAXRecords, h.Format = map[string]string{key: value}, tar.FormatPAX
		})
	}
	limits := DefaultLimits()
	limits.Files, limits.File, limits.Total = 20, 4<<20, 6<<20
	zeros := func(name string, size int) entry { return file(name, strings.Repeat("\x00", size)) }
	noise := func(name string, size int) entry { return file(name, randomText(size)) }
	many := make([]entry, 21)
	for i := range many {
		many[i] = file("go/f"+string(rune('a'+i)), "")
	}
	inner := tarball(t, good)
	dir := func(name string) entry {
		return entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}}
	}
	sized := tarball(t, dir("go/x/"))
	copy(sized[124:], "00000000005\x00")
	checksum(sized)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"symbolic link", zipped(t, tarball(t, kind(tar.TypeSymlink, "/etc/passwd"))), "symbolic link"},
		{"hard link", zipped(t, tarball(t, good, kind(tar.TypeLink, "go/VERSION"))), "hard link"},
		{"character device", zipped(t, tarball(t, kind(tar.TypeChar, ""))), "device"},
		{"block device", zipped(t, tarball(t, kind(tar.TypeBlock, ""))), "device"},
		{"named pipe", zipped(t, tarball(t, kind(tar.TypeFifo, ""))), "named pipe"},
		{"unknown type", zipped(t, tarball(t, kind('Z', ""))), "unknown type"},
		{"global header", zipped(t, tarball(t, entry{Header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"path": "x"}}}, good)), "unknown type"},
		{"setuid", zipped(t, tarball(t, with(good, func(h *tar.Header) { h.Mode = 0o4755 }))), "setuid"},
		{"setgid directory", zipped(t, tarball(t, entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: "go/x/", Mode: 0o2755}})), "setuid"},
		{"sticky", zipped(t, tarball(t, with(good, func(h *tar.Header) { h.Mode = 0o1644 }))), "setuid"},
		{"extended attribute", zipped(t, tarball(t, pax("SCHILY.xattr.security.capability", "x"))), "attribute"},
		{"vendor attribute", zipped(t, tarball(t, pax("VENDOR.x", "x"))), "attribute"},
		{"comment", zipped(t, tarball(t, pax("comment", "x"))), "attribute"},
		{"link name on a file", zipped(t, bytes.ReplaceAll(tarball(t, pax("VENDOR.x", "y")), []byte("VENDOR.x"), []byte("linkpath"))), "leads elsewhere"},
		{"outside", zipped(t, tarball(t, file("etc/passwd", "x"))), "outside go/"},
		{"parent", zipped(t, tarball(t, file("go/../x", "x"))), "element .."},
		{"parent, later", zipped(t, tarball(t, file("go/a/../../x", "x"))), "element .."},
		{"absolute", zipped(t, tarball(t, file("/go/x", "x"))), "outside go/"},
		{"empty element", zipped(t, tarball(t, file("go//etc/x", "x"))), "absolute"},
		{"prefix alone", zipped(t, tarball(t, file("go", "x"))), "outside go/"},
		{"backslash", zipped(t, tarball(t, file(`go/a\b`, "x"))), "backslash"},
		{"newline", zipped(t, tarball(t, file("go/a\nb", "x"))), "control character"},
		{"directory without a slash", zipped(t, tarball(t, dir("go/x"))), "outside go/"},
		{"top without a slash", zipped(t, tarball(t, dir("go"))), "outside go/"},
		{"directory with contents", zipped(t, sized), "outside go/"},
		{"file as directory, empty", zipped(t, tarball(t, good, dir("go/VERSION/"))), "both a file and a directory"},
		{"setuid link", zipped(t, tarball(t, with(kind(tar.TypeSymlink, "x"), func(h *tar.Header) { h.Mode = 0o4755 }))), "symbolic link"},
		{"directory outside", zipped(t, tarball(t, entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755}})), "outside go/"},
		{"directory upwards", zipped(t, tarball(t, entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: "go/../x/", Mode: 0o755}})), "element .."},
		{"twice", zipped(t, tarball(t, good, good)), "two files of one name"},
		{"by case", zipped(t, tarball(t, good, file("go/version", ""))), "case only"},
		{"file as directory", zipped(t, tarball(t, good, file("go/VERSION/x", ""))), "both a file and a directory"},
		{"directory as file", zipped(t, tarball(t, file("go/a/b", ""), file("go/a", ""))), "both a file and a directory"},
		{"name of a module zip", zipped(t, tarball(t, file("go/src/_go.mod", ""))), "cannot have"},
		{"too many", zipped(t, tarball(t, many...)), "more than 20 files"},
		{"too deep", zipped(t, tarball(t, file("go/"+strings.Repeat("d/", 25)+"x", ""))), "more than 20 directories"},
		{"too deep, empty", zipped(t, tarball(t, dir("go/"+strings.Repeat("d/", 25)))), "more than 20 directories"},
		{"too large", zipped(t, tarball(t, zeros("go/x", 4<<20+1))), "a file of"},
		{"too much", zipped(t, tarball(t, noise("go/x", 4<<20), noise("go/y", 3<<20))), "together"},
		{"bomb", zipped(t, tarball(t, zeros("go/x", 3<<20))), "bytes from"},
		{"bytes after the end of the tar", zipped(t, append(bytes.Clone(inner), "hidden"...)), "after its end"},
		{"another tar after the end", zipped(t, append(bytes.Clone(inner), inner...)), "after its end"},
		{"endless zeros after the end", zipped(t, append(bytes.Clone(inner), make([]byte, 2<<20)...)), "after its end"},
		{"bytes after the gzip", append(zipped(t, inner), "hidden"...), "after its end"},
		{"zero after the gzip", append(zipped(t, inner), 0), "after its end"},
		{"second gzip member", append(zipped(t, inner), zipped(t, inner)...), "after its end"},
		{"tar over two gzip members", append(zipped(t, inner[:512]), zipped(t, inner[512:])...), "truncated"},
		{"not gzip", inner, "damaged"},
		{"another first byte", damaged(zipped(t, inner), 0), "not a gzip file"},
		{"another second byte", damaged(zipped(t, inner), 1), "not a gzip file"},
		{"another method", damaged(zipped(t, inner), 2), "not a gzip file"},
		{"a flag of no meaning", patch(zipped(t, inner), 3, []byte{0x20}), "not a gzip file"},
		{"empty", nil, "truncated"},
		{"wrong checksum of the gzip", damaged(zipped(t, inner), -8), "damaged"},
		{"wrong length of the gzip", damaged(zipped(t, inner), -1), "damaged"},
		{"wrong checksum of a header", zipped(t, damaged(inner, 3)), "damaged"},
		{"gzip of nothing like a tar", zipped(t, []byte(strings.Repeat("hello ", 200))), "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sink, _, err := extract(tt.data, limits)
			if diag.CodeOf(err) != diag.ArchiveUnsafe || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v [%s], want archive-unsafe with %q", err, diag.CodeOf(err), tt.want)
			}
			if tt.want != "damaged" && tt.want != "not a gzip file" && strings.Contains(err.Error(), "damaged") {
				t.Errorf("what is well-formed is called damaged: %v", err)
			}
			for name := range sink.files {
				if CheckPath(name) != nil {
					t.Errorf("a file %q was made", name)
				}
			}
		})
	}
}

func damaged(data []byte, at int) []byte {
	data = bytes.Clone(data)
	if at < 0 {
		at += len(data)
	}
	data[at] ^= 0x55
	return data
}

// Sparse files as GNU tar and PAX write them cannot be made with archive/tar;
// the header is patched.
func TestExtractTarGz_sparse(t *testing.T) {
	t.Parallel()
	old := tarball(t, with(file("go/x", strings.Repeat("x", 512)), func(h *tar.Header) { h.Format = tar.FormatGNU }))
	old[156] = 'S'
	copy(old[386:], "00000000000\x00000000001000\x00") // one block
	copy(old[483:], "00000001000\x00")                 // real size
	checksum(old)
	if _, _, err := extract(zipped(t, old), DefaultLimits()); diag.CodeOf(err) != diag.ArchiveUnsafe {
		t.Errorf("GNU: %v", err)
	}
	pax := tarball(t, with(file("go/x", strings.Repeat("x", 1024)), func(h *tar.Header) {
		h.PAXRecords, h.Format = map[string]string{"XXX.sparse.major": "1", "XXX.sparse.minor": "0"}, tar.FormatPAX
	}))
	pax = bytes.ReplaceAll(pax, []byte("XXX.sparse"), []byte("GNU.sparse"))
	if _, _, err := extract(zipped(t, pax), DefaultLimits()); diag.CodeOf(err) != diag.ArchiveUnsafe {
		t.Errorf("PAX: %v", err)
	}
}

func checksum(header []byte) {
	copy(header[148:156], "        ")
	sum := 0
	for _, b := range header[:512] {
		sum += int(b)
	}
	const digits = "01234567"
	field := []byte("000000\x00 ")
	for i := 5; i >= 0; i-- {
		field[i] = digits[sum&7]
		sum >>= 3
	}
	copy(header[148:], field)
}

func TestExtractTarGz_truncatedAnywhere(t *testing.T) {
	t.Parallel()
	data := zipped(t, tarball(t, file("go/VERSION", "go1.22.5\n"), file("go/src/a.go", strings.Repeat("package a\n", 50))))
	for n := range len(data) {
		if _, _, err := extract(data[:n], DefaultLimits()); diag.CodeOf(err) != diag.ArchiveUnsafe || err.Error() != "the archive is truncated" {
			t.Fatalf("cut at %d of %d: %v", n, len(data), err)
		}
	}
}

func TestExtractTarGz_faultsOfOthers(t *testing.T) {
	t.Parallel()
	data := zipped(t, tarball(t, file("go/a/x", "x"), file("go/b/y", "y")))
	broken := errors.New("the cable was cut")
	r := io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(broken))
	_, err := ExtractTarGz(context.Background(), r, newTreeSink(), Options{Limits: DefaultLimits(), Jobs: 2})
	if err != broken { // and no fault of the archive
		t.Errorf("a fault of the reader: %v", err)
	}
	sink := newTreeSink()
	sink.fail = "b/y"
	if _, err := ExtractTarGz(context.Background(), bytes.NewReader(data), sink, Options{Limits: DefaultLimits(), Jobs: 2}); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("a fault of the sink: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ExtractTarGz(ctx, bytes.NewReader(data), newTreeSink(), Options{Limits: DefaultLimits()}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func FuzzExtractTarGz(f *testing.F) {
	f.Add(tarball(f, file("go/VERSION", "go1.22.5\n"), file("go/src/a/b.go", "package b")))
	f.Add(tarball(f, with(file("go/\u00e4", "x"), func(h *tar.Header) { h.Format = tar.FormatPAX })))
	f.Fuzz(func(t *testing.T, data []byte) {
		sink, files, err := extract(zipped(t, data), Limits{Files: 100, File: 1 << 20, Total: 4 << 20, Ratio: 40})
		for name := range sink.files {
			if CheckPath(name) != nil {
				t.Errorf("a file %q was made", name)
			}
		}
		if err == nil && len(files) != len(sink.files) {
			t.Errorf("%d files told, %d made", len(files), len(sink.files))
		}
	})
}
