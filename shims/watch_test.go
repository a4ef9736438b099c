package shims_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/shims"
)

// answer asks the program for the hook of bash, as a value.
func (m *machine) answer(dir string) (stdout, stderr string, status int) {
	return m.answerAt(dir, time.Now)
}

func (m *machine) answerAt(dir string, now func() time.Time) (stdout, stderr string, status int) {
	return m.call(now, dir, "hook", "bash", "f", dir, "|||||||", "")
}

// answerFor asks for the hook of another shell.
func (m *machine) answerFor(shell, dir string) (stdout, stderr string, status int) {
	return m.call(time.Now, dir, "hook", shell, "f", dir, "|||||||", "")
}

func (m *machine) call(now func() time.Time, dir string, args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	status = shims.Main(shims.Process{
		Args: append([]string{"vmgo-shim"}, args...),
		Env:  m.env, Dir: dir, Root: m.root, UID: os.Getuid(), PID: 1, Executable: func() string { return m.bin + "/vmgo-shim" },
		Stdout: &out, Stderr: &errs, Now: now, Ranges: ranges.Parse,
	})
	return out.String(), errs.String(), status
}

// selected resolves afresh: what must be found by way of the watched paths too.
func (m *machine) selected(dir string) string {
	layout := dirs.FromEnv(m.env, m.root, os.Getuid())
	set, err := settings.Load(m.env, layout.SettingsFiles()...)
	must(m.t, err)
	r, err := here.Resolve(here.Place{Dir: dir, Env: m.env, Layout: layout, Settings: set, Ranges: ranges.Parse})
	if err != nil {
		return "error " + err.Error()
	}
	return r.GOROOT + " " + r.Project
}

// Over random trees and random changes of them: as long as the test that was
// given to the shell says that nothing changed, resolving gives the same.
func TestWatches_missNoChangeOfTheAnswer(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	levels := []string{m.work, m.work + "/a", m.work + "/a/b", m.work + "/a/b/c"}
	dir := levels[3]
	must(t, os.MkdirAll(dir, 0o755))
	random := rand.New(rand.NewPCG(1, 2))
	change := func() string {
		level := levels[random.IntN(len(levels))]
		texts := map[string][]string{
			".go-version":    {"1.22.5\n", "1.21\n", "system\n", "1.22.9\n", ">=1.22 <1.26\n", "junk\n"},
			".tool-versions": {"golang 1.26.8\n", "ruby 3\n"},
			"go.mod":         {"module x\n\ngo 1.22\n", "module x\n\ngo 1.21\ntoolchain go1.22.4\n", "module x\n", "junk {\n"},
			"go.work":        {"go 1.22.5\n", "go 1.26\n"},
			".git":           {""},
			"noise":          {"x"},
		}
		names := []string{".go-version", ".tool-versions", "go.mod", "go.work", ".git", "noise"}
		name := names[random.IntN(len(names))]
		path := filepath.Join(level, name)
		if random.IntN(3) > 0 {
			_ = os.RemoveAll(path)
			return "rm " + path
		}
		m.write(path, texts[name][random.IntN(len(texts[name]))])
		return "write " + path
	}
	bash := newJudge(t, m)
	var history []string
	quiet, rounds := 0, 400
	if testing.Short() {
		rounds = 100
	}
	for range rounds {
		history = append(history, change())
		m.settle()
		text, _, status := m.answer(dir)
		if status != 0 {
			t.Fatalf("status %d after %q", status, history)
		}
		before := m.selected(dir)
		// Two changes in a row, for those that matter only together.
		history = append(history, change())
		if random.IntN(2) == 0 {
			history = append(history, change())
		}
		if unchanged := bash.unchanged(text, dir); unchanged {
			quiet++
			if now := m.selected(dir); now != before {
				t.Fatalf("not noticed:\n%s\nwas %q, is %q\n%s", strings.Join(history[max(0, len(history)-30):], "\n"), before, now, text)
			}
		}
	}
	// The test must be worth something: much of what happens changes nothing.
	if quiet < rounds/8 {
		t.Errorf("only %d of %d changes were passed over", quiet, rounds)
	}
}

// settle waits until all that was written is older than a tick of the clock: nobody
// can set the time of an inode's last change.
func (m *machine) settle() { time.Sleep(25 * time.Millisecond) }

// judge is one bash that evaluates answers and reports whether they still hold.
type judge struct {
	t  *testing.T
	m  *machine
	in *os.File
	n  int
}

func newJudge(t *testing.T, m *machine) *judge {
	read, write, err := os.Pipe()
	must(t, err)
	cmd := exec.Command("bash", "--norc", "--noprofile")
	cmd.Stdin, cmd.Env, cmd.Stderr = read, m.env.Pairs(), os.Stderr
	must(t, cmd.Start())
	t.Cleanup(func() { _ = write.Close(); _ = cmd.Wait() })
	return &judge{t: t, m: m, in: write}
}

// unchanged evaluates an answer, as the function looks for the answer's PATH too, and
// calls its function in dir.
func (j *judge) unchanged(answer, dir string) bool {
	j.n++
	done := filepath.Join(j.m.logs, "verdict"+time.Now().Format("150405.000000000"))
	_, err := j.in.WriteString("cd " + dir + "\n" + answer +
		"\n_vmgo_update() { verdict=changed; }; verdict=same; _vmgo_hook; echo $verdict >" + done + ".new; mv " + done + ".new " + done + "\n")
	must(j.t, err)
	waitFor(j.t, done)
	text, err := os.ReadFile(done)
	must(j.t, err)
	return string(text) == "same\n"
}

func TestHook_asksAgainWhileATickIsNotOver(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	var stat syscall.Stat_t
	must(t, syscall.Stat(dir+"/.go-version", &stat))
	after := func(d time.Duration) func() time.Time {
		return func() time.Time { return time.Unix(stat.Ctim.Unix()).Add(d) }
	}
	if text, _, _ := m.answerAt(dir, after(19*time.Millisecond)); strings.Contains(text, "-nt") {
		t.Errorf("trusts the time of a file that was just written:\n%s", text)
	}
	if text, _, _ := m.answerAt(dir, after(21*time.Millisecond)); !strings.Contains(text, "-nt") {
		t.Errorf("does not trust the time of an old file:\n%s", text)
	}
}

// Where times have whole seconds, in the shell or on the disk, a tick is longer.
func TestHook_asksAgainWhileASecondIsNotOver(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for flags, whole := range map[string]bool{"f": true, "fs": false} {
		dir := m.pin("p"+flags, "1.22.5")
		path := dir + "/.go-version"
		if whole {
			must(t, os.Chtimes(path, time.Unix(1e9, 0), time.Unix(1e9, 0)))
		}
		var stat syscall.Stat_t
		must(t, syscall.Stat(path, &stat))
		for after, trusts := range map[time.Duration]bool{50 * time.Millisecond: false, 2050 * time.Millisecond: false, 2150 * time.Millisecond: true} {
			now := func() time.Time { return time.Unix(stat.Ctim.Unix()).Add(after) }
			text, _, _ := m.call(now, dir, "hook", "bash", flags, dir, "|||||||", "")
			if strings.Contains(text, "-nt") != trusts {
				t.Errorf("flags %s, after %v:\n%s", flags, after, text)
			}
		}
	}
}

// What is removed between reading it and naming it to the shell is no answer to
// rest on; what was never there, or cannot be opened, is.
func TestHook_asksAgainWhereAFileWentMeanwhile(t *testing.T) {
	t.Parallel()
	for kind, certain := range map[string]bool{"read": false, "loop": true, "none": true} {
		m := newMachine(t)
		dir := m.pin("p", "1.22.5")
		path := dir + "/.go-version"
		if kind != "read" {
			must(t, os.Remove(path))
		}
		if kind == "loop" {
			must(t, os.Symlink(".go-version", path))
		}
		calls := 0
		text, _, _ := m.answerAt(dir, func() time.Time {
			if calls++; calls == 2 && kind == "read" { // the answer is known, and its watches are not
				must(t, os.Remove(path))
			}
			return time.Now()
		})
		if calls < 2 || strings.Contains(text, "$PWD|") != certain {
			t.Errorf("%s, %d calls:\n%s", kind, calls, text)
		}
	}
}

// A pin goes before every go.mod that is above it; nearer ones may conflict with it.
func TestWatches_modulesThatMatter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ pin, git, watched, passed string }{
		{"r/a", "r", "r/a/b r/a", "r"},
		{"r", "r/a", "r/a/b r/a", ""},
		{"", "r", "r/a/b r/a r", ""},
	} {
		m := newMachine(t)
		dir := m.work + "/r/a/b"
		must(t, os.MkdirAll(m.work+"/"+test.git+"/.git", 0o755))
		must(t, os.MkdirAll(dir, 0o755))
		if test.pin != "" {
			m.pin(test.pin, "1.22.5")
		}
		m.age(dir)
		text, _, _ := m.answer(dir)
		for list, want := range map[string]bool{test.watched: true, test.passed: false} {
			for _, module := range strings.Fields(list) {
				if path := m.work + "/" + module + "/go.mod"; strings.Contains(text, "'"+path+"'") != want {
					t.Errorf("%+v: %s:\n%s", test, path, text)
				}
			}
		}
	}
}

// The shell is told what its variable holds, unless it holds just that.
func TestHook_spellsASessionThatTheShellHasNot(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	for session, held := range map[string]bool{"": true, "1;x": false, "junk": false} {
		m.env[environ.SessionVariable] = session
		text, _, _ := m.answer(dir)
		if strings.Contains(text, environ.JournalMark+"${"+environ.SessionVariable+"-}") != held {
			t.Errorf("beside %q:\n%s", session, text)
		}
	}
}

func TestHook_withoutAPlaceForStampsAsksEachTime(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.write(m.root+"/file", "")
	m.env["XDG_RUNTIME_DIR"], m.env["XDG_CACHE_HOME"] = m.root+"/file", m.root+"/file"
	text, _, status := m.answer(dir)
	if status != 0 || strings.Contains(text, "-nt") || !strings.Contains(text, m.goroot("1.22.5")) {
		t.Errorf("status %d:\n%s", status, text)
	}
}

func TestHook_ignoresABrokenSession(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := m.pin("p", "1.22.5")
	m.env[environ.SessionVariable] = "1;garbage"
	text, stderr, status := m.answer(dir)
	if status != 0 || stderr != "" || !strings.Contains(text, "_vmgo_value='"+m.goroot("1.22.5")+"'") {
		t.Errorf("status %d, said %q:\n%s", status, stderr, text)
	}
}

// TestWatches_receipts: what is installed changes with its receipt as well as
// with its directory, in whatever order the two come and go.
func TestWatches_receipts(t *testing.T) {
	t.Parallel()
	for _, pin := range []string{"1.22.5", "1.22", ">=1.22.1 <1.23"} {
		t.Run(pin, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			must(t, os.RemoveAll(m.goroot("1.22.4")))
			dir := m.pin("p", pin)
			bash := newJudge(t, m)
			tree, receipts := m.goroot("1.22.5"), m.store+"/.vmgo/receipts"
			away := m.root + "/away"
			for _, move := range [][2]string{
				{receipts + "/1.22.5.json", away}, {away, receipts + "/1.22.5.json"},
				{tree, away + ".tree"}, {away + ".tree", tree},
				{receipts, away}, {tree, away + ".tree"}, {away + ".tree", tree}, {away, receipts},
			} {
				m.settle()
				text, _, _ := m.answer(dir)
				before := m.selected(dir)
				if want := !strings.HasPrefix(before, "error"); strings.Contains(text, "_vmgo_value='"+tree+"'") != want {
					t.Fatalf("before %q: %s:\n%s", move, before, text)
				}
				must(t, os.Rename(move[0], move[1]))
				if now := m.selected(dir); bash.unchanged(text, dir) && now != before {
					t.Errorf("%q was not noticed: %s, then %s\n%s", move, before, now, text)
				}
			}
		})
	}
}
