package store_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

func TestManifest_roundTrip(t *testing.T) {
	t.Parallel()
	m := store.Manifest{
		{Path: "VERSION", Mode: 0o644, Size: 10, CRC32: 0xdeadbeef, SHA256: [32]byte{1, 2}},
		{Path: "bin/go", Mode: 0o755, Size: 0},
		{Path: "src/with space/é.go", Mode: 0o644, Size: 1 << 40},
	}
	got, err := store.DecodeManifest(m.Encode())
	if err != nil || !slices.Equal(got, m) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestDecodeManifest_strict(t *testing.T) {
	t.Parallel()
	good := store.Manifest{{Path: "a", Mode: 0o644, Size: 12}, {Path: "b", Mode: 0o755, Size: 3}}.Encode()
	for name, change := range map[string]func(string) string{
		"cut":        func(s string) string { return s[:len(s)-1] },
		"empty line": func(s string) string { return "\n" + s },
		"order":      func(s string) string { i := strings.IndexByte(s, '\n') + 1; return s[i:] + s[:i] },
		"twice":      func(s string) string { return s + s[strings.IndexByte(s, '\n')+1:] },
		"upper case": func(s string) string { return strings.Replace(s, "00000000 644", "0000000A 644", 1) },
		"mode":       func(s string) string { return strings.Replace(s, " 755 ", " 777 ", 1) },
		"sign":       func(s string) string { return strings.Replace(s, " 12 a", " +12 a", 1) },
		"zero":       func(s string) string { return strings.Replace(s, " 12 a", " 012 a", 1) },
		"negative":   func(s string) string { return strings.Replace(s, " 12 a", " -12 a", 1) },
		"dotdot":     func(s string) string { return strings.Replace(s, " a\n", " ../a\n", 1) },
		"no path":    func(s string) string { return strings.Replace(s, " a\n", " \n", 1) },
		"CR":         func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"tab":        func(s string) string { return strings.ReplaceAll(s, " ", "\t") },
	} {
		if m, err := store.DecodeManifest([]byte(change(string(good)))); diag.CodeOf(err) != diag.Tampered {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add(store.Manifest{{Path: "a", Mode: 0o644, Size: 12}, {Path: "b/c d", Mode: 0o755, Size: 3}}.Encode())
	f.Add([]byte(fmt.Sprintf("%064x %08x 644 1 x\n", 1, 2)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := store.DecodeManifest(text); err == nil && !bytes.Equal(m.Encode(), text) {
			t.Errorf("%q is accepted and encodes to %q", text, m.Encode())
		}
	})
}
