package prune_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/prune"
	"github.com/vmgo/vmgo/internal/resolve"
)

func none(string) (resolve.Resolution, error) {
	return resolve.Resolution{}, diag.New(diag.NoRequirement, "none")
}

// plan fails the test where Plan does.
func plan(t *testing.T, in prune.Input) []prune.Candidate {
	t.Helper()
	drop, _, err := prune.Plan(in)
	if err != nil {
		t.Fatal(err)
	}
	return drop
}

func TestPlan_dropsTheGopathOfAGoneProjectOnly(t *testing.T) {
	data := t.TempDir()
	t.Chdir(data)
	project := filepath.Join(data, "project")
	gopath := environ.ProjectGopath(data, project)
	if err := os.MkdirAll(gopath, 0o755); err != nil {
		t.Fatal(err)
	}
	in := prune.Input{Projects: []string{project}, Resolve: none, GopathDir: filepath.Join(data, "gopath")}
	if drop := plan(t, in); len(drop) != 1 || drop[0].Path != gopath || drop[0].Project != project {
		t.Errorf("the project is gone, and Plan drops %+v", drop)
	}
	in.GopathDir = ""
	if drop := plan(t, in); len(drop) != 0 {
		t.Errorf("there is no directory for GOPATHs, and Plan drops %+v of the working directory", drop)
	}
	in.GopathDir = filepath.Join(data, "gopath")
	if err := os.Symlink(project, project); err != nil { // a loop: it is there, and cannot be looked at
		t.Fatal(err)
	}
	if drop := plan(t, in); len(drop) != 0 {
		t.Errorf("it is not known whether the project is gone, and Plan drops %+v", drop)
	}
}

func TestPlan_countsWhatRemovalFrees(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	partial := filepath.Join(dir, "x.partial")
	if err := os.WriteFile(partial, make([]byte, 1000), 0o644); err != nil {
		t.Fatal(err)
	}
	in := prune.Input{Resolve: none, Downloads: []string{dir, filepath.Join(dir, "none")}}
	if drop := plan(t, in); len(drop) != 1 || drop[0].Bytes != 1000 {
		t.Errorf("a file of 1000 bytes: %+v", drop)
	}
	if err := os.Link(partial, filepath.Join(elsewhere, "other name")); err != nil {
		t.Fatal(err)
	}
	if drop := plan(t, in); len(drop) != 1 || drop[0].Bytes != 0 {
		t.Errorf("a file with another name elsewhere: %+v", drop)
	}
}

func TestPlan_takesNoNameForAPattern(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, modcache := range []string{"a[b]*?\\", "ab"} {
		if err := os.MkdirAll(filepath.Join(dir, modcache, "golang.org/toolchain@v0.0.1-go1.24.0.linux-amd64"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	in := prune.Input{Resolve: none, Modcaches: []string{filepath.Join(dir, "a[b]*?\\")}}
	if drop := plan(t, in); len(drop) != 1 || filepath.Dir(filepath.Dir(filepath.Dir(drop[0].Path))) != dir {
		t.Errorf("Plan drops %+v", drop)
	}
}
