package store

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
)

// A file is shared for its contents as they are read: neither a part of them
// nor more will do.
func TestFinder_compares(t *testing.T) {
	t.Parallel()
	dir, err := fsx.OpenTrusted(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	long := strings.Repeat("0123456789", 20_000) // several buffers
	for name, c := range map[string]struct {
		has, wanted string
		same        bool // as wanted
		digest      bool // its beginning has the digest of wanted
	}{
		"the same":           {long, long, true, true},
		"nothing":            {"", "", true, true},
		"shorter":            {long[:len(long)-1], long, false, false},
		"empty":              {"", "x", false, false},
		"longer":             {long + "x", long, false, true},
		"other at the end":   {long[1:] + "x", long[1:] + "y", false, false},
		"other at the start": {"x" + long, "y" + long, false, false},
	} {
		path := filepath.Join(dir.Path(), name)
		if err := os.WriteFile(path, []byte(c.has), 0o644); err != nil {
			t.Fatal(err)
		}
		find := finder{bufs: newBuffers()}
		for _, way := range []string{"holds", "digest"} {
			f, err := dir.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			got, want := find.digest(f, 0) == [32]byte{}, false
			switch way {
			case "holds":
				got, want = find.holds(f, []byte(c.wanted)), c.same
			case "digest":
				got, want = find.digest(f, int64(len(c.wanted))) == sha256.Sum256([]byte(c.wanted)), c.digest
			}
			if got != want {
				t.Errorf("%s, %s: %v", name, way, got)
			}
			f.Close()
		}
		find.end()
		find.end() // twice is as good as once
		if buf := find.buffer(); len(buf) == 0 {
			t.Error("no buffer")
		}
	}
}
