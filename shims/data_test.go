package shims_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A value that JSON cannot carry is left as it is, with a message, and no half of a
// release is set.
func TestHook_leavesWhatDataCannotCarry(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env["PATH"] += ":/\xff"
	text, stderr, status := m.answerFor("nushell", dir)
	if status != 0 || !strings.HasPrefix(text, `{"set":{},"unset":[],"path":null`) || !strings.Contains(text, `"session":""`) {
		t.Errorf("status %d: %s", status, text)
	}
	if strings.Count(stderr, "is not UTF-8") != 1 && strings.Count(stderr, "are not UTF-8") != 1 {
		t.Errorf("said %q", stderr)
	}
}

// What nobody can compare has the program asked again: a file that is too large, or
// not UTF-8, or too young.
func TestHook_comparesContentsWithinLimits(t *testing.T) {
	t.Parallel()
	for comment, compared := range map[string]bool{"short": true, strings.Repeat("x", 64<<10): false, "\xff": false} {
		m := newMachine(t)
		path := m.write("p/go.mod", "module p\n\ngo 1.22.5 // "+comment+"\n")
		m.age(path)
		text, _, _ := m.answerFor("nushell", m.work+"/p")
		if strings.Contains(text, `"texts":[["`+path) != compared || strings.Contains(text, `"watch":null`) == compared {
			t.Errorf("%.10q: %.3000s", comment, text)
		}
		var stat syscall.Stat_t
		must(t, syscall.Stat(path, &stat))
		soon := func() time.Time { return time.Unix(stat.Ctim.Unix()).Add(19 * time.Millisecond) }
		if text, _, _ := m.call(soon, m.work+"/p", "hook", "nushell", "f", m.work+"/p", "|||||||", "", "2"); !strings.Contains(text, `"watch":null`) {
			t.Errorf("trusts a file that was just written: %.3000s", text)
		}
	}
}

// A prompt must not wait for somebody to write.
func TestHook_waitsForNoFifo(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := m.pin("p", "1.22.5")
		s := m.start(name, "HOOK\n")
		s.in("cd "+dir, "1.22.5")
		must(t, os.Remove(dir+"/.go-version"))
		must(t, syscall.Mkfifo(dir+"/.go-version", 0o600))
		s.in("", "")
		s.in("cd /", "")
	})
}

// nushell exports no lists. One by a name of ours comes back as it was.
func TestHook_keepsListsOfNushell(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("nu"); err != nil {
		t.Skip("nu is not on PATH: ./test.sh --long fetches it")
	}
	m := newMachine(t)
	a, b := m.pin("a", "1.22.5"), m.pin("b", "1.21")
	s := m.start("nushell", "$env.GOPATH = [/my go]\nHOOK\n")
	for range 2 {
		s.in("cd "+a, "1.22.5")
		s.in("cd "+b, "1.21.13")
		s.in("cd /", "")
		if env, _ := s.do(`$env.SEEN = ($env.GOPATH | to nuon)`); env["SEEN"] != "[/my, go]" {
			t.Errorf("nushell has %s", env["SEEN"])
		}
	}
	m.move(m.bin, m.root+"/elsewhere")
	s.in("cd "+a, "")
}

// A directory is compared by the names that a shell lists, if they are not too many.
func TestHook_comparesListsWithinLimits(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22") // so the store is looked through
	m.write(m.store+"/.hidden", "")
	releases, err := os.ReadDir(m.store)
	must(t, err)
	for i := range 513 - len(releases) {
		m.write(m.store+"/visible"+strconv.Itoa(i), "")
	}
	m.age(m.store)
	if text, _, _ := m.answerFor("nushell", dir); !strings.Contains(text, `"watch":null`) {
		t.Errorf("compares 513 names: %s", text)
	}
	must(t, os.Remove(m.store+"/visible7"))
	m.age(m.store)
	text, _, _ := m.answerFor("nushell", dir)
	if strings.Contains(text, `"watch":null`) || !strings.Contains(text, `"visible9"`) || strings.Contains(text, `".hidden"`) || strings.Contains(text, `".vmgo"`) {
		t.Errorf("512 names: %s", text)
	}
}

// Where the default leads is told, not only that it is there; what has just been
// made is not trusted.
func TestHook_comparesTheDefault(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	link := m.store + "/default"
	told := `"links":[["` + link + `","` + m.goroot("1.22.5") + `"]]`
	if text, _, _ := m.answerFor("nushell", m.work); strings.Contains(text, `"watch":null`) || !strings.Contains(text, `"links":[]`) {
		t.Errorf("without one: %s", text)
	}
	must(t, os.Symlink("1.22.5", link))
	m.age(m.store)
	if text, _, _ := m.answerFor("nushell", m.work); !strings.Contains(text, told) {
		t.Errorf("no %s in %s", told, text)
	}
	var stat syscall.Stat_t
	must(t, syscall.Lstat(link, &stat))
	soon := func() time.Time { return time.Unix(stat.Ctim.Unix()).Add(19 * time.Millisecond) }
	if text, _, _ := m.call(soon, m.work, "hook", "nushell", "f", m.work, "|||||||", "", "2"); !strings.Contains(text, `"watch":null`) {
		t.Errorf("trusts a link that was just made: %s", text)
	}
}
