package shims_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/environ"
)

// oldHook writes the line of a start-up file that loads the script of the
// protocol's first version: a shell that was opened then goes on with it.
func (m *machine) oldHook(name string) string {
	m.t.Helper()
	text, err := os.ReadFile("../shell/testdata/protocol1/hook." + name)
	must(m.t, err)
	path := m.write(m.root+"/hook1."+name, strings.NewReplacer("@VMGO@", m.bin+"/vmgo", "@SHIM@", m.bin+"/vmgo-shim").Replace(string(text)))
	return loads(name, path) + "\n"
}

func TestProtocol_anOldScriptWorksWithThisProgram(t *testing.T) {
	t.Parallel()
	eachEvaluatingShell(t, func(t *testing.T, m *machine, name string) {
		a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
		s := m.start(name, m.oldHook(name))
		s.in("cd "+a, "1.22.5")
		before := m.runs()
		s.in("", "1.22.5")
		if runs := m.runs() - before; runs != 0 {
			t.Errorf("%d processes at a prompt with nothing changed", runs)
		}
		s.in("cd "+b, "1.21.13")
		s.in("cd "+quoteFor(t, name, deepen(t, a, 60)), "1.22.5")
		s.in("cd "+m.pin("gone", "1.99.1"), "")
		s.in("cd "+a, "1.22.5")
		if name != "fish" {
			s.do("readonly GOROOT")
			s.in("cd "+b, "1.22.5")
			return
		}
		s.in("cd /", "")
	})
}

// A program of the protocol's first version does not know the sixth argument:
// the shell says so once, undoes what was set, and leaves it alone.
func TestProtocol_anOldProgramIsRefused(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
		s := m.start(name, "HOOK\n")
		s.in("cd "+a, "1.22.5")
		must(t, os.Remove(m.bin+"/vmgo-shim"))
		old := "#!/bin/sh\necho x >>" + m.logs + "/old\n[ $# = 6 ] && exit 0\necho 'vmgo: this program is for the hook [usage]' >&2\nexit 2\n"
		must(t, os.Chmod(m.write(m.bin+"/vmgo-shim", old), 0o755))
		for _, dir := range []string{b, a, "/", b} {
			s.in("cd "+dir, "")
		}
		calls, err := os.ReadFile(m.logs + "/old")
		if err != nil || string(calls) != "x\n" {
			t.Errorf("called %q, %v", calls, err)
		}
		if n := strings.Count(s.output(), "does not understand the hook of this shell"); n != 1 {
			t.Errorf("said %d times: %s", n, s.output())
		}
	})
}

func TestProtocol_aNewerScriptIsRefused(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	text, stderr, status := m.call(time.Now, m.work, "hook", "bash", "f", m.work, "|||||||", "", "3", "more")
	if text != "" || status != 2 || !strings.Contains(stderr, `its protocol is "3", this program's 2`) || !strings.Contains(stderr, "hint: type -a vmgo-shim") {
		t.Errorf("status %d, said %q, answered %q", status, stderr, text)
	}
}

// Whose values are whose is in a form that this version cannot read: it leaves
// them, says so once, and asks no more.
func TestProtocol_aNewerSessionStays(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
		m.env[environ.SessionVariable], m.env["GOROOT"] = "2;GOROOT,new", "/newer"
		s := m.start(name, "HOOK\n")
		s.in("cd "+a, "")
		s.in("cd "+b, "")
		before := m.runs()
		s.in("", "")
		if runs := m.runs() - before; runs != 0 {
			t.Errorf("%d processes at a prompt with nothing changed", runs)
		}
		if n := strings.Count(s.output(), "a newer vmgo has set"); n != 1 {
			t.Errorf("said %d times: %s", n, s.output())
		}
	})
}
