package shims_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/shims"
)

// The shell names its directory as its user does, by a link for one: that way leads to
// the project, as long as it is where the process is.
func TestHook_believesTheDirectoryOfTheShell(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	here, err := os.Getwd()
	must(t, err)
	must(t, os.Symlink(here, dir+"/link"))
	must(t, os.Mkdir(dir+"/elsewhere", 0o755))
	call := func(said string) string {
		text, _, _ := m.call(time.Now, m.pin("q", "1.21"), "hook", "bash", "f", said, "|||||||", "")
		return text
	}
	if text := call(dir + "/link"); !strings.Contains(text, m.goroot("1.22.5")) {
		t.Errorf("by a link: %s", text)
	}
	if text := call(dir + "/elsewhere"); !strings.Contains(text, m.goroot("1.21.13")) {
		t.Errorf("where the process is not: %s", text)
	}
}

// direnv restores what it found, our values among them: a shell compares direnv's own
// variable, too.
func TestHook_watchesDirenv(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	if text, _, _ := m.answer(dir); strings.Contains(text, "DIRENV_DIFF") {
		t.Errorf("without direnv: %s", text)
	}
	m.env["DIRENV_DIFF"] = "eJx-diff"
	if text, _, _ := m.answer(dir); !strings.Contains(text, "DIRENV_DIFF") || !strings.Contains(text, "eJx-diff") {
		t.Errorf("with direnv: %s", text)
	}
}

// What VMGO_SHOW prints, and that it prints nothing where nothing changes.
func TestHook_showsEachSwitch(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	must(t, os.Chmod(m.write(m.root+"/lib/go/bin/go", "#!/bin/sh\n"), 0o755))
	m.env["PATH"] += ":" + m.root + "/lib/go/bin"
	m.env["VMGO_SHOW"] = "1"
	inside, system, outside := m.pin("p", "1.22.5"), m.pin("q", "system"), m.work
	if _, stderr, _ := m.answer(outside); stderr != "" {
		t.Errorf("without a change: %q", stderr)
	}
	if _, stderr, _ := m.answer(inside); stderr != "vmgo: go 1.22.5 ("+inside+"/.go-version:1)\n" {
		t.Errorf("inside: %q", stderr)
	}
	got, _, _ := m.shim(inside, "go")
	m.env = got.env
	if _, stderr, _ := m.answer(system); stderr != "vmgo: the go of the system, "+m.root+"/lib/go/bin/go\n" {
		t.Errorf("system: %q", stderr)
	}
	m.env["PATH"] = strings.ReplaceAll(m.env["PATH"], ":"+m.root+"/lib/go/bin", "")
	if _, stderr, _ := m.answer(outside); stderr != "vmgo: outside\n" {
		t.Errorf("outside: %q", stderr)
	}
}

// A shell that reads the answer no more gets a status.
func TestHook_cannotWrite(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	var stderr bytes.Buffer
	status := shims.Main(shims.Process{
		Args: []string{"vmgo-shim", "hook", "bash", "f", dir, "|||||||", ""}, Env: m.env, Dir: dir, Root: m.root, UID: os.Getuid(), PID: 1,
		Executable: func() string { return m.bin + "/vmgo-shim" }, Stdout: failing{}, Stderr: &stderr, Now: time.Now, Ranges: ranges.Parse,
	})
	if status == 0 || !strings.Contains(stderr.String(), "the pipe is gone") {
		t.Errorf("status %d, said %q", status, stderr.String())
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("the pipe is gone") }

// A value that JSON cannot carry changes nothing in a shell that gets data, and others as
// ever.
func TestHook_valuesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env["PATH"] += ":/caf\xe9"
	text, stderr, _ := m.answerFor("nushell", dir)
	if !strings.HasPrefix(text, `{"set":{},`) || !strings.Contains(stderr, "not UTF-8") {
		t.Errorf("nushell: %s, said %q", text, stderr)
	}
	if text, stderr, _ := m.answer(dir); !strings.Contains(text, m.goroot("1.22.5")) || stderr != "" {
		t.Errorf("bash: %s, said %q", text, stderr)
	}
	m.env["PATH"] = strings.TrimSuffix(m.env["PATH"], "\xe9")
	if text, stderr, _ := m.answerFor("nushell", dir); strings.HasPrefix(text, `{"set":{},`) || stderr != "" {
		t.Errorf("nushell, with UTF-8: %s, said %q", text, stderr)
	}
}

// A runtime directory is made at login, never by vmgo: stamps go to the cache then.
func TestStamps_makeNoRuntimeDirectory(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env["XDG_RUNTIME_DIR"] = m.root + "/none/1000"
	m.answer(dir)
	if _, err := os.Lstat(m.root + "/none"); err == nil {
		t.Error("a runtime directory is made")
	}
	if found, _ := filepath.Glob(m.home + "/.cache/vmgo/stamps/*"); len(found) != 1 {
		t.Errorf("stamps in the cache: %q", found)
	}
}
