package shims_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/here"
)

func TestWatches_settings(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	bash := newJudge(t, m)
	for _, path := range []string{m.root + "/etc/vmgo/env", m.home + "/.config/vmgo/env"} {
		for _, text := range []string{"VMGO_GOPATH=no\n", "VMGO_GOPATH=inherit\n", "VMGO_GOPATH=project\n"} { // it appears, is fixed, is edited
			m.settle()
			answer, _, _ := m.answer(dir)
			if !bash.unchanged(answer, dir) {
				t.Errorf("before %s has %q something changed:\n%s", path, text, answer)
			}
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			must(t, os.WriteFile(path+".new", []byte(text), 0o644))
			must(t, os.Rename(path+".new", path))
			if bash.unchanged(answer, dir) {
				t.Errorf("that %s has %q is not noticed:\n%s", path, text, answer)
			}
		}
	}
}

// What others put into a project of theirs is not run from PATH.
func TestLook_aForeignProjectKeepsItsGopathOffPath(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env["VMGO_GOPATH"] = "tree"
	for uid, want := range map[int]bool{os.Getuid(): true, os.Getuid() + 1: false} {
		s, err := here.Look(here.Question{Env: m.env, Dir: dir, Root: m.root, UID: uid})
		must(t, err)
		if got := slices.Contains(s.Wanted.Path, dir+"/.gopath/bin"); got != want {
			t.Errorf("user %d, project of %d: PATH gets %q", uid, os.Getuid(), s.Wanted.Path)
		}
	}
}

// PWD is a variable like any: a directory that it names falsely decides nothing.
func TestHook_trustsNoFalsePWD(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	here, elsewhere := m.pin("here", "1.22.5"), m.pin("elsewhere", "1.21.13")
	for _, pwd := range []string{elsewhere, m.root + "/none"} {
		text, _, status := m.call(time.Now, here, "hook", "bash", "f", pwd, "|||||||", "")
		if status != 0 || !strings.Contains(text, m.goroot("1.22.5")) || strings.Contains(text, m.goroot("1.21.13")) {
			t.Errorf("PWD=%s, status %d:\n%s", pwd, status, text)
		}
	}
}
