package prune_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/prune"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store/installed"
)

func version(t *testing.T, text string) gover.Version {
	t.Helper()
	v, err := gover.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func paths(drop []prune.Candidate) (list []string) {
	for _, c := range drop {
		list = append(list, c.Path)
	}
	return list
}

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

// One project that cannot be asked might need any release; one that needs what is
// not installed, or nothing, needs none.
func TestPlan_projectsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release := installed.Release{Version: version(t, "1.22.5"), GOROOT: filepath.Join(dir, "1.22.5"), Store: dir}
	in := prune.Input{Projects: []string{dir}, Installed: []installed.Release{release}}
	for code, drops := range map[diag.Code]int{diag.NotInstalled: 1, diag.NoRequirement: 1, diag.BadVersionFile: 0, diag.Failure: 0} {
		in.Resolve = func(string) (resolve.Resolution, error) {
			return resolve.Resolution{GOROOT: "", Version: release.Version}, diag.New(code, "a fault")
		}
		drop, kept, err := prune.Plan(in)
		if len(drop) != drops || len(kept) != 0 || (err == nil) != (drops == 1) || err != nil && diag.CodeOf(err) != code {
			t.Errorf("%s: drops %v, keeps %v, %v", code, drop, kept, err)
		}
	}
}

// A release whose tree goes meanwhile frees nothing.
func TestPlan_ofWhatGoesMeanwhile(t *testing.T) {
	t.Parallel()
	gone := installed.Release{Version: version(t, "1.22.5"), GOROOT: filepath.Join(t.TempDir(), "1.22.5")}
	if drop := plan(t, prune.Input{Installed: []installed.Release{gone}}); len(drop) != 1 || drop[0].Bytes != 0 {
		t.Errorf("%+v", drop)
	}
}

func TestPlan_leavesWhatIsHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"verify", "download"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"download/held", "download/left", "verify/rebuild-1.9", "verify/rebuild-1.8"} {
		if err := os.WriteFile(filepath.Join(dir, path), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"download/held", "verify/rebuild-1.9.lock"} {
		lock, err := fsx.Acquire(t.Context(), filepath.Join(dir, path), fsx.LockOptions{NoWait: true})
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Release()
	}
	in := prune.Input{Downloads: []string{filepath.Join(dir, "download")}, Checks: filepath.Join(dir, "verify")}
	want := []string{filepath.Join(dir, "download/left"), filepath.Join(dir, "verify/rebuild-1.8")}
	if got := paths(plan(t, in)); !slices.Equal(got, want) {
		t.Errorf("drops %q, want %q", got, want)
	}
}

// What verify keeps of a release stays with it, in whichever store it is.
func TestPlan_checks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release := func(v, store string) installed.Release {
		return installed.Release{Version: version(t, v), GOROOT: filepath.Join("/none", store, v), Store: store}
	}
	old, needed, others := release("1.20.14", "a"), release("1.21.13", "a"), release("1.22.5", "b")
	twice := release("1.20.14", "b")
	for _, name := range []string{"std-1.20.14", "std-1.21.13", "std-1.22.5", "std-mine", "1.20.14"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in := prune.Input{
		Installed: []installed.Release{old, needed}, Stored: []installed.Release{old, needed, others},
		Needed: map[string]string{needed.GOROOT: "a test"}, Checks: dir,
	}
	if got, want := paths(plan(t, in)), []string{old.GOROOT, filepath.Join(dir, "std-1.20.14")}; !slices.Equal(got, want) {
		t.Errorf("drops %q, want %q", got, want)
	}
	in.Stored = append(in.Stored, twice)
	if got, want := paths(plan(t, in)), []string{old.GOROOT}; !slices.Equal(got, want) {
		t.Errorf("with the release in another store: drops %q, want %q", got, want)
	}
}
