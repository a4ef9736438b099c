package lookpath_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/lookpath"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	make := func(name string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, mode); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(file)
	}
	data, first, second, here := make("data/go", 0o644), make("first/go", 0o755), make("second/go", 0o755), make("here/go", 0o755)
	if err := os.MkdirAll(filepath.Join(dir, "directory/go"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Mkdir(link, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(second, "go"), filepath.Join(link, "go")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	for _, c := range []struct {
		name, path, find, exec string
	}{
		{"the first of two", first + ":" + second, first + "/go", first + "/go"},
		{"what cannot be executed is skipped", dir + "/directory:" + data + ":" + dir + "/none:" + second, second + "/go", second + "/go"},
		{"a link", link + ":" + first, link + "/go", link + "/go"},
		{"the working directory", ":" + first, first + "/go", "go"},
		{"a dot", ".:" + first, first + "/go", "go"},
		{"a relative directory", "../second:" + first, first + "/go", "../second/go"},
		{"nothing", data, "", ""},
	} {
		if got, found := lookpath.Find(c.path, "go", lookpath.IsProgram); got != c.find || found != (c.find != "") {
			t.Errorf("%s: Find: %q %v, want %q", c.name, got, found, c.find)
		}
		if got, found := lookpath.Exec(c.path, "go"); got != c.exec || found != (c.exec != "") {
			t.Errorf("%s: Exec: %q %v, want %q", c.name, got, found, c.exec)
		}
	}
	notFirst := func(file string) bool { return !strings.HasPrefix(file, first) }
	if got, _ := lookpath.Find(first+":"+second, "go", notFirst); got != second+"/go" {
		t.Errorf("a file that is not accepted: %q", got)
	}
	if got := lookpath.Dirs("::/a:b:.:/c:"); !slices.Equal(got, []string{"/a", "/c"}) {
		t.Errorf("Dirs: %q", got)
	}
}
