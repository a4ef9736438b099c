package harden

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A user who may write in the store can put a hard link to any file of the
// machine there, where fs.protected_hardlinks is off. That file is left alone,
// and those are fixed that the store shares among its releases.
func TestStoreModes_hardLinks(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root could be made to change what is another's")
	}
	root := fakeRoot(t)
	write(t, root+"/opt/go/1.22.5/src/shared.go", "")
	must(t, os.MkdirAll(root+"/opt/go/1.22.4/src", 0o755))
	must(t, os.Link(root+"/opt/go/1.22.5/src/shared.go", root+"/opt/go/1.22.4/src/shared.go"))
	must(t, os.Chmod(root+"/opt/go/1.22.4/src/shared.go", 0o600))
	write(t, root+"/etc/shadow", "secret")
	must(t, os.Chmod(root+"/etc/shadow", 0o640))
	must(t, os.Link(root+"/etc/shadow", root+"/opt/go/1.22.5/src/mine.go"))
	e := &Engine{Machine: testMachine(t, root), Items: []Item{storeItem()}}
	result, err := e.Apply(t.Context(), Selection{Only: []string{"store-modes"}}, nil, nil)
	must(t, err)
	modes(t, root, map[string]os.FileMode{"/etc/shadow": 0o640, "/opt/go/1.22.5/src/shared.go": 0o644, "/opt/go/1.22.5": 0o755})
	if notes := strings.Join(result.Plan.Items[0].Notes, "\n"); !strings.Contains(notes, "/opt/go/1.22.5/src/mine.go is not changed: it has hard links outside of /opt/go") {
		t.Errorf("no warning names the file: %q", notes)
	}
	plan, err := e.Plan(Selection{Only: []string{"store-modes"}})
	must(t, err)
	if item := plan.Items[0]; item.State != Overridden || !strings.Contains(item.Reason, "mine.go is not changed") {
		t.Errorf("after the apply: %s: %s", item.State, item.Reason)
	}
}

// Where such a file is all that is wrong, the item cannot be applied, and says why.
func TestStoreModes_onlyAHardLink(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root could be made to change what is another's")
	}
	root := fakeRoot(t)
	must(t, os.Chmod(root+"/opt/go/1.22.5", 0o755))
	write(t, root+"/etc/shadow", "secret")
	must(t, os.Chmod(root+"/etc/shadow", 0o640))
	must(t, os.Link(root+"/etc/shadow", root+"/opt/go/1.22.5/mine.go"))
	e := &Engine{Machine: testMachine(t, root), Items: []Item{storeItem()}}
	plan, err := e.Plan(Selection{Only: []string{"store-modes"}})
	must(t, err)
	if item := plan.Items[0]; item.State != Blocked || item.Reason != "/opt/go/1.22.5/mine.go is not changed: it has hard links outside of /opt/go" {
		t.Errorf("%s: %s", item.State, item.Reason)
	}
}

// The link may come after the plan. It is judged when the file is open.
func TestStoreModes_hardLinksAfterThePlan(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root could be made to change what is another's")
	}
	root := fakeRoot(t)
	write(t, root+"/opt/go/1.22.5/src/print.go", "")
	must(t, os.Chmod(root+"/opt/go/1.22.5/src/print.go", 0o600))
	write(t, root+"/etc/shadow", "secret")
	must(t, os.Chmod(root+"/etc/shadow", 0o600))
	e := &Engine{Machine: testMachine(t, root), Items: []Item{storeItem()}}
	linked := false
	e.Trace = func(point string) {
		if point != "journaled" {
			return
		}
		linked = true
		must(t, os.Remove(root+"/opt/go/1.22.5/src/print.go"))
		must(t, os.Link(root+"/etc/shadow", root+"/opt/go/1.22.5/src/print.go"))
	}
	result, err := e.Apply(t.Context(), Selection{Only: []string{"store-modes"}}, nil, nil)
	if err != nil || !linked {
		t.Fatalf("linked %v, apply says %v", linked, err)
	}
	modes(t, root, map[string]os.FileMode{"/etc/shadow": 0o600})
	if warnings := strings.Join(result.Warnings, "\n"); !strings.Contains(warnings, "print.go is not changed") {
		t.Errorf("no warning names the file: %q", warnings)
	}
}

// A name could move while it is counted, and count twice, unless its directory
// is closed.
func TestClosedNames(t *testing.T) {
	root := fakeRoot(t)
	write(t, root+"/opt/go/1.22.5/src/print.go", "")
	m := testMachine(t, root)
	for mode, want := range map[os.FileMode]uint64{0o755: 1, 0o775: 0, 0o757: 0} {
		must(t, os.Chmod(root+"/opt/go/1.22.5/src", mode))
		names, err := m.closedNames()
		must(t, err)
		info, err := os.Stat(root + "/opt/go/1.22.5/src/print.go")
		must(t, err)
		st := info.Sys().(*syscall.Stat_t)
		if got := names[fileID{st.Dev, st.Ino}]; got != want {
			t.Errorf("in a directory with mode %04o: %d names, not %d", mode, got, want)
		}
	}
}

func modes(t *testing.T, root string, want map[string]os.FileMode) {
	t.Helper()
	for path, mode := range want {
		info, err := os.Stat(filepath.Join(root, path))
		must(t, err)
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %04o, not %04o", path, info.Mode().Perm(), mode)
		}
	}
}
