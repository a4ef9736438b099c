package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/gover"
)

// record writes manifest and receipt of a release, and a tree that has none of
// its files.
func record(t *testing.T, s *Store, text string, files ...string) gover.Version {
	t.Helper()
	var m Manifest
	for _, path := range files {
		m = append(m, archive.File{Path: path, Mode: 0o644, Size: int64(len(text))})
	}
	return recordManifest(t, s, text, m)
}

func recordManifest(t *testing.T, s *Store, text string, m Manifest) gover.Version {
	t.Helper()
	v, err := gover.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(m.Encode())
	receipt, err := json.Marshal(Receipt{Version: text, ManifestSHA256: hex.EncodeToString(sum[:])})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{
		s.manifestPath(v): m.Encode(), s.receiptPath(v): receipt, filepath.Join(s.GOROOT(v), "bin", "go"): nil,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// However many indexes there are, there is one copy of each manifest, and one of
// each path.
func TestStore_indexesShareManifests(t *testing.T) {
	t.Parallel()
	s := Open(t.TempDir(), Options{})
	a := record(t, s, "1.22.4", "src/a.go", "src/b.go")
	record(t, s, "1.22.5", "src/a.go", "src/c.go")
	first, second := s.newIndex(nil, a, 0), s.newIndex(nil, a, 0)
	if len(first.releases) != 2 || len(second.releases) != 2 {
		t.Fatalf("indexes of %d and %d releases", len(first.releases), len(second.releases))
	}
	for i := range first.releases {
		if &first.releases[i].manifest[0] != &second.releases[i].manifest[0] {
			t.Errorf("%s: two copies of the manifest", first.releases[i].version)
		}
	}
	if unsafe.StringData(first.releases[0].manifest[0].Path) != unsafe.StringData(first.releases[1].manifest[0].Path) {
		t.Error("two copies of a path")
	}
	// What was replaced is read again.
	record(t, s, "1.22.4", "src/new.go")
	if m := s.newIndex(nil, a, 0).releases[0].manifest; len(m) != 1 || m[0].Path != "src/new.go" {
		t.Errorf("after a reinstall: %+v", m)
	}
}
