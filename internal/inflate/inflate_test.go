package inflate

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// withSlack is in as the Decoder wants it, with rubbish behind its end.
func withSlack(in []byte) []byte {
	return append(bytes.Clone(in), bytes.Repeat([]byte{0xa5}, InSlack)...)
}

// reference inflates with the standard library, to its end, and reports whether
// bytes are left over.
func reference(in []byte) (out []byte, left int, err error) {
	src := bytes.NewReader(in)
	out, err = io.ReadAll(io.LimitReader(flate.NewReader(src), 1<<22))
	return out, src.Len(), err
}

// decoders are used again and again, as a worker has them.
type decoders struct {
	whole  Decoder
	pieces Window
}

// check holds the Decoder against the standard library.
func check(t *testing.T, d *decoders, in []byte) {
	t.Helper()
	f := &d.whole
	want, left, wantErr := reference(in)
	got, err := f.All(make([]byte, len(want)+OutSlack), len(want), withSlack(in), len(in))
	if (err == nil) != (wantErr == nil && left == 0) {
		t.Fatalf("got %v; the standard library says %v with %d bytes left", err, wantErr, left)
	}
	if err == nil && !bytes.Equal(got, want) {
		t.Fatalf("other contents than by the standard library")
	}
	checkWindow(t, &d.pieces, in, want, left, wantErr)
	if err != nil {
		return
	}
	if _, err := f.All(make([]byte, len(want)+1+OutSlack), len(want)+1, withSlack(in), len(in)); err != ErrTooShort {
		t.Fatalf("one byte too few: %v", err)
	}
	if len(want) > 0 {
		if _, err := f.All(make([]byte, len(want)-1+OutSlack), len(want)-1, withSlack(in), len(in)); err != ErrTooLong {
			t.Fatalf("one byte too many: %v", err)
		}
	}
}

// checkWindow does the same for data that come and go in pieces.
func checkWindow(t *testing.T, w *Window, in, want []byte, left int, wantErr error) {
	t.Helper()
	for _, src := range []io.Reader{iotest.HalfReader(bytes.NewReader(in)), iotest.DataErrReader(bytes.NewReader(in))} {
		w.Reset(src)
		var got []byte
		var err error
		for err == nil && len(got) < 1<<22 {
			var piece []byte
			piece, err = w.Next()
			got = append(got, piece...)
		}
		if err == nil {
			continue // longer than the reference goes
		}
		if (err == io.EOF) != (wantErr == nil) {
			t.Fatalf("the window: %v; the standard library says %v", err, wantErr)
		}
		if err != io.EOF {
			continue
		}
		rest, err := io.ReadAll(readFunc(w.rest))
		if err != nil || !bytes.Equal(got, want) || len(rest) != left {
			t.Fatalf("the window: other contents than by the standard library, or %d bytes left instead of %d, or %v", len(rest), left, err)
		}
	}
}

func deflated(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// samples have all kinds of blocks, codes and distances.
func samples() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	// Frequencies that double with each symbol need codes of all lengths.
	var skewed []byte
	for i := range 20 {
		skewed = append(skewed, bytes.Repeat([]byte{byte(i * 7)}, 1<<i)...)
	}
	random.Shuffle(len(skewed), func(i, j int) { skewed[i], skewed[j] = skewed[j], skewed[i] })
	far := append(append(bytes.Clone(noise[:32768]), noise[:32768]...), noise[5:400]...)
	s := map[string][]byte{
		"empty": nil, "byte": []byte("x"), "run": make([]byte, 100_000), "noise": noise, "skewed": skewed, "far": far,
		"text":   []byte(strings.Repeat("package archive // the quick brown fox\n", 3000)),
		"mixed":  append(append([]byte(strings.Repeat("abc", 999)), noise[:70_000]...), bytes.Repeat([]byte("xyz!"), 5000)...),
		"long":   bytes.Repeat(noise[:70_001], 9),
		"narrow": bytes.Map(func(r rune) rune { return 'a' + r%2 }, noise[:5000]),
	}
	for period := 1; period <= 20; period++ {
		s["period "+string(rune('a'+period))] = bytes.Repeat(noise[:period], 700/period)
	}
	return s
}

func TestInflate_asTheStandardLibrary(t *testing.T) {
	t.Parallel()
	var d decoders
	for name, data := range samples() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
			packed := deflated(t, data, level)
			check(t, &d, packed)
			if t.Failed() {
				t.Fatal(name, level)
			}
		}
	}
}

// TestInflate_damage cuts and changes packed data: what is not refused must
// come out as the standard library has it.
func TestInflate_damage(t *testing.T) {
	t.Parallel()
	var d decoders
	random := rand.New(rand.NewPCG(3, 4))
	for _, data := range samples() {
		data = data[:min(len(data), 3000)]
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 6} {
			packed := deflated(t, data, level)
			for n := range min(len(packed), 120) {
				check(t, &d, packed[:n])
			}
			check(t, &d, append(bytes.Clone(packed), 0))
			for range 100 {
				damaged := bytes.Clone(packed)
				damaged[random.IntN(min(len(damaged), 200))] ^= 1 << random.IntN(8)
				check(t, &d, damaged)
			}
		}
	}
}

func FuzzInflate(f *testing.F) {
	for _, data := range samples() {
		f.Add(deflated(f, data[:min(len(data), 2000)], 6))
		f.Add(deflated(f, data[:min(len(data), 2000)], flate.HuffmanOnly))
	}
	var d decoders
	f.Fuzz(func(t *testing.T, in []byte) {
		check(t, &d, in)
	})
}

func BenchmarkInflate(b *testing.B) {
	data := samples()["text"]
	packed := withSlack(deflated(b, data, 6))
	out := make([]byte, len(data)+OutSlack)
	var f Decoder
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := f.All(out, len(data), packed, len(packed)-InSlack); err != nil {
			b.Fatal(err)
		}
	}
}
