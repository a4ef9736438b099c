package build

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMatches_linkedProject finds the files of a project whose directory is a link, as
// $PWD has it after cd into one.
func TestMatches_linkedProject(t *testing.T) {
	t.Parallel()
	dir, link := t.TempDir(), filepath.Join(t.TempDir(), "project")
	if err := os.WriteFile(filepath.Join(dir, "app"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, project := range []string{dir, link} {
		names, err := Builder{Project: project}.matches("a*")
		if err != nil || len(names) != 1 || names["app"] != 0o755 {
			t.Errorf("in %s: %v, %v", project, names, err)
		}
	}
}
