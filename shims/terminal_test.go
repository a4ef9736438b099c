package shims_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/shell"
	"github.com/vmgo/vmgo/shims"
)

// TestMain lets this test binary, by the name of a link, be the programs that
// the real shells of the tests start.
func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	switch name {
	case "probe":
		probe()
	case "vmgo-shim", "vmgo", "go", "gofmt", "tool":
		if log := os.Getenv("TEST_LOG"); log != "" {
			f, _ := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			_, _ = f.WriteString("x")
			_ = f.Close()
		}
		p := shims.OS()
		p.Root = os.Getenv("TEST_ROOT")
		// A test binary is one file by every name; vmgo-shim is a file of its own.
		p.Executable = func() string { return filepath.Join(os.Getenv("TEST_BIN"), name) }
		if name == "vmgo" {
			p.Ranges = ranges.Parse
		}
		os.Exit(shims.Main(p))
	}
	// Shells cannot trap what was ignored when they started, and whoever started
	// the tests in the background had it ignored. What is caught here is not
	// ignored there.
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGQUIT, syscall.SIGHUP} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	os.Exit(m.Run())
}

// probe writes its arguments and its environment to a file, whole or not at
// all, and then says so on its terminal.
func probe() {
	path := os.Args[1]
	text := strings.Join(os.Args[2:], " ") + "\x00" + strings.Join(os.Environ(), "\x00")
	_ = os.WriteFile(path+".new", []byte(text), 0o600)
	_ = os.Rename(path+".new", path)
	_, _ = os.Stdout.WriteString(probed(path))
	os.Exit(0)
}

// probed is not what the echo of the command line looks like.
func probed(path string) string { return "(" + filepath.Base(path) + " was here)\n" }

// machine is a made-up machine: a store with releases that are scripts, a home,
// and a directory for projects. Its times lie in the past, so that no test
// depends on how fast it was made.
type machine struct {
	t                           *testing.T
	root, home, work, bin, logs string
	store                       string
	env                         environ.Env
	options                     func(*shims.Process) // changes the process of a shim, unless nil
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	root := t.TempDir()
	m := &machine{
		t: t, root: root, home: root + "/home/u", work: root + "/src", bin: root + "/usr/bin", logs: root + "/logs",
		store: root + "/opt/go",
	}
	self, err := os.Executable()
	must(t, err)
	for _, dir := range []string{m.home, m.work, m.bin, m.logs, root + "/run",
		// Without this one fish starts to generate completions in the background.
		m.home + "/.local/share/fish/generated_completions"} {
		must(t, os.MkdirAll(dir, 0o755))
	}
	for _, name := range []string{"vmgo-shim", "vmgo", "probe"} {
		must(t, os.Symlink(self, filepath.Join(m.bin, name)))
	}
	for _, version := range []string{"1.21.13", "1.22.5", "1.22.4", "1.26.8"} {
		m.install(version)
	}
	m.env = environ.Env{
		"HOME": m.home, "PATH": m.bin + ":/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8", "GOENV": "off",
		"XDG_RUNTIME_DIR": root + "/run", "XDG_CONFIG_HOME": m.home + "/.config", "TEST_ROOT": root, "TEST_BIN": m.bin,
		"TEST_LOG": m.logs + "/runs", "GORACE": "atexit_sleep_ms=0", "GOCOVERDIR": m.logs,
		// A nested shell outlives its parent a little: it must not write then.
		"HISTFILE": "/dev/null", "fish_history": "",
	}
	return m
}

// install puts a release into the store, as publishing does: by a rename.
func (m *machine) install(version string) {
	m.t.Helper()
	dir := m.store + "/.vmgo/staging/" + version
	must(m.t, os.MkdirAll(dir+"/bin", 0o755))
	for _, tool := range []string{"go", "gofmt"} {
		text := "#!/bin/sh\necho \"$0|" + version + "|$GOROOT|$GOPATH|$GOMODCACHE|$GOTOOLCHAIN|$*\"\n"
		must(m.t, os.WriteFile(dir+"/bin/"+tool, []byte(text), 0o755))
	}
	must(m.t, os.Rename(dir, m.store+"/"+version))
	must(m.t, vmtest.PutReceipt(m.store+"/"+version))
	m.age(m.store + "/.vmgo/receipts")
	m.age(m.store)
}

// write makes a file that was changed long ago, as far as shells can tell.
func (m *machine) write(path, text string) string {
	m.t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(m.work, path)
	}
	must(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(m.t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// age waits until a change of path is safely in the past. It is the one
// wait of these tests: nobody can set the time of an inode's last change.
func (m *machine) age(path string) {
	m.t.Helper()
	var stat syscall.Stat_t
	must(m.t, syscall.Stat(path, &stat))
	time.Sleep(time.Until(time.Unix(stat.Ctim.Unix()).Add(25 * time.Millisecond)))
}

// pin makes a project and waits until it is old enough to be trusted.
func (m *machine) pin(dir, version string) string {
	m.t.Helper()
	path := m.write(dir+"/.go-version", version+"\n")
	m.age(path)
	return filepath.Dir(path)
}

func (m *machine) goroot(version string) string { return m.store + "/" + version }

// runs counts how often one of our programs was started.
func (m *machine) runs() int {
	data, _ := os.ReadFile(m.logs + "/runs")
	return len(data)
}

func (m *machine) hook(name string) string {
	m.t.Helper()
	sh, err := shell.Lookup(name)
	must(m.t, err)
	return sh.Hook(shell.Programs{Vmgo: m.bin + "/vmgo", Shim: m.bin + "/vmgo-shim"})
}

// terminal is a real interactive shell on a pseudo-terminal.
type terminal struct {
	m       *machine
	name    string
	pty     *os.File
	cmd     *exec.Cmd
	probes  int
	prompts int           // how many there were when a line was typed last
	closed  chan struct{} // when no more output can come
	mutex   sync.Mutex
	printed bytes.Buffer
}

// hookLine is the line of a start-up file that loads the hook.
func hookLine(m *machine, name string) string {
	return loads(name, m.write(m.root+"/hook."+name, m.hook(name)))
}

// start starts a shell with the given start-up file; HOOK in it stands for the
// line that loads the hook.
func (m *machine) start(name, rc string) *terminal {
	m.t.Helper()
	rc = strings.ReplaceAll(rc, "HOOK", hookLine(m, name))
	var argv []string
	switch name {
	case "bash":
		argv = []string{"bash", "--noprofile", "--rcfile", m.write(m.root+"/rc/bashrc", rc), "-i"}
	case "zsh":
		m.write(m.root+"/rc/.zshrc", "PROMPT='% '\n"+rc)
		m.env["ZDOTDIR"] = m.root + "/rc"
		argv = []string{"zsh", "-d", "-i"}
	case "fish":
		m.write(m.home+"/.config/fish/config.fish", "function fish_greeting; end\nfunction fish_title; end\n"+rc)
		argv = []string{"fish", "-i"}
	case "elvish":
		argv = []string{"elvish", "-rc", m.write(m.root+"/rc/rc.elv", "set edit:prompt = { print '"+elvishPrompt+"' }\n"+rc), "-db", "/dev/null", "-i"}
	case "nushell":
		m.write(m.home+"/.config/nushell/config.nu", "$env.config.show_banner = false\n"+rc)
		nu, err := exec.LookPath("nu")
		must(m.t, err)
		argv = []string{"sh", "-c", `stty -icrnl && exec "$0"`, nu}
	case "xonsh":
		argv = []string{"xonsh", "--rc", m.write(m.root+"/rc/rc.xsh", "$PROMPT = '"+xonshPrompt+"'\n$XONSH_HISTORY_BACKEND = 'dummy'\n"+rc), "-i"}
	}
	return m.startCommand(name, argv)
}

func (m *machine) startCommand(name string, argv []string) *terminal {
	m.t.Helper()
	pty, tty := vmtest.OpenTerminal(m.t)
	term := &terminal{m: m, name: name, pty: pty, cmd: exec.Command(argv[0], argv[1:]...), closed: make(chan struct{})}
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = tty, tty, tty
	term.cmd.Env, term.cmd.Dir = m.env.Pairs(), m.root
	// xonsh may outlive its terminal, and asks for input forever: it ends with the test, also a killed one.
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	must(m.t, term.cmd.Start())
	_ = tty.Close()
	go term.read()
	m.t.Cleanup(func() {
		_ = term.cmd.Process.Kill()
		_ = term.cmd.Wait()
		_ = pty.Close()
		if m.t.Failed() {
			out := term.output()
			m.t.Logf("%s printed at last:\n%s", name, out[max(0, len(out)-2000):])
		}
	})
	return term
}

func (s *terminal) read() {
	defer close(s.closed)
	buffer := make([]byte, 4096)
	for {
		n, err := s.pty.Read(buffer)
		s.mutex.Lock()
		s.printed.Write(buffer[:n])
		s.mutex.Unlock()
		if bytes.Contains(buffer[:n], []byte(askCursor)) {
			_, _ = s.pty.WriteString("\x1b[1;1R")
		}
		if err != nil {
			return
		}
	}
}

// askCursor asks a terminal where its cursor is, and waits for the answer.
const askCursor = "\x1b[6n"

func (s *terminal) output() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.ReplaceAll(s.printed.String(), "\r", "")
}

func (s *terminal) send(text string) {
	s.m.t.Helper()
	_, err := s.pty.WriteString(text)
	must(s.m.t, err)
}

// enter types a line. Most shells read what was typed before their prompt came;
// nushell drops it, xonsh runs it without a prompt, and elvish 0.19 may crash, so their
// prompts are waited for.
func (s *terminal) enter(line string) {
	s.m.t.Helper()
	if !isData(s.m.t, s.name) {
		s.send(line + "\n")
		return
	}
	for deadline := time.Now().Add(hang); !s.isAtPrompt(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.m.t.Fatalf("%s shows no prompt before %q", s.name, line)
		}
	}
	s.send(line + "\r")
}

// isAtPrompt reports whether the shell has shown another prompt than the last one.
func (s *terminal) isAtPrompt() bool {
	begins, ends := askCursor, ""
	switch s.name {
	case "elvish":
		begins, ends = "\x1b[?2004h", elvishPrompt // drawn after that
	case "xonsh":
		begins = strings.ReplaceAll(xonshPrompt, `\n`, "\n")
	}
	out := s.output()
	prompts := strings.Count(out, begins)
	if prompts <= s.prompts || !strings.Contains(out[strings.LastIndex(out, begins):], ends) {
		return false
	}
	s.prompts = prompts
	return true
}

const (
	elvishPrompt = "at elvish> "
	xonshPrompt  = `\nat xonsh\n> ` // of a line that is too long, readline draws the last one again
)

// hang is when a wait for another process is given up. It only ends a test that
// has failed already: no machine is that slow.
const hang = 3 * time.Minute

// do types a line, lets a prompt come, and gives the environment that a
// program then finds, and the status that the line left behind. All that was
// printed until then is in the output.
func (s *terminal) do(line string) (environ.Env, string) {
	s.m.t.Helper()
	s.probes++
	path := s.m.logs + "/probe" + strconv.Itoa(s.probes)
	s.enter(line)
	s.enter(s.m.bin + "/probe " + path + " " + s.status())
	for deadline := time.Now().Add(hang); !strings.Contains(s.output(), probed(path)); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.m.t.Fatalf("%s does not answer after %q", s.name, line)
		}
	}
	data, err := os.ReadFile(path)
	must(s.m.t, err)
	status, pairs, _ := strings.Cut(string(data), "\x00")
	return environ.FromPairs(strings.Split(pairs, "\x00")), status
}

// in types a line and demands that the release is selected after it, or with
// an empty version that the environment is that of outside.
func (s *terminal) in(line, version string) environ.Env {
	s.m.t.Helper()
	env, _ := s.do(line)
	s.m.check(fmt.Sprintf("%s after %q", s.name, line), env, version)
	return env
}

func (m *machine) check(what string, env environ.Env, version string) {
	m.t.Helper()
	if version == "" {
		for _, name := range []string{"GOROOT", "GOPATH", "GOTOOLCHAIN", "GOMODCACHE", environ.SessionVariable, "PATH"} {
			if env.Get(name) != m.env.Get(name) {
				m.t.Errorf("%s: %s is %v, was %v", what, name, env.Get(name), m.env.Get(name))
			}
		}
		return
	}
	path := strings.Split(env["PATH"], ":")
	if env["GOROOT"] != m.goroot(version) || !slices.Contains(path, m.goroot(version)+"/bin") || env["GOTOOLCHAIN"] != "local" {
		m.t.Errorf("%s: want %s, GOROOT=%q GOTOOLCHAIN=%q PATH=%q", what, version, env["GOROOT"], env["GOTOOLCHAIN"], env["PATH"])
	}
	for _, dir := range path {
		if strings.HasPrefix(dir, m.store+"/") && dir != m.goroot(version)+"/bin" {
			m.t.Errorf("%s: PATH still has %s", what, dir)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func waitFor(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(hang); ; time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear", path)
		}
	}
}
