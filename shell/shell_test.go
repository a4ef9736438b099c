package shell_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/shell"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"bash": "bash", "/usr/bin/zsh": "zsh", "-bash": "bash", "/bin/-fish": "fish"} {
		if sh, err := shell.Lookup(name); err != nil || sh.Name() != want {
			t.Errorf("Lookup(%q) = %v, %v", name, sh, err)
		}
	}
	for _, name := range []string{"", "tcsh", "/", "bash "} {
		if _, err := shell.Lookup(name); diag.CodeOf(err) != diag.UnsupportedShell {
			t.Errorf("Lookup(%q): %v", name, err)
		}
	}
}

func TestParseCall(t *testing.T) {
	t.Parallel()
	want := shell.Call{Shell: "bash", Fresh: true, Coarse: true, Dir: "/d", Key: "k", Said: "x y", Refused: []string{"GOROOT", "PATH"}}
	for _, version := range [][]string{nil, {shell.Protocol}} {
		call, ok, err := shell.ParseCall(append([]string{"bash", "fs=GOROOT,PATH,", "/d", "k", "x y"}, version...))
		if !ok || err != nil || !reflect.DeepEqual(call, want) {
			t.Errorf("%+v, %v, %v", call, ok, err)
		}
	}
	for _, args := range [][]string{nil, {"bash"}, {"bash", "g", "/", "", ""}, {"bash", "", "/", "", "", shell.Protocol, ""}} {
		if _, ok, err := shell.ParseCall(args); ok || err != nil {
			t.Errorf("%q: %v, %v", args, ok, err)
		}
	}
	// A later version may have more arguments.
	for _, args := range [][]string{{"bash", "", "/", "", "", "3"}, {"bash", "x", "/", "", "", "9", "more"}, {"bash", "", "/", "", "", ""}} {
		if _, ok, err := shell.ParseCall(args); ok || diag.CodeOf(err) != diag.Usage || !strings.Contains(err.Error(), "protocol") {
			t.Errorf("%q: %v, %v", args, ok, err)
		}
	}
}

// Every setting that the hook obeys must be among what a prompt compares.
func TestVariables_haveTheSettingsOfTheHook(t *testing.T) {
	t.Parallel()
	// Those are for installing, and change nothing at a prompt.
	others := "VMGO_SOURCE VMGO_GODEV VMGO_GODEV_MIRROR VMGO_LINK VMGO_JOBS VMGO_OFFLINE VMGO_KEYRING VMGO_AUTOINSTALL VMGO_MIN_AGE"
	for _, row := range settings.Table() {
		compared := strings.Contains(" "+strings.Join(shell.Variables(), " ")+" ", " "+row.Name+" ")
		if other := strings.Contains(" "+others+" ", " "+row.Name+" "); compared == other {
			t.Errorf("%s: compared at the prompt: %v", row.Name, compared)
		}
	}
}

var awkwardPrograms = shell.Programs{Vmgo: "/a b'c/$x/vmgo", Shim: "/a b'c/`y`\n/vmgo-shim"}

func check(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text."+name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sh, err := shell.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	checkers := [][]string{sh.About().Syntax}
	if name == "bash" {
		// $ in the name of a program; [ out of reach of aliases; what the other
		// half of the script uses; a comparison that is made for one prompt.
		checkers = append(checkers, []string{"shellcheck", "-s", "bash", "-e", "SC2016,SC2288,SC2034,SC2050"})
	}
	for _, checker := range checkers {
		argv := append(checker, path)
		run(t, argv, text)
	}
}

func run(t *testing.T, argv []string, text string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%q: %v\n%s\n%s", argv, err, out, text)
	}
}

func TestHook_passesTheCheckersOfItsShell(t *testing.T) {
	t.Parallel()
	for _, name := range evaluating() {
		sh, err := shell.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		text := sh.Hook(awkwardPrograms)
		check(t, name, text)
		if strings.Contains(text, "@") && strings.Contains(text, "@KEY@") {
			t.Errorf("%s: a place that was not filled", name)
		}
	}
}

// anUpdate has everything in it.
func anUpdate() shell.Update {
	return shell.Update{
		Call: shell.Call{Dir: "/p 'x'", Key: "|||||||", Coarse: true},
		Changes: []environ.Change{
			{Name: "GOPATH"}, {Name: "GOROOT", Value: environ.Text("/go's")}, {Name: "PATH", Value: environ.Text("/go's/bin:/usr/bin:/bin")},
		},
		Missing: []string{"GOROOT"},
		Undo: environ.Undo{Path: []string{"/go's/bin", "/b"}, Vars: []environ.UndoVar{
			{Name: "GOROOT", Ours: environ.Text("/go's")}, {Name: "GOPATH", Prior: environ.Text("/p's")},
		}},
		Session: "1;x", Before: "1;y", Said: "0123 4567", Holds: []string{"/go's/bin"},
		Equal: []environ.Change{{Name: "DIRENV_DIFF", Value: environ.Text("d")}},
		Watch: []shell.Watch{
			{Path: "/p 'x'/go.mod", Kind: shell.Absent}, {Path: "/p 'x'/.git", Kind: shell.Present},
			{Path: "/p 'x'/.go-version", Kind: shell.Same, Stamp: "/s/1.5"},
		},
	}
}

func TestUpdate_passesTheCheckersOfItsShell(t *testing.T) {
	t.Parallel()
	never := anUpdate()
	never.Watch, never.Session, never.Changes = nil, "", nil
	empty := anUpdate()
	empty.Watch, empty.Holds, empty.Equal = []shell.Watch{}, nil, nil
	for _, name := range evaluating() {
		sh, err := shell.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		held := anUpdate()
		held.Held = true
		for _, u := range []shell.Update{anUpdate(), held, never, empty} {
			check(t, name, sh.Update(u))
		}
	}
}

// However much of an answer arrives: all of it takes effect or nothing.
func TestUpdate_isRunWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, name := range evaluating() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh, err := shell.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			j := newJudge(t, name, "C.UTF-8")
			text := sh.Update(anUpdate())
			for n := 0; n < len(text)-1; n += 7 {
				probe := "eval " + sh.Quote(text[:n]) + " 2>/dev/null; env -0 | grep -zc -e ^GOROOT= -e ^__VMGO | tr '\\n' '\\0'"
				if name == "fish" {
					probe = "eval " + sh.Quote(text[:n]) + " 2>/dev/null; env | grep -c -e ^GOROOT= -e ^__VMGO | tr '\\n' '\\0'"
				}
				if got := j.eval(t, probe); got != "0" {
					t.Fatalf("%d of %d bytes had an effect (%q):\n%s", n, len(text), got, text[:n])
				}
			}
		})
	}
}

// A change that is interrupted leaves a journal of both sessions, also where
// the shell takes the earlier one from what it has.
func TestUpdate_keepsAJournalMeanwhile(t *testing.T) {
	t.Parallel()
	for _, name := range evaluating() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh, err := shell.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			j := newJudge(t, name, "C.UTF-8")
			for _, c := range []struct{ now, session, before, journal string }{
				{"", "1;x", "", "1;x~"}, {"1;y%20/", "1;x", "1;y%20/", "1;x~1;y%20/"}, {"1;y", "", "1;y", "~1;y"},
				{"1;y~1;z", "1;x", "1;y;|;z", "1;x~1;y;|;z"}, {"junk $x", "1;x", "", "1;x~"},
			} {
				u := anUpdate()
				u.Session, u.Before, u.Held = c.session, c.before, c.now == c.before
				j.eval(t, sh.Export([]environ.Change{{Name: environ.SessionVariable, Value: environ.Value{Set: c.now != "", Text: c.now}}})+"printf '\\0'")
				text := sh.Update(u)
				changes := strings.Index(text, "GOPATH") // the first of them
				half := text[:strings.LastIndexByte(text[:changes], '\n')+1] + map[string]string{"bash": ":\n}\n}\n", "zsh": ":\n}\n}\n", "fish": "end\n"}[name]
				const show = "env -0 | grep -az '^__VMGO_SESSION=' || printf '\\0'"
				if got := j.eval(t, half+show); got != environ.SessionVariable+"="+c.journal {
					t.Errorf("%+v: %q meanwhile, by %s", c, got, half)
				}
				want := ""
				if c.session != "" {
					want = environ.SessionVariable + "=" + c.session
				}
				if got := j.eval(t, text+show); got != want {
					t.Errorf("%+v: %q in the end", c, got)
				}
			}
		})
	}
}

// Only these may be linked into vmgo-shim: each one that is added is paid for
// at every cd and by every call of a shim.
func TestLeanProgram_linksLittle(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "../shims/vmgo-shim").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{
		"bytes": true, "cmp": true, "embed": true, "errors": true, "io": true, "io/fs": true, "iter": true, "maps": true, "os": true,
		"path": true, "path/filepath": true, "slices": true, "sort": true, "strconv": true, "strings": true, "sync": true,
		"sync/atomic": true, "syscall": true, "time": true, "unicode": true, "unicode/utf8": true, "unsafe": true, "runtime": true,
		"math/bits": true,
	}
	for _, line := range bytes.Fields(out) {
		pkg := string(line)
		if strings.HasPrefix(pkg, "internal/") || strings.HasPrefix(pkg, "runtime/") || strings.HasPrefix(pkg, "github.com/vmgo/vmgo") {
			continue
		}
		if !allowed[pkg] {
			t.Errorf("vmgo-shim links %s", pkg)
		}
	}
}
