package shell_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/shell"
)

// prompts says how the text that an update defines is called, and what prints
// whether it finds that something changed.
var prompts = map[string]string{
	"bash": "_vmgo_update() { verdict=changed; }; verdict=same; _vmgo_hook; printf '%s\\0' $verdict",
	"zsh":  "_vmgo_update() { verdict=changed; }; verdict=same; _vmgo_hook; printf '%s\\0' $verdict",
	"fish": "_vmgo_unchanged; and printf 'same\\0'; or printf 'changed\\0'",
}

// Each thing that an answer depends on, changed alone, is noticed.
func TestUpdate_noticesEachChange(t *testing.T) {
	t.Parallel()
	for _, name := range evaluating() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh, err := shell.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			export := func(name, value string) string {
				return sh.Export([]environ.Change{{Name: name, Value: environ.Text(value)}})
			}
			changes := map[string]string{
				"": "", "appears": "touch absent", "goes": "rm present", "is written": "touch -d 2002-02-02 same", "is older": "touch -d 2000-02-02 same",
				"has no stamp": "rm stamp", "another directory": "cd /", "PATH": export("PATH", "/usr/bin:/bin"), "equal": export("DIRENV_DIFF", "e"),
			}
			for _, variable := range append(shell.Variables(), "GOWORK") {
				changes[variable] = export(variable, "x")
			}
			j := newJudge(t, name, "C.UTF-8")
			for label, change := range changes {
				dir := t.TempDir()
				for _, file := range []string{"present", "same", "stamp"} {
					put(t, filepath.Join(dir, file))
				}
				u := shell.Update{
					Call:  shell.Call{Dir: dir, Key: strings.Repeat("|", len(shell.Variables())-1)},
					Holds: []string{"/ours/bin"}, Equal: []environ.Change{{Name: "DIRENV_DIFF", Value: environ.Text("d")}},
					Watch: []shell.Watch{
						{Path: dir + "/absent", Kind: shell.Absent}, {Path: dir + "/present", Kind: shell.Present},
						{Path: dir + "/same", Kind: shell.Same, Stamp: dir + "/stamp"},
					},
				}
				want := "changed"
				if change == "" {
					want = "same"
				}
				before := "cd " + sh.Quote(dir) + "\n" + export("PATH", "/ours/bin:/usr/bin:/bin") + export("DIRENV_DIFF", "d")
				var after []environ.Change
				for _, variable := range shell.Variables() {
					after = append(after, environ.Change{Name: variable})
				}
				after = append(after, environ.Change{Name: "GOWORK"})
				if got := j.eval(t, before+sh.Export(after)+sh.Update(u)+change+"\n"+prompts[name]); got != want {
					t.Errorf("%q: %s, want %s", label, got, want)
				}
			}
		})
	}
}

// put makes an empty file of a certain time.
func put(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Unix(1e9, 5), time.Unix(1e9, 5)); err != nil {
		t.Fatal(err)
	}
}

// The shell is told to remember what it does not remember, and no more.
func TestUpdate_tellsWhatIsNew(t *testing.T) {
	t.Parallel()
	for _, name := range evaluating() {
		sh, err := shell.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			call shell.Call
			said string
			want bool
		}{
			{shell.Call{Said: "a"}, "a", false}, {shell.Call{Said: "a"}, "a b", true}, {shell.Call{Said: "a"}, "", true},
			{shell.Call{Fresh: true}, "", true}, {shell.Call{Refused: []string{"GOROOT"}}, "", true},
		} {
			text := sh.Update(shell.Update{Call: test.call, Said: test.said})
			if strings.Contains(text, "_vmgo_said") != test.want {
				t.Errorf("%s: %+v:\n%s", name, test, text)
			}
		}
	}
}

// Without a change of the environment too the variable ends as the session says.
func TestUpdate_leavesNoStaleSession(t *testing.T) {
	t.Parallel()
	for _, name := range evaluating() {
		sh, err := shell.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		j := newJudge(t, name, "C.UTF-8")
		for _, test := range []struct{ now, before, session string }{
			{"1;x", "1;x", "1;x"}, {"1;x", "1;x", "1;y"}, {"junk", "1;x", "1;x"}, {"1;x", "1;x", ""}, {"junk", "", ""},
		} {
			u := shell.Update{Before: test.before, Session: test.session, Held: test.now == test.before}
			now := sh.Export([]environ.Change{{Name: environ.SessionVariable, Value: environ.Text(test.now)}})
			text := sh.Update(u)
			if got := j.eval(t, now+text+`printf '%s\0' "$`+environ.SessionVariable+`"`); got != test.session {
				t.Errorf("%s: %+v: %q after\n%s", name, test, got, text)
			}
			if keeps := test.now == test.session; strings.Contains(text, environ.SessionVariable+" $next") && keeps {
				t.Errorf("%s: %+v: it is set to what it has:\n%s", name, test, text)
			}
		}
	}
}
