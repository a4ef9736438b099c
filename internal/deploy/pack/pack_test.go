package pack

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

func made(t *testing.T) (Signed, string) {
	t.Helper()
	dir := t.TempDir()
	s := Signed{Manifest: Manifest{Format: 1, Name: "app", Version: "1", Arch: "amd64"}}
	for _, name := range []string{"bin/app", ConfigFile, "static/a.css"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(name))
		s.Manifest.Files = append(s.Manifest.Files, File{name, 0o644, int64(len(name)), hex.EncodeToString(sum[:])})
	}
	var err error
	if s.Encoded, err = s.Manifest.Encode(); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func extract(data []byte, dir string) error {
	in := tar.NewReader(bytes.NewReader(data))
	s, h, err := ReadHead(in, Decode)
	if err != nil {
		return err
	}
	return Extract(in, h, s, dir)
}

func TestExtract(t *testing.T) {
	t.Parallel()
	s, dir := made(t)
	var first, second bytes.Buffer
	if err := Write(&first, s, dir); err != nil {
		t.Fatal(err)
	}
	if err := Write(&second, s, dir); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two writes differ: %v", err)
	}
	to := t.TempDir()
	if err := extract(first.Bytes(), to); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(to + "/static/a.css"); string(data) != "static/a.css" {
		t.Errorf("%q, %v", data, err)
	}
	for i := 0; i < first.Len(); i += 97 { // any byte that matters
		damaged := bytes.Clone(first.Bytes())
		damaged[i] ^= 0x20
		if err := extract(damaged, ""); err == nil && !bytes.Equal(content(damaged), content(first.Bytes())) {
			t.Errorf("byte %d is changed and nobody notices", i)
		}
	}
	if err := extract(first.Bytes()[:first.Len()-2048], ""); err == nil {
		t.Error("a package that is cut off is accepted")
	}
}

// content is what a tar says, without the padding and fields that nobody reads.
func content(data []byte) []byte {
	var all []byte
	in := tar.NewReader(bytes.NewReader(data))
	for h, err := in.Next(); err == nil; h, err = in.Next() {
		if h.Name == ManifestFile {
			continue // what its signature is for
		}
		all = append(all, h.Name...)
		buf := make([]byte, h.Size)
		_, _ = in.Read(buf)
		all = append(all, buf...)
	}
	return all
}

func TestDecode_refuses(t *testing.T) {
	t.Parallel()
	s, _ := made(t)
	for change, code := range map[string]diag.Code{
		`"static/a.css"|"../a.css"`: diag.ArchiveUnsafe, `"static/a.css"|"/etc/passwd"`: diag.ArchiveUnsafe,
		`"static/a.css"|"bin/app"`: diag.ArchiveUnsafe, `"name": "app"|"name": "../app"`: diag.ArchiveUnsafe,
		`"version": "1"|"version": "../1"`: diag.ArchiveUnsafe, `"bin/app"|"bin/other"`: diag.ArchiveUnsafe,
		`"mode": 420|"mode": 2541`: diag.ArchiveUnsafe, `"format": 1|"format": 2`: diag.NewerFormat, `"static/a.css"|"checksums.json"`: diag.ArchiveUnsafe,
	} {
		from, to, _ := strings.Cut(change, "|")
		text := strings.Replace(string(s.Encoded), from, to, 1)
		if text == string(s.Encoded) {
			t.Fatalf("%s changes nothing", change)
		}
		if _, err := Decode([]byte(text)); diag.CodeOf(err) != code {
			t.Errorf("%s: %v", change, err)
		}
	}
}
