package pin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/project/pin"
)

func TestWrite_keepsTheRest(t *testing.T) {
	t.Parallel()
	for old, want := range map[string]string{
		"":                               "1.22.5\n",
		"1.21.0":                         "1.22.5\n",
		"1.21.0\r\n":                     "1.22.5\r\n",
		"# why\n\n1.21.0\n1.20\n# end\n": "# why\n\n1.22.5\n# end\n",
		"# only a comment":               "# only a comment\n1.22.5\n",
		"# bell \a\n1.21.0\n":            "1.22.5\n", // no version file as it was
		strings.Repeat("x", 1<<20):       "1.22.5\n",
	} {
		path := filepath.Join(t.TempDir(), ".go-version")
		if old != "" {
			write(t, path, old)
		}
		if err := pin.Write(path, "1.22.5"); err != nil {
			t.Errorf("%.40q: %v", old, err)
		}
		if got := read(t, path); got != want {
			t.Errorf("%.40q became %q, want %q", old, got, want)
		}
	}
}

// A clone may hold a link to any file of ours.
func TestWrite_followsLinksToVersionFilesOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, ".go-version")
	for name, text := range map[string]string{"secret": "token\n", "pinned": "1.21.0\n"} {
		target := filepath.Join(dir, name)
		write(t, target, text)
		_ = os.Remove(path)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		err := pin.Write(path, "1.22.5")
		switch got := read(t, target); {
		case name == "secret" && (diag.CodeOf(err) != diag.BadVersionFile || got != text):
			t.Errorf("%v, and the file at the end of the link holds %q", err, got)
		case name == "pinned" && (err != nil || got != "1.22.5\n"):
			t.Errorf("%v, and the version file at the end of the link holds %q", err, got)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
