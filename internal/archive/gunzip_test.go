package archive

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"testing"
)

// A header may have an extra field, a name, a comment and a checksum of its own, which
// are passed over. One that ends early is cut off.
func TestNewGunzip_fields(t *testing.T) {
	t.Parallel()
	plain := zipped(t, []byte("hello"))
	for flags := range byte(2 * gzipComment) { // all but the reserved ones
		header := slices.Clone(plain[:gzipHeader])
		header[3] = flags
		for _, field := range []struct {
			flag byte
			data string
		}{{gzipExtra, "\x03\x00ext"}, {gzipName, "name\x00"}, {gzipComment, "comment\x00"}, {gzipHeaderCRC, "\x12\x34"}} {
			if flags&field.flag != 0 {
				header = append(header, field.data...)
			}
		}
		g, err := newGunzip(bytes.NewReader(slices.Concat(header, plain[gzipHeader:])))
		if err != nil {
			t.Errorf("flags %#x: %v", flags, err)
			continue
		}
		if got, err := io.ReadAll(g); err != nil || string(got) != "hello" {
			t.Errorf("flags %#x: %q, %v", flags, got, err)
		}
		for n := range header {
			if _, err := newGunzip(bytes.NewReader(header[:n])); err != io.ErrUnexpectedEOF {
				t.Errorf("flags %#x, cut at %d of %d: %v", flags, n, len(header), err)
			}
		}
	}
	endless := append(patch(plain[:gzipHeader], 3, []byte{gzipName}), bytes.Repeat([]byte("n"), 5<<10)...)
	if _, err := newGunzip(bytes.NewReader(endless)); err != bufio.ErrBufferFull {
		t.Errorf("a name without an end: %v", err)
	}
}
