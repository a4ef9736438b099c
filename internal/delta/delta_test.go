package delta

import (
	"bytes"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
)

func TestWrite_sendsTheDifference(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	base := make([]byte, 3<<20)
	for i := range base {
		base[i] = byte(random.Uint32())
	}
	content := append(append(append([]byte{}, base[:1<<20]...), "a change"...), base[1<<20:]...)
	for _, dictionary := range [][]byte{nil, base} {
		var sent bytes.Buffer
		if err := Write(&sent, bytes.NewReader(content), int64(len(content)), dictionary); err != nil {
			t.Fatal(err)
		}
		size := sent.Len()
		reader, err := Reader(&sent, dictionary)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes come back, %v", len(got), err)
		}
		if dictionary != nil && size > len(content)/50 {
			t.Errorf("%d bytes for a change of 8", size)
		}
	}
}

func TestDecode_returnsWhatEncodeWasGiven(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	base := make([]byte, 1<<20)
	for i := range base {
		base[i] = byte(random.Uint32())
	}
	content := append(append(append([]byte{}, base[:1000]...), "a change"...), base[1000:]...)
	packed, err := Encode(content, base)
	if err != nil || len(packed) > 1000 {
		t.Fatalf("%d bytes for a change of 8, %v", len(packed), err)
	}
	buffer := make([]byte, 0, len(content))
	got, err := Decode(packed, base, buffer, len(content))
	if err != nil || !bytes.Equal(got, content) || &got[0] != &buffer[:1][0] {
		t.Errorf("%d bytes come back, %v", len(got), err)
	}
	for name, fault := range map[string]func() ([]byte, error){
		"another size": func() ([]byte, error) { return Decode(packed, base, nil, len(content)-1) },
		"another base": func() ([]byte, error) { return Decode(packed, base[1:], nil, len(content)) },
		"cut off":      func() ([]byte, error) { return Decode(packed[:len(packed)-9], base, nil, len(content)) },
		"no frame":     func() ([]byte, error) { return Decode([]byte("<html>"), base, nil, len(content)) },
		"a bomb":       func() ([]byte, error) { return Decode(packed, base, nil, 10) },
	} {
		if got, err := fault(); err == nil && bytes.Equal(got, content) {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestDecode_needsNoSecondBuffer bounds what a patch of a large file costs: the file that
// is there and the one that is made are all of their size.
func TestDecode_needsNoSecondBuffer(t *testing.T) { // alone: it counts allocations
	if testing.Short() {
		t.Skip("compresses 8 MB: runs without -short")
	}
	random := rand.New(rand.NewPCG(7, 8))
	base := make([]byte, 8<<20)
	for i := range base {
		base[i] = byte(random.Uint32())
	}
	packed, err := Encode(base, base)
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 0, len(base))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Decode(packed, base, buffer, len(base)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if more := after.TotalAlloc - before.TotalAlloc; more > uint64(len(base))/2 {
		t.Errorf("%d bytes are allocated beside a file of %d", more, len(base))
	}
}
