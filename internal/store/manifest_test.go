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
	good := string(store.Manifest{{Path: "a", Mode: 0o644, Size: 12}, {Path: "b", Mode: 0o755, Size: 3}}.Encode())
	head, lines, _ := strings.Cut(good, "\n")
	a, b, _ := strings.Cut(lines, "\n")
	const columns, digest, mode, size, order = "columns", "hexadecimal", "a mode other", "a size", "not sorted"
	line := func(text string) string { return head + "\n" + text + "\n" + b }
	char := func(at int, c string) string { return line(a[:at] + c + a[at+1:]) }
	for name, c := range map[string]struct{ text, why string }{
		"cut":              {good[:len(good)-1], "truncated"},
		"empty line":       {line(""), columns},
		"short":            {line(a[:73]), columns},
		"only digests":     {line(a[:74]), mode},
		"no size":          {line(a[:77]), size},
		"order":            {head + "\n" + b + a + "\n", order},
		"twice":            {line(a + "\n" + a), order},
		"tab after":        {char(64, "\t"), columns},
		"tab between":      {char(73, "\t"), columns},
		"upper case":       {char(63, "A"), digest},
		"upper-case CRC":   {char(72, "A"), digest},
		"below the digits": {char(5, "/"), digest},
		"above the digits": {char(5, ":"), digest},
		"below a":          {char(5, "`"), digest},
		"above f":          {char(65, "g"), digest},
		"mode":             {line(strings.Replace(a, " 644 ", " 777 ", 1)), mode},
		"sign":             {line(strings.Replace(a, " 12 a", " +12 a", 1)), size},
		"zero":             {line(strings.Replace(a, " 12 a", " 012 a", 1)), size},
		"negative":         {line(strings.Replace(a, " 12 a", " -12 a", 1)), size},
		"too large":        {line(strings.Replace(a, " 12 a", " 99999999999999999999 a", 1)), size},
		"dotdot":           {line(strings.Replace(a, " 12 a", " 12 ../a", 1)), "../a"},
		"no path":          {line(strings.Replace(a, " 12 a", " 12 ", 1)), "line 1"},
		"CR":               {strings.ReplaceAll(good, "\n", "\r\n"), "a format"},
		"tab in it":        {line(strings.Replace(a, " 12 a", "\t12 a", 1)), mode},
	} {
		if m, err := store.DecodeManifest([]byte(c.text)); diag.CodeOf(err) != diag.Tampered || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, %v, want %q", name, m, err, c.why)
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
