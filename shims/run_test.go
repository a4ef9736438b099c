package shims_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/shims"
)

// started is what a shim became.
type started struct {
	path string
	argv []string
	env  environ.Env
}

// shim calls a shim of that name in dir, with the given execve; the default
// one records and then says that it has succeeded by panicking.
func (m *machine) shim(dir string, argv ...string) (started, string, int) {
	m.t.Helper()
	var got started
	var stderr bytes.Buffer
	p := shims.Process{
		Args: argv, Env: m.env, Dir: dir, Root: m.root, UID: os.Getuid(), PID: 1, Executable: func() string { return m.bin + "/vmgo-shim" },
		Stdout: &stderr, Stderr: &stderr, Now: time.Now, Ranges: ranges.Parse,
		Exec: func(path string, argv, env []string) error {
			got = started{path, argv, environ.FromPairs(env)}
			if _, err := os.Stat(path); err != nil {
				return syscall.ENOENT
			}
			panic(got)
		},
	}
	if m.options != nil {
		m.options(&p)
	}
	status := -1
	func() {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(started); !ok {
					panic(r)
				}
			}
		}()
		status = shims.Main(p)
	}()
	return got, stderr.String(), status
}

func TestShim_becomesTheSelectedTool(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22")
	m.env["GOROOT"] = "/usr/lib/go" // of an editor, or of another release
	got, stderr, _ := m.shim(dir, "/anywhere/go", "build", "-x", "./...")
	goroot := m.goroot("1.22.5")
	if got.path != goroot+"/bin/go" || got.argv[0] != got.path || strings.Join(got.argv[1:], " ") != "build -x ./..." || stderr != "" {
		t.Fatalf("%+v, said %q", got, stderr)
	}
	if got.env["GOROOT"] != goroot || got.env["GOTOOLCHAIN"] != "local" || !strings.HasPrefix(got.env["PATH"], goroot+"/bin:") ||
		got.env["GOPATH"] != environ.ProjectGopath(m.home+"/.local/share/vmgo", dir) || got.env["GOMODCACHE"] != m.home+"/go/pkg/mod" {
		t.Errorf("environment: %q", got.env.Pairs())
	}
	if got, _, _ := m.shim(dir, "gofmt", "-l"); got.path != goroot+"/bin/gofmt" {
		t.Errorf("gofmt: %+v", got)
	}
	if got, _, _ := m.shim(dir, "vmgo", "__shim", "gofmt", "-l"); got.path != goroot+"/bin/gofmt" || len(got.argv) != 2 {
		t.Errorf("vmgo in its place: %+v", got)
	}
}

func TestShim_findsToolsOfTheProject(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	tool := m.write(environ.ProjectGopath(m.home+"/.local/share/vmgo", dir)+"/bin/stringer", "#!/bin/sh\n")
	if _, stderr, status := m.shim(dir, "stringer"); status != 127 || !strings.Contains(stderr, "[command-not-found]") {
		t.Errorf("a file that cannot be run: %d, %q", status, stderr)
	}
	must(t, os.Chmod(tool, 0o755))
	if got, _, _ := m.shim(dir, "stringer"); got.path != tool {
		t.Errorf("%+v", got)
	}
}

// What the project's GOPATH may have by the tool's name, and is not to be run.
func TestShim_refusesWhatIsNoToolOfTheProject(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	tools := environ.ProjectGopath(m.home+"/.local/share/vmgo", dir) + "/bin/"
	must(t, os.MkdirAll(tools+"directory", 0o755))
	must(t, os.Symlink(m.bin+"/vmgo-shim", tools+"shim"))
	must(t, os.Chmod(m.write(m.root+"/relative/bin/relative", "#!/bin/sh\n"), 0o755))
	for _, tool := range []string{"directory", "shim", "relative"} {
		if tool == "relative" {
			m.env["GOPATH"] = relativeTo(t, m.root+"/relative")
		}
		if got, stderr, status := m.shim(dir, tool); status != 127 || !strings.Contains(stderr, "[command-not-found]") {
			t.Errorf("%s: status %d, said %q, became %+v", tool, status, stderr, got)
		}
	}
}

// relativeTo names path from the directory that the tests run in.
func relativeTo(t *testing.T, path string) string {
	t.Helper()
	here, err := os.Getwd()
	must(t, err)
	relative, err := filepath.Rel(here, path)
	must(t, err)
	return relative
}

// A go of the system that has no gofmt beside it: PATH has one, after some that
// are not meant.
// A distribution has links in /usr/bin, and the rest of a release in its GOROOT.
// Where /proc is missing a program does not know its own name: files of the working
// directory are not taken for it.
// The GOPATH within the project is made when go runs, as the hook makes it.
func TestShim_makesTheGOPATHOfTheProject(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env["VMGO_GOPATH"] = "tree"
	got, stderr, _ := m.shim(dir, "go", "version")
	if _, err := os.Lstat(dir + "/.gopath"); err != nil || got.env["GOPATH"] != dir+"/.gopath" {
		t.Errorf("%v, GOPATH=%s, said %q", err, got.env["GOPATH"], stderr)
	}
}

// Outside of all releases no session is left for what runs there.
func TestShim_endsTheSession(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	must(t, os.Chmod(m.write(m.root+"/lib/go/bin/go", "#!/bin/sh\n"), 0o755))
	m.env["PATH"] += ":" + m.root + "/lib/go/bin"
	inside, _, _ := m.shim(m.pin("p", "1.22.5"), "go")
	m.env = inside.env
	dir := m.pin("q", "system")
	got, _, _ := m.shim(dir, "go")
	if !inside.env.Get(environ.SessionVariable).Set || got.env.Get(environ.SessionVariable).Set {
		t.Errorf("inside %q, outside %q", inside.env.Pairs(), got.env.Pairs())
	}
	s, err := here.Look(here.Question{Env: m.env, Dir: dir, Root: m.root, UID: os.Getuid()})
	must(t, err)
	if s.Outside.Get(environ.SessionVariable).Set {
		t.Errorf("outside of the session: %q", s.Outside.Pairs())
	}
}

// For a single command variables are set on purpose.
func TestShim_keepsWhatTheCommandWasGiven(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env["GOPATH"], m.env["GOTOOLCHAIN"], m.env["GOMODCACHE"] = "/my", "go1.27.0", "/cache"
	got, _, _ := m.shim(dir, "go", "version")
	if got.env["GOPATH"] != "/my" || got.env["GOTOOLCHAIN"] != "go1.27.0" || got.env["GOMODCACHE"] != "/cache" ||
		got.env["GOROOT"] != m.goroot("1.22.5") {
		t.Errorf("environment: %q", got.env.Pairs())
	}
	m.env["VMGO_GOPATH"] = "tree"
	got, _, _ = m.shim(dir, "go", "version")
	if _, err := os.Lstat(dir + "/.gopath"); err == nil || got.env["GOPATH"] != "/my" {
		t.Errorf("a GOPATH that is not used: %v, GOPATH=%s", err, got.env["GOPATH"])
	}
}

// Below a shell with the hook a shim does what the hook did.
func TestShim_agreesWithTheHook(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.env["GOPATH"] = "/home/go"
	dir, other := m.pin("p", "1.22.5"), m.pin("q", "1.21")
	outside := m.env
	s := m.start("bash", "HOOK\n")
	inside := s.in("cd "+dir, "1.22.5")
	m.env = inside
	got, _, _ := m.shim(dir, "go", "env")
	for _, name := range []string{"GOROOT", "GOPATH", "GOMODCACHE", "GOTOOLCHAIN", "PATH", environ.SessionVariable} {
		if got.env.Get(name) != inside.Get(name) {
			t.Errorf("%s is %v, with the hook %v", name, got.env.Get(name), inside.Get(name))
		}
	}
	got, _, _ = m.shim(other, "go", "env")
	m.check("a shim in another project", got.env, "1.21.13")
	m.env = got.env
	session, err := environ.Decode(got.env[environ.SessionVariable])
	must(t, err)
	m.env = outside
	m.check("reverted", environ.Revert(got.env, session).Without(environ.SessionVariable), "")
}

// A service of systemd has no HOME; the user's default is found all the same.
func TestShim_findsTheHomeThatTheEnvironmentLacks(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	must(t, os.MkdirAll(m.work+"/any", 0o755))
	m.write(m.root+"/etc/passwd", "u:x:"+strconv.Itoa(os.Getuid())+":1::"+m.home+":/bin/sh\n")
	m.write(m.home+"/.config/vmgo/default", "1.21\n")
	delete(m.env, "HOME")
	delete(m.env, "XDG_CONFIG_HOME")
	got, stderr, _ := m.shim(m.work+"/any", "go", "build")
	if got.path != m.goroot("1.21.13")+"/bin/go" || got.env.Get("HOME").Set {
		t.Errorf("%+v, said %q", got, stderr)
	}
}

func TestShim_saysWhyItCannotStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, test := range []struct {
		version string
		change  func()
		status  int
		code    string
		hint    string
	}{
		{version: "1.99.1", status: 127, code: "not-installed", hint: "vmgo install 1.99.1"},
		{version: "junk", status: 126, code: "bad-version-file"},
		{version: "1.22.5", change: func() { m.env["__VMGO_DEPTH"] = "32" }, status: 126, code: "recursion", hint: "32 shims in a row"},
		{version: "1.22.5", change: func() { m.env["VMGO_GOPATH"] = "x" }, status: 126, code: "bad-setting", hint: "unset VMGO_GOPATH"},
		{version: "1.22.4", change: func() { must(t, os.Remove(m.goroot("1.22.4")+"/bin/go")) }, status: 127, code: "command-not-found"},
	} {
		before := m.env
		m.env = environ.FromPairs(m.env.Pairs())
		dir := m.pin("p"+test.code, test.version)
		if test.change != nil {
			test.change()
		}
		got, stderr, status := m.shim(dir, "go", "version")
		if got.path != "" || status != test.status || !strings.Contains(stderr, "["+test.code+"]") || !strings.Contains(stderr, test.hint) {
			t.Errorf("%s: status %d, said %q, started %q", test.code, status, stderr, got.path)
		}
		m.env = before
	}
}

func TestShim_cannotStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	var stderr bytes.Buffer
	status := shims.Main(shims.Process{
		Args: []string{"go"}, Env: m.env, Dir: dir, Root: m.root, Stdout: &stderr, Stderr: &stderr, Now: time.Now,
		Exec: func(string, []string, []string) error { return syscall.ENOEXEC },
	})
	if status != 126 || !strings.Contains(stderr.String(), "[cannot-start]") {
		t.Errorf("status %d, said %q", status, stderr.String())
	}
}

// A go command that switches names the version it needs. The go that answers
// must be that one, whatever the directory says.
func TestShim_servesASwitchOfTheGoCommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env["GOTOOLCHAIN_INTERNAL_SWITCH_VERSION"] = "go1.26.8"
	if got, _, _ := m.shim(dir, "go", "version"); got.path != m.goroot("1.26.8")+"/bin/go" || got.env.Get("GOROOT").Set {
		t.Errorf("%+v", got)
	}
	if got, _, _ := m.shim(dir, "gofmt"); got.path != m.goroot("1.22.5")+"/bin/gofmt" {
		t.Errorf("it is for another tool: %+v", got)
	}
	m.env["GOTOOLCHAIN_INTERNAL_SWITCH_VERSION"] = "go1.27.0"
	if got, _, _ := m.shim(dir, "go", "version"); got.path != m.goroot("1.22.5")+"/bin/go" {
		t.Errorf("a release that is not there: %+v", got)
	}
}

func TestShim_countsHowDeepItIs(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env["__VMGO_DEPTH"] = "3"
	if got, _, _ := m.shim(dir, "go"); got.env["__VMGO_DEPTH"] != "4" {
		t.Errorf("depth %q", got.env["__VMGO_DEPTH"])
	}
}

// The lean program cannot read ranges: vmgo beside it can.
func TestShim_handsRangesOver(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", ">=1.21 <1.23")
	s := m.start("bash", "HOOK\n")
	s.in("cd "+dir, "1.22.5")
	self, err := os.Executable()
	must(t, err)
	must(t, os.Symlink(self, m.root+"/go"))
	m.env["TEST_BIN"] = m.bin
	env, _ := s.do(m.root + "/go version a 'b c' >" + m.root + "/out")
	text, err := os.ReadFile(m.root + "/out")
	must(t, err)
	want := m.goroot("1.22.5") + "/bin/go|1.22.5|" + m.goroot("1.22.5") + "|" + env["GOPATH"] + "|" + env["GOMODCACHE"] + "|local|version a b c\n"
	if string(text) != want {
		t.Errorf("got %q\nwant %q", text, want)
	}
	must(t, os.Remove(m.bin+"/vmgo"))
	s.in("cd /", "")
	s.in("cd "+dir, "")
	s.in("", "")
	if n := strings.Count(s.output(), "[cannot-start]"); n != 1 {
		t.Errorf("said %d times that vmgo is missing", n)
	}
}

// Stamps that nobody has used for long go away, others stay.
func TestStamps_areSwept(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	var out bytes.Buffer
	call := func(now time.Time, pid int) {
		p := shims.Process{
			Args: []string{"vmgo-shim", "hook", "bash", "f", dir, "|||||||", ""}, Env: m.env, Dir: dir, Root: m.root,
			UID: os.Getuid(), PID: pid, Executable: func() string { return m.bin + "/vmgo-shim" }, Stdout: &out, Stderr: &out, Now: func() time.Time { return now },
		}
		if status := shims.Main(p); status != 0 {
			t.Fatal(out.String())
		}
	}
	stamps := func() []string {
		found, _ := filepath.Glob(m.root + "/run/vmgo/stamps/*")
		return found
	}
	count := func() int { return len(stamps()) }
	for i := range 3 {
		m.write(dir+"/.go-version", "1.22.5\n"+strings.Repeat("#", i))
		m.settle()
		call(time.Now(), 1)
	}
	if count() != 3 {
		t.Fatalf("%d stamps", count())
	}
	m.write(dir+"/.go-version", "1.22.4\n")
	m.settle()
	call(time.Now(), 32)
	if count() != 4 {
		t.Fatalf("%d stamps: one that may be in use is gone", count())
	}
	old := stamps()
	m.write(dir+"/.go-version", "1.21\n")
	call(time.Now().AddDate(0, 2, 0), 32)
	for _, stamp := range stamps() {
		if slices.Contains(old, stamp) {
			t.Errorf("%s is left", stamp)
		}
	}
}
