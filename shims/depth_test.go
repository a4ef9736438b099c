package shims_test

import (
	"os"
	"strings"
	"testing"
)

// deepen makes a directory that many levels beneath dir, with names that
// have to be quoted.
func deepen(t *testing.T, dir string, levels int) string {
	t.Helper()
	dir += strings.Repeat("/it's $d", levels)
	must(t, os.MkdirAll(dir, 0o755))
	return dir
}

// The answer holds the path of the directory a fixed number of times, and what
// it has for each level does not grow: twice the depth is twice the text.
func TestHook_theAnswerGrowsWithTheDepth(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		size := func(levels int) int {
			dir := deepen(t, m.work, levels)
			text, _, status := m.answerFor(name, dir)
			if status != 0 {
				t.Fatalf("status %d", status)
			}
			return len(text)
		}
		last := size(50)
		for levels := 100; levels <= 400; levels *= 2 {
			now := size(levels)
			if now > 2*last {
				t.Errorf("%d bytes for %d levels, %d for half as many", now, levels, last)
			}
			last = now
		}
		if limit := 64 << 10; last > limit {
			t.Errorf("%d bytes for 400 levels", last)
		}
	})
}

func TestHook_noticesEditsFarAbove(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		m.pin("top", "1.22.5")
		dir := deepen(t, m.work+"/top", 60)
		m.env["DEEP"] = dir // elvish takes long to draw its name
		s := m.start(name, "HOOK\n")
		s.in("cd "+valueOf(name, "DEEP"), "1.22.5")
		before := m.runs()
		for range 3 {
			s.do("")
		}
		if runs := m.runs() - before; runs != 0 {
			t.Errorf("%d processes at prompts with nothing changed", runs)
		}
		for _, levels := range []int{60, 59, 41, 27, 3} {
			pin := m.write(m.work+"/top"+strings.Repeat("/it's $d", levels)+"/.go-version", "1.21\n")
			s.in("", "1.21.13")
			must(t, os.Remove(pin))
			s.in("", "1.22.5")
		}
		must(t, os.Mkdir(m.work+"/top"+strings.Repeat("/it's $d", 50)+"/.git", 0o755))
		s.in("", "1.22.5") // a pin reaches beyond a repository
		mod := m.write(m.work+"/top"+strings.Repeat("/it's $d", 55)+"/go.mod", "module x\n\ngo 1.26\n")
		s.in("", "1.26.8")
		must(t, os.Remove(mod))
		s.in("", "1.22.5")
	})
}

// Where a prompt would take long, it looks at a part, and the user is told.
func TestHook_saysWhatItDoesNotWatch(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := deepen(t, m.work, 250)
		m.env["DEEP"] = dir // elvish takes long to draw its name
		s := m.start(name, "HOOK\n")
		s.in("cd "+valueOf(name, "DEEP"), "")
		s.in("cd ..", "")
		if n := strings.Count(s.output(), "this directory is very deep"); n != 1 {
			t.Errorf("said %d times:\n%s", n, s.output())
		}
		m.write(m.work+strings.Repeat("/it's $d", 200)+"/.go-version", "1.22.5\n")
		s.in("", "1.22.5")
	})
}

// A level can have a file without a line for Go, which must stay as it is.
// However many there are, there are few stamps, and each change is noticed.
func TestHook_boundsWhatItCompares(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine, name string) {
		dir := deepen(t, m.work, 80)
		for levels := range 80 {
			m.write(m.work+strings.Repeat("/it's $d", levels)+"/.tool-versions", "ruby 3\n")
		}
		m.age(m.work + strings.Repeat("/it's $d", 79) + "/.tool-versions")
		if text, _, _ := m.answerFor(name, dir); strings.Contains(text, " -nt ") {
			t.Errorf("%d bytes", len(text))
		}
		m.env["DEEP"] = dir // elvish takes long to draw its name
		s := m.start(name, "HOOK\n")
		s.in("cd "+valueOf(name, "DEEP"), "")
		m.write(m.work+"/.tool-versions", "golang 1.22.5\n")
		s.in("", "1.22.5")
	})
}
