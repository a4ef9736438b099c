package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/inflate"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func extractZip(t *testing.T, data []byte, prefix string, limits Limits, opts Options) (*treeSink, []File, error) {
	t.Helper()
	sink := newTreeSink()
	z, err := OpenZip(bytes.NewReader(data), int64(len(data)), prefix, limits)
	if err != nil {
		return sink, nil, err
	}
	files, err := z.Extract(t.Context(), sink, opts)
	if sink.open != 0 {
		t.Errorf("%d directories and files were not closed", sink.open)
	}
	return sink, files, err
}

func TestExtract_givesWhatTheOfficialArchiveHas(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.22.5", "1.17.13"} { // with and without modes in the zip
		for _, opts := range []Options{{}, {Jobs: 3}, {Jobs: 3, InOrder: true}} {
			tc := vmtest.Toolchain{Version: version, Pad: 700 << 10}
			sink, files, err := extractZip(t, tc.Zip(), tc.Prefix(), DefaultLimits(), opts)
			if err != nil {
				t.Fatalf("%s %+v: %v", version, opts, err)
			}
			want := tc.GOROOT()
			for _, f := range files {
				official := want[f.Path]
				if official == nil {
					t.Errorf("%s: %s is in no official archive", version, f.Path)
					continue
				}
				if string(official.Data) != sink.files[f.Path] || int64(len(official.Data)) != f.Size || official.Mode.Perm() != f.Mode {
					t.Errorf("%s: %s has mode %o and %d bytes, want %o and %d", version, f.Path, f.Mode, f.Size, official.Mode, len(official.Data))
				}
			}
			for p := range want {
				top, _, _ := strings.Cut(p, "/")
				left := slices.Contains([]string{"api", "doc", "misc", "test"}, top)
				if _, ok := sink.files[p]; ok == left {
					t.Errorf("%s: %s extracted: %v", version, p, ok)
				}
			}
			if !slices.IsSortedFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) }) {
				t.Errorf("%s: the files are not sorted", version)
			}
		}
	}
}

// Zips that differ from the release in contents only are for the log to judge.
var wellFormed = []string{"byte", "extra", "missing"}

func TestOpenZip_refusesWhatNoReleaseWouldBe(t *testing.T) {
	t.Parallel()
	for _, variant := range vmtest.Variants() {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			tc := vmtest.Toolchain{Version: "1.22.5", Variant: variant}
			_, _, err := extractZip(t, tc.Zip(), tc.Prefix(), DefaultLimits(), Options{Jobs: 2})
			if slices.Contains(wellFormed, variant) {
				if err != nil {
					t.Errorf("a well-formed zip is refused: %v", err)
				}
				return
			}
			if diag.CodeOf(err) != diag.ArchiveUnsafe {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOpenZip_limits(t *testing.T) {
	t.Parallel()
	tc := vmtest.Toolchain{Version: "1.22.5"}
	data := tc.Zip()
	for name, change := range map[string]func(*Limits){
		"files": func(l *Limits) { l.Files = 3 },
		"file":  func(l *Limits) { l.File = 20 },
		"total": func(l *Limits) { l.Total = 100 },
		"ratio": func(l *Limits) { l.Ratio = 0 },
	} {
		limits := DefaultLimits()
		change(&limits)
		if _, err := OpenZip(bytes.NewReader(data), int64(len(data)), tc.Prefix(), limits); diag.CodeOf(err) != diag.ArchiveUnsafe {
			t.Errorf("limit of %s: %v", name, err)
		}
	}
}

// TestOpenZip_everyByteCounts changes each byte of a zip in turn. Either the
// archive is refused, or every file comes out as it was: nothing that is not
// covered by a file's digest or the checks of the reader may go unseen, other
// than what no part of vmgo looks at (times, versions, attributes).
func TestOpenZip_everyByteCounts(t *testing.T) {
	t.Parallel()
	step := 1
	if testing.Short() {
		step = 7
	}
	if everyByteCounts(t, vmtest.Toolchain{Version: "1.22.5"}.Zip(), step) == 0 {
		t.Error("no change was accepted")
	}
	everyByteCounts(t, oneLarge(t, zip.Deflate), 997)
	everyByteCounts(t, oneLarge(t, zip.Store), 9973)
}

const prefix = "golang.org/toolchain@v0.0.1-go1.22.5.linux-amd64/"

// oneLarge is a zip of one member that is not inflated whole.
func oneLarge(t *testing.T, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: prefix + "lib/large", Method: method})
	for i := 0; i < small/6 && err == nil; i++ {
		_, err = fmt.Fprintln(f, i*i)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// everyByteCounts answers how many changes were accepted. Within the archive it
// goes in steps.
func everyByteCounts(t *testing.T, data []byte, step int) (accepted int) {
	t.Helper()
	_, want, err := extractZip(t, data, prefix, DefaultLimits(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	next := func(i int) int {
		if i < 100 || i >= len(data)-300 { // headers, trailer and directory, if it is of one member
			return i + 1
		}
		return min(i+step, len(data)-300)
	}
	for i := 0; i < len(data); i = next(i) {
		damaged := slices.Clone(data)
		damaged[i] ^= 0x21
		_, files, err := extractZip(t, damaged, prefix, DefaultLimits(), Options{})
		if err != nil {
			if diag.CodeOf(err) != diag.ArchiveUnsafe {
				t.Fatalf("byte %d: %v", i, err)
			}
			continue
		}
		accepted++
		if !slices.EqualFunc(files, want, func(a, b File) bool { return a.Path == b.Path && a.SHA256 == b.SHA256 }) {
			// A changed byte with a right CRC cannot be: CRC-32 finds all of these.
			t.Errorf("byte %d: other contents came out", i)
		}
	}
	if accepted > len(data)/2/step {
		t.Errorf("%d of %d changes were accepted", accepted, len(data))
	}
	for n := 0; n < len(data); n += step {
		if _, err := OpenZip(bytes.NewReader(data[:n]), int64(n), prefix, DefaultLimits()); diag.CodeOf(err) != diag.ArchiveUnsafe {
			t.Fatalf("cut off at %d: %v", n, err)
		}
	}
	return accepted
}

func TestExtract_stops(t *testing.T) {
	t.Parallel()
	tc := vmtest.Toolchain{Version: "1.22.5"}
	data := tc.Zip()
	z, err := OpenZip(bytes.NewReader(data), int64(len(data)), tc.Prefix(), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("somebody said stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := z.Extract(ctx, newTreeSink(), Options{Jobs: 2}); !errors.Is(err, why) {
		t.Errorf("stopped: %v", err)
	}
	sink := newTreeSink()
	sink.fail = "src/fmt/print.go"
	if _, err := z.Extract(t.Context(), sink, Options{Jobs: 2}); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("a sink that is full: %v", err)
	}
}

func TestModeOf(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]fs.FileMode{
		"bin/go": 0o755, "bin/gofmt": 0o755, "bin/sub/x": 0o644, "pkg/tool/linux_amd64/compile": 0o755,
		"src/all.bash": 0o755, "src/cmd/x.sh": 0o755, "src/crypto/x.pl": 0o755, "src/all.rc": 0o755, "src/fmt/print.go": 0o644,
		"lib/wasm/go_js_wasm_exec": 0o755, "misc/ios/go_ios_exec": 0o644, "go.env": 0o644, "src/go_a_b_exec.go": 0o644,
	} {
		if got := ModeOf(p); got != want {
			t.Errorf("%s: %o, want %o", p, got, want)
		}
	}
}

// FuzzOpenZip: whatever comes in, nothing leaves the tree and nothing panics.
func FuzzOpenZip(f *testing.F) {
	for _, variant := range append(vmtest.Variants(), "") {
		if variant != "bomb" {
			f.Add(vmtest.Toolchain{Version: "1.22.5", Variant: variant}.Zip())
		}
	}
	prefix := vmtest.Toolchain{Version: "1.22.5"}.Prefix()
	limits := Limits{Files: 1000, File: 1 << 20, Total: 4 << 20, Ratio: 1000}
	f.Fuzz(func(t *testing.T, data []byte) {
		sink, files, err := extractZip(t, data, prefix, limits, Options{Jobs: 2})
		for p := range sink.files {
			if !fs.ValidPath(p) || p == "." || strings.ContainsAny(p, "\\\x00\n") {
				t.Errorf("a file at %q", p)
			}
		}
		if err == nil && len(files) != len(sink.files) {
			t.Errorf("%d files, %d placed", len(files), len(sink.files))
		}
	})
}

// FuzzCheckPath: a path that is accepted is one that stays where it is put.
func FuzzCheckPath(f *testing.F) {
	for _, p := range []string{"src/fmt/print.go", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "a/", ".", "", "a\x00b", "a/./b", strings.Repeat("a", 300)} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if CheckPath(p) == nil && (!fs.ValidPath(p) || p == "." || strings.ContainsAny(p, "\\\x00\n\r")) {
			t.Errorf("%q is accepted", p)
		}
	})
}

// faulty is an archive whose network fails after some reads, for good or once.
type faulty struct {
	io.ReaderAt
	left atomic.Int32
	once bool
}

var errBroken = errors.New("the connection broke")

func (f *faulty) ReadAt(p []byte, off int64) (int, error) {
	if left := f.left.Add(-1); left == -1 || left < 0 && !f.once {
		return 0, errBroken
	}
	return f.ReaderAt.ReadAt(p, off)
}

// A fault of the network is told from one of the archive, whenever it happens.
func TestZip_brokenConnection(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", small/8)
	data := rawZip(t, 0, stored("a/1", "1"), lying(packedMember(t, "b/2", large), func(m *rawMember) { m.Flags |= flagDescriptor }), stored("c/3", large), packedMember(t, "d/4", "4"))
	limits := DefaultLimits()
	limits.Ratio = 1000
	whole := map[string]string{"a/1": "1", "b/2": large, "c/3": large, "d/4": "4"}
	for _, jobs := range []int{1, 3, -1} { // -1: once
		for n := int32(0); ; n++ {
			r := &faulty{ReaderAt: bytes.NewReader(data), once: jobs < 0}
			r.left.Store(n)
			z, err := OpenZip(r, int64(len(data)), prefix, limits)
			sink := newTreeSink()
			if err == nil {
				_, err = z.Extract(t.Context(), sink, Options{Jobs: jobs})
			}
			if r.left.Load() >= 0 {
				if err != nil || n < 6 {
					t.Errorf("after %d reads, of which none failed: %v", n, err)
				}
				break
			}
			if err == nil && maps.Equal(sink.files, whole) { // what broke was read ahead, and not needed
				continue
			}
			if !errors.Is(err, errBroken) || diag.CodeOf(err) == diag.ArchiveUnsafe {
				t.Errorf("after %d reads: %v", n, err)
			}
		}
	}
}

// So is one that happens where only the end of a member is left to read.
func TestZip_brokenAtTheEnd(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("x"), 2000)
	packed := append([]byte{1, 0xd0, 0x07, 0x2f, 0xf8}, content...) // one block, the last, of 2000 bytes as they are
	m := &Member{File: File{Size: 2000, CRC32: crc32.ChecksumIEEE(content)}, method: methodDeflate}
	for end, want := range map[io.Reader]error{bytes.NewReader(nil): nil, strings.NewReader("hidden"): inflate.ErrLeftOver, iotest.ErrReader(errBroken): errBroken} {
		w := &worker{x: &extraction{}}
		if err := w.pieces(t.Context(), m, io.MultiReader(bytes.NewReader(packed), end), io.Discard); err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}
