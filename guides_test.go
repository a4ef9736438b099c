package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// A guide is a page of docs/guides. Its ```console blocks are one session of
// bash, which TestGuides runs from top to bottom:
//
//	$ COMMAND      is run, with what the hook does at a prompt after it
//	OUTPUT         what it prints to stdout and stderr; none: not compared
//
// In the output … stands for any text of a line, and a line of … alone for any
// lines. A command may fail only where the page shows an error with its code.
// A comment "<!-- test" of HTML at the top of the page has the lines of a
// testscript that come before the session, and its files.

// step is a command of a guide and the output that the page shows for it.
type step struct {
	command string
	output  []string
}

var (
	consoleBlock = regexp.MustCompile("(?ms)^ *```console\n(.*?)^ *```$")
	testComment  = regexp.MustCompile(`(?ms)<!-- test\n(.*?)(^-- .*)?^-->$`)
	errorCode    = regexp.MustCompile(`^vmgo: .* \[[a-z-]+\]$`)
)

func guides(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("docs/guides/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no guides: %v", err)
	}
	return pages
}

// steps returns the commands of a page in their order.
func steps(page string) []step {
	var all []step
	for _, block := range consoleBlock.FindAllStringSubmatch(page, -1) {
		open := false
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSuffix(line, "\n")
			command, isCommand := strings.CutPrefix(line, "$ ")
			switch {
			case isCommand:
				all = append(all, step{command: command})
				open = strings.HasSuffix(command, `\`)
			case len(all) == 0:
			case open:
				all[len(all)-1].command += "\n" + line
				open = strings.HasSuffix(line, `\`)
			default:
				all[len(all)-1].output = append(all[len(all)-1].output, line)
			}
		}
	}
	return all
}

// session is the bash script that runs steps and writes what each prints, and
// its exit status, to files of a directory.
func session(all []step) string {
	var script strings.Builder
	script.WriteString(`mkdir -p "$GUIDE"
step() {
	eval "$2" >"$GUIDE/$1" 2>&1 </dev/null
	echo $? >"$GUIDE/$1.status"
	for prompt in "${PROMPT_COMMAND[@]}"; do eval "$prompt"; done >>"$GUIDE/$1" 2>&1
}
`)
	for i, s := range all {
		fmt.Fprintf(&script, "step %d '%s'\n", i, strings.ReplaceAll(s.command, "'", `'\''`))
	}
	return script.String()
}

// matches reports whether output is what a page shows.
func matches(shown []string, output string) bool {
	var pattern strings.Builder
	pattern.WriteString("^")
	for _, line := range shown {
		if line == "…" {
			pattern.WriteString("(.*\n)*")
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "\n")
	}
	return regexp.MustCompile(pattern.String() + "$").MatchString(output)
}

// checkGuide compares what a session wrote to dir with what the page shows.
func checkGuide(dir string, all []step, replace *strings.Replacer) error {
	var wrong bytes.Buffer
	for i, s := range all {
		file := filepath.Join(dir, strconv.Itoa(i))
		output, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		status, err := os.ReadFile(file + ".status")
		if err != nil {
			return err
		}
		text := replace.Replace(string(output))
		fails := false
		for _, line := range s.output {
			fails = fails || errorCode.MatchString(line)
		}
		if string(status) != "0\n" && !fails {
			fmt.Fprintf(&wrong, "$ %s\nexit status %s%s", s.command, status, text)
		} else if len(s.output) > 0 && !matches(s.output, text) {
			fmt.Fprintf(&wrong, "$ %s\nprints:\n%sand the page shows:\n%s\n", s.command, text, strings.Join(s.output, "\n"))
		}
	}
	if wrong.Len() > 0 {
		return fmt.Errorf("the page is not what happens:\n%s", wrong.String())
	}
	return nil
}

// buildServices builds the services that guides look at, and returns their directory.
func buildServices(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "shopd"), ".")
	build.Dir = "examples/observe-sample" // depends on nothing outside of this repository
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-trimpath", "GOPROXY=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func TestGuides(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the guides run once, without -short")
	}
	dir := t.TempDir()
	pages := map[string][]step{}
	var files []string
	for _, page := range guides(t) {
		text := read(t, page)
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		pages[name] = steps(text)
		if len(pages[name]) == 0 {
			continue
		}
		setup, extra := "", ""
		if match := testComment.FindStringSubmatch(text); match != nil {
			setup, extra = match[1], match[2]
		}
		script := setup + "\nenv GUIDE=$WORK/.guide\ncd $HOME\nexec bash --noprofile --norc $WORK/.session\nguide " + name + "\n-- .session --\n" + session(pages[name]) + extra
		file := filepath.Join(dir, name+".txtar")
		if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	commands := vmtest.ScriptCommands()
	var compared atomic.Int32
	t.Cleanup(func() {
		if got := int(compared.Load()); got != len(files) && !t.Failed() {
			t.Errorf("%d of %d guides were compared", got, len(files))
		}
	})
	commands["guide"] = func(ts *testscript.TestScript, _ bool, args []string) {
		compared.Add(1)
		var shown []string
		for name, instead := range map[string]string{"TESTROOT": "", "HOME": "~", "VMTEST_URL": "https://goproxy.cn"} {
			if value := ts.Getenv(name); value != "" {
				shown = append(shown, value, instead)
			}
		}
		ts.Check(checkGuide(ts.Getenv("GUIDE"), pages[args[0]], strings.NewReplacer(shown...)))
	}
	services := buildServices(t)
	setup := func(env *testscript.Env) error {
		env.Setenv("SERVICES", services)
		return isolate(env)
	}
	testscript.Run(t, testscript.Params{Files: files, Setup: setup, Cmds: commands, RequireExplicitExec: true})
}

// TestGuides_runnerFindsWhatIsWrong shows that a page that lies fails.
func TestGuides_runnerFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	page := "# A\n\n```console\n$ echo one \\\n  two\none two\n$ false\nvmgo: no [x]\n$ printf 'a\\nb\\n'\na\n…\n```\n"
	all := steps(page)
	want := []step{{"echo one \\\n  two", []string{"one two"}}, {"false", []string{"vmgo: no [x]"}}, {`printf 'a\nb\n'`, []string{"a", "…"}}}
	if fmt.Sprint(all) != fmt.Sprint(want) {
		t.Fatalf("steps are %q", all)
	}
	for _, c := range []struct {
		output, status string
		ok             bool
	}{{"one two\n", "0\n", true}, {"one 2\n", "0\n", false}, {"one two\n", "1\n", false}, {"", "0\n", false}} {
		dir := t.TempDir()
		for name, text := range map[string]string{"0": c.output, "0.status": c.status} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := checkGuide(dir, all[:1], strings.NewReplacer()); (err == nil) != c.ok {
			t.Errorf("%q with status %q: %v", c.output, c.status, err)
		}
	}
}
