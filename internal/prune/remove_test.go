package prune_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/project/seen"
	"github.com/vmgo/vmgo/internal/prune"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// remove removes a candidate, of which the path must exist before.
func (m *machine) remove(c prune.Candidate) (held bool, err error) {
	m.Helper()
	return m.Remove(m.Context(), c, store.Wait{}, func(path string) error {
		return errors.New("not a shim: " + path)
	})
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// hold holds path for the rest of the test, as an install or a rebuild does.
func (m *machine) hold(path string) {
	m.Helper()
	lock, err := fsx.Acquire(m.Context(), path, fsx.LockOptions{NoWait: true})
	if err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() { _ = lock.Release() })
}

func TestRemove_release(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.Layout.SystemStore
	m.installed(dir, "1.22.5")
	release, ok, err := installed.Find([]string{dir}, version(t, "1.22.5"))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	c := prune.Candidate{Kind: prune.Release, Path: release.GOROOT, Release: release}
	// What has become the default since the plan was made stays.
	if err := os.Symlink("1.22.5", filepath.Join(dir, "default")); err != nil {
		t.Fatal(err)
	}
	if held, err := m.remove(c); held || diag.CodeOf(err) != diag.InUse || !exists(release.GOROOT) {
		t.Errorf("the default: held %v, %v", held, err)
	}
	if err := os.Remove(filepath.Join(dir, "default")); err != nil {
		t.Fatal(err)
	}
	if held, err := m.remove(c); held || err != nil || exists(release.GOROOT) {
		t.Errorf("held %v, %v", held, err)
	}
}

func TestRemove_shim(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	c := prune.Candidate{Kind: prune.Shim, Path: filepath.Join(m.Root, "go")}
	m.write(c.Path, "somebody's")
	if held, err := m.remove(c); held || err == nil || err.Error() != "not a shim: "+c.Path || !exists(c.Path) {
		t.Errorf("held %v, %v", held, err)
	}
}

func TestRemove_download(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	c := prune.Candidate{Kind: prune.Download, Path: filepath.Join(m.Root, "x.partial")}
	m.write(c.Path, "x")
	m.hold(c.Path)
	if held, err := m.remove(c); !held || err != nil || !exists(c.Path) {
		t.Errorf("of a running install: held %v, %v", held, err)
	}
	c.Path = filepath.Join(m.Root, "y.partial")
	m.write(c.Path, "y")
	if held, err := m.remove(c); held || err != nil || exists(c.Path) {
		t.Errorf("held %v, %v", held, err)
	}
	c.Path = filepath.Join(m.Root, "x.partial/below a file")
	if held, err := m.remove(c); held || diag.CodeOf(err) != diag.Failure || !strings.Contains(err.Error(), "cannot prune "+c.Path) {
		t.Errorf("what cannot be removed: held %v, %v", held, err)
	}
}

// A project is forgotten with its GOPATH, not before: what is forgotten is never looked for again.
func TestRemove_gopath(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	project := filepath.Join(m.Root, "gone")
	gopath := environ.ProjectGopath(m.Layout.Data, project)
	seen.Record(m.Layout.State, project)
	c := prune.Candidate{Kind: prune.Gopath, Path: filepath.Join(m.Layout.Data, "gopath/x"), Project: project}
	known := func() bool {
		list, err := seen.List(m.Layout.State)
		return err == nil && slices.Equal(list, []string{project})
	}
	m.write(filepath.Join(m.Layout.Data, "gopath"), "") // nothing can be removed below it
	if held, err := m.remove(c); held || diag.CodeOf(err) != diag.Failure || !known() {
		t.Errorf("what cannot be removed: held %v, %v", held, err)
	}
	if err := os.Remove(filepath.Join(m.Layout.Data, "gopath")); err != nil {
		t.Fatal(err)
	}
	c.Path = gopath
	m.write(gopath+".lock", "")
	m.write(gopath, "")
	m.hold(gopath)
	if held, err := m.remove(c); !held || err != nil || !known() {
		t.Errorf("one that is held: held %v, %v", held, err)
	}
	if err := os.Remove(gopath); err != nil {
		t.Fatal(err)
	}
	m.mkdir(filepath.Join(gopath, "bin"))
	if held, err := m.remove(c); held || err != nil || exists(gopath) || known() {
		t.Errorf("held %v, %v", held, err)
	}
	m.write(filepath.Join(m.Layout.State, "projects", environ.Hash(project), "x"), "") // which cannot be forgotten
	if held, err := m.remove(c); held || diag.CodeOf(err) != diag.Failure {
		t.Errorf("what cannot be forgotten: held %v, %v", held, err)
	}
}

func TestRemove_check(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	c := prune.Candidate{Kind: prune.Check, Path: filepath.Join(m.Root, "verify/rebuild-1.22.5")}
	m.write(filepath.Join(c.Path, "go/big"), "x")
	if held, err := m.remove(c); held || err != nil || exists(c.Path) || exists(c.Path+".lock") {
		t.Errorf("held %v, %v", held, err)
	}
	m.mkdir(c.Path)
	m.hold(c.Path + ".lock")
	if held, err := m.remove(c); !held || err != nil || !exists(c.Path) {
		t.Errorf("of a running rebuild: held %v, %v", held, err)
	}
	m.write(filepath.Join(m.Root, "file"), "")
	c.Path = filepath.Join(m.Root, "file/rebuild-1.22.5")
	if held, err := m.remove(c); held || diag.CodeOf(err) != diag.Failure || !strings.Contains(err.Error(), "cannot prune "+c.Path) {
		t.Errorf("without a lock: held %v, %v", held, err)
	}
}

func TestSweep_whatInterruptedInstallsLeft(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.installed(m.Layout.SystemStore, "1.22.5")
	left := filepath.Join(m.Layout.SystemStore, ".vmgo/staging/1.22.5.left")
	m.mkdir(left)
	if err := errors.Join(m.Sweep(t.Context(), store.Wait{})...); err != nil || exists(left) {
		t.Errorf("%v; it is there: %v", err, exists(left))
	}
}
