package shims_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
)

// move takes both programs to another directory.
func (m *machine) move(from, to string) {
	m.t.Helper()
	must(m.t, os.MkdirAll(to, 0o755))
	for _, name := range []string{"vmgo", "vmgo-shim"} {
		must(m.t, os.Rename(filepath.Join(from, name), filepath.Join(to, name)))
	}
}

// An upgrade can bring the programs to another prefix while shells are open:
// https://github.com/direnv/direnv/issues/1471,
// https://github.com/starship/starship/issues/910.
func TestHook_findsProgramsThatMoved(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
		other := m.root + "/usr/local/bin"
		m.env["PATH"] = ".:" + m.bin + ":" + other + ":/usr/bin:/bin"
		s := m.start(name, "HOOK\n")
		s.in("cd "+a, "1.22.5")
		m.move(m.bin, other)
		s.in("cd "+b, "1.21.13")
		s.in("cd /", "")
		if strings.Contains(s.output(), "gone") {
			t.Errorf("said: %s", s.output())
		}
	})
}

// What is started without being asked for must not be another user's, nor of a
// project that keeps a bin of its own.
func TestHook_takesNoProgramThatOthersCanPutThere(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
		shared, bad := m.root+"/shared", m.root+"/shared/bin"
		m.env["PATH"], m.env["VMGO_GOBIN"] = m.bin+":"+bad+":/usr/bin:/bin", "project"
		s := m.start(name, "HOOK\n")
		s.in("cd "+a, "1.22.5")
		m.move(m.bin, bad)
		must(t, os.Chmod(shared, 0o777))
		s.in("cd "+b, "")
		s.in("cd "+a, "")
		must(t, os.Chmod(shared, 0o755))
		if os.Getuid() == 0 {
			must(t, os.Chmod(bad, 0o775))
			must(t, os.Chown(bad, -1, 12345))
			s.in("", "")
		}
		must(t, os.Chmod(bad, 0o755))
		s.in("", "1.22.5") // found again
		s.in("cd "+b, "1.21.13")
		gopath := environ.ProjectGopath(m.home+"/.local/share/vmgo", b)
		m.move(bad, gopath+"/bin")
		s.in("cd "+a, "")
		if n := strings.Count(s.output(), "is gone, and PATH has no other"); n != 2 {
			t.Errorf("said %d times:\n%s", n, s.output())
		}
	})
}

// The directory of go install is one that any project writes to.
func TestHook_takesNoProgramOfGoInstall(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
		installed, own := m.home+"/go/bin", m.root+"/usr/local/bin"
		m.env["PATH"] = m.bin + ":/usr/bin:/bin:" + installed + ":" + own
		s := m.start(name, "HOOK\n")
		s.in("cd "+a, "1.22.5")
		m.move(m.bin, installed)
		s.in("cd "+b, "")
		s.in("cd "+a, "")
		m.move(installed, own)
		s.in("", "1.22.5")
		if n := strings.Count(s.output(), "is gone, and PATH has no other"); n != 1 {
			t.Errorf("said %d times:\n%s", n, s.output())
		}
	})
}

// Without any program a shell undoes what was set, and nothing of the user's.
func TestHook_undoesWithoutAProgram(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		a := m.pin("a", "1.22.5")
		m.env["GOROOT"], m.env["GOPATH"] = "/usr/lib/go", "/home/it's $old"
		s := m.start(name, "HOOK\n")
		s.in("cd "+a, "1.22.5")
		m.move(m.bin, m.root+"/elsewhere")
		must(t, os.RemoveAll(m.store))
		m.env["PATH"] += ":/late"
		s.in(addsToPath(name, "", "/late"), "")
		s.in("cd /", "")
	})
}

// What the user set in a project is the user's, also then.
func TestHook_undoesNothingOfTheUsers(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		s := m.start(name, "HOOK\n")
		s.in("cd "+m.pin("a", "1.22.5"), "1.22.5")
		s.do(sets(name, "GOPATH", "/mine"))
		m.move(m.bin, m.root+"/elsewhere")
		m.env["GOPATH"] = "/mine"
		s.in("cd /", "")
	})
}

// A store that is gone is not named any more, in this directory or another.
func TestHook_forgetsADeletedStore(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		exact, line := m.pin("exact", "1.22.5"), m.pin("line", "1.22")
		must(t, os.Symlink("1.26.8", m.store+"/default"))
		m.age(m.store)
		s := m.start(name, "HOOK\n")
		for _, dir := range []string{exact, line, "/"} {
			s.do("cd " + dir)
			must(t, os.Rename(m.store, m.store+".gone"))
			s.in("", "")
			s.in("cd "+exact, "")
			must(t, os.Rename(m.store+".gone", m.store))
			s.in("", "1.22.5")
		}
	})
}
