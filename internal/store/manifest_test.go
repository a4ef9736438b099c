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
		"tab in it":  func(s string) string { return strings.Replace(s, " 12 a", "\t12 a", 1) },
		"tab":        func(s string) string { return strings.ReplaceAll(s, " ", "\t") },
	} {
		if m, err := store.DecodeManifest([]byte(change(string(good)))); diag.CodeOf(err) != diag.Tampered {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// TestDecodeManifest_format: text of before there was a number is of format 1;
// that of a newer vmgo is refused with a word on what to do.
func TestDecodeManifest_format(t *testing.T) {
	t.Parallel()
	m := store.Manifest{{Path: "a", Mode: 0o644, Size: 12}}
	text := string(m.Encode())
	lines, ok := strings.CutPrefix(text, "format 1\n")
	if !ok {
		t.Fatalf("no format: %q", text)
	}
	if got, err := store.DecodeManifest([]byte(lines)); err != nil || !slices.Equal(got, m) {
		t.Errorf("without a number: %v, %v", got, err)
	}
	for head, code := range map[string]diag.Code{
		"format 2\n": diag.NewerFormat, "format 10\nwhatever": diag.NewerFormat, "format 0\n": diag.Tampered, "format 01\n": diag.Tampered,
		"format +1\n": diag.Tampered, "format -1\n": diag.Tampered, "format\n": diag.Tampered, "format 1 \n": diag.Tampered,
		"format 1\nformat 1\n": diag.Tampered, "format 99999999999999999999\n": diag.Tampered,
	} {
		if got, err := store.DecodeManifest([]byte(head + lines)); diag.CodeOf(err) != code || len(diag.HintsOf(err)) == 0 && code == diag.NewerFormat {
			t.Errorf("%q: %v, %v", head, got, err)
		}
	}
}

func TestDecodeManifest_cutOffInTheFirstLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"format 1", "format ", "format 12"} {
		if m, err := store.DecodeManifest([]byte(text)); diag.CodeOf(err) != diag.Tampered {
			t.Errorf("%q: %v, %v", text, m, err)
		}
	}
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add(store.Manifest{{Path: "a", Mode: 0o644, Size: 12}, {Path: "b/c d", Mode: 0o755, Size: 3}}.Encode())
	f.Add([]byte(fmt.Sprintf("%064x %08x 644 1 x\n", 1, 2)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := store.DecodeManifest(text); err == nil && !bytes.Equal(m.Encode(), text) && !bytes.Equal(m.Encode(), append([]byte("format 1\n"), text...)) {
			t.Errorf("%q is accepted and encodes to %q", text, m.Encode())
		}
	})
}
