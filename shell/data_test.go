package shell_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/shell"
)

// answer is an update as a script reads it.
type answer struct {
	Set            map[string]string
	Unset, Missing []string
	Path           []string
	Journal, Said  string
	Session        string
	Undo           struct {
		Vars [][3]*string
		Path []string
	}
	Watch *struct {
		Equal           map[string]string
		Holds           []string
		Present, Absent []string
		Texts, Links    [][2]string
		Lists           [][2]any
		Levels          [][3]any
	}
}

func read(t testing.TB, text string) answer {
	t.Helper()
	var a answer
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a
}

func dataShells(t testing.TB) []shell.Shell {
	t.Helper()
	var list []shell.Shell
	for _, name := range shell.Names() {
		sh, err := shell.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if sh.About().Data {
			list = append(list, sh)
		}
	}
	return list
}

func TestData_hasTheWholeUpdate(t *testing.T) {
	t.Parallel()
	u := anUpdate()
	u.Watch[2] = shell.Watch{Path: "/p 'x'/.go-version", Kind: shell.Holding, Text: "1.22\n"}
	u.Watch = append(u.Watch, shell.Watch{Path: "/s", Kind: shell.Listing, Names: []string{"1", "2"}},
		shell.Watch{Path: "/s/default", Kind: shell.Leading, Text: "/s/1"},
		shell.Watch{Path: "/deep" + strings.Repeat("/d", 100) + "/go.mod", Kind: shell.Absent})
	for _, sh := range dataShells(t) {
		text := sh.Update(u)
		a := read(t, text)
		if a.Set["GOROOT"] != "/go's" || !slices.Equal(a.Unset, []string{"GOPATH"}) || !slices.Equal(a.Path, []string{"/go's/bin", "/usr/bin", "/bin"}) ||
			!slices.Equal(a.Missing, []string{"GOROOT"}) || a.Journal != "1;x~1;y" || a.Session != "1;x" || a.Said != u.Said {
			t.Errorf("%s: %s", sh.Name(), text)
		}
		w := a.Watch
		if w == nil || w.Equal["DIRENV_DIFF"] != "d" || w.Holds[0] != "/go's/bin" || w.Present[0] != "/p 'x'/.git" || w.Absent[0] != "/p 'x'/go.mod" ||
			w.Texts[0] != [2]string{"/p 'x'/.go-version", "1.22\n"} || w.Links[0] != [2]string{"/s/default", "/s/1"} || w.Lists[0][0] != "/s" || len(w.Levels) != 1 {
			t.Errorf("%s: %s", sh.Name(), text)
		}
		if v := a.Undo.Vars; len(v) != 2 || *v[0][1] != "/go's" || v[0][2] != nil || v[1][1] != nil || *v[1][2] != "/p's" || len(a.Undo.Path) != 2 {
			t.Errorf("%s: %s", sh.Name(), text)
		}
		for n := range len(text) - 2 {
			if json.Valid([]byte(text[:n])) {
				t.Fatalf("%s: %d of %d bytes are a document", sh.Name(), n, len(text))
			}
		}
	}
}

// What JSON cannot carry is not compared: the program is asked at each prompt.
func TestData_asksWhereItCannotName(t *testing.T) {
	t.Parallel()
	for _, w := range []shell.Watch{
		{Path: "/\xff", Kind: shell.Absent}, {Path: "/a", Kind: shell.Holding, Text: "\xff"}, {Path: "/a", Kind: shell.Listing, Names: []string{"\xff"}},
	} {
		for _, sh := range dataShells(t) {
			if a := read(t, sh.Update(shell.Update{Watch: []shell.Watch{w}})); a.Watch != nil {
				t.Errorf("%s: %+v is %+v", sh.Name(), w, a.Watch)
			}
		}
	}
	if shell.CarriesData([]environ.Change{{Name: "PATH", Value: environ.Text("/\xff")}}) {
		t.Error("bytes that are not UTF-8 fit")
	}
}

// Whatever a value holds, the document is one and has it.
func FuzzData(f *testing.F) {
	for _, s := range awkward() {
		f.Add(s)
	}
	shells := dataShells(f)
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		for _, sh := range shells {
			a := read(t, sh.Update(shell.Update{
				Changes: []environ.Change{{Name: "GOPATH", Value: environ.Text(s)}}, Said: s,
				Watch: []shell.Watch{{Path: s, Kind: shell.Present}, {Path: "/f", Kind: shell.Holding, Text: s}},
			}))
			if a.Set["GOPATH"] != s || a.Said != s || a.Watch.Present[0] != s || a.Watch.Texts[0][1] != s {
				t.Errorf("%s: %q is %+v", sh.Name(), s, a)
			}
		}
	})
}

// program returns the program of a shell; the test is skipped where one is missing
// that only the long run has.
func program(t *testing.T, sh shell.Shell) string {
	t.Helper()
	path, err := exec.LookPath(sh.About().Interactive[0])
	if err != nil && (sh.Name() == "nushell" || sh.Name() == "xonsh") {
		t.Skip(sh.Name() + " is not on PATH: ./test.sh --long fetches it")
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The shells read what is quoted, and set what Export says.
func TestData_quotesAsTheShellsRead(t *testing.T) {
	t.Parallel()
	for _, sh := range dataShells(t) {
		t.Run(sh.Name(), func(t *testing.T) {
			t.Parallel()
			path := program(t, sh)
			var script strings.Builder
			var want []string
			for _, s := range awkward() {
				if !utf8.ValidString(s) {
					continue
				}
				want = append(want, s, "NEW="+s)
				script.WriteString(sh.Export([]environ.Change{{Name: "NEW", Value: environ.Text(s)}}))
				script.WriteString("/usr/bin/printf '%s\\0' " + sh.Quote(s) + "\n/bin/sh -c 'env -0 | grep -az ^NEW='\n")
			}
			script.WriteString(sh.Export([]environ.Change{{Name: "NEW"}, {Name: "PATH", Value: environ.Text("/usr/bin:/a b:/bin")}}))
			script.WriteString("/bin/sh -c 'env -0 | grep -az -e ^NEW= -e ^PATH='\n")
			want = append(want, "PATH=/usr/bin:/a b:/bin", "")
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(path, file)
			cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8"}
			out, err := cmd.Output()
			if got := strings.Split(string(out), "\x00"); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v:\n got %q\nwant %q", err, got, want)
			}
		})
	}
}

func TestData_scriptsPassTheCheckersOfTheirShell(t *testing.T) {
	t.Parallel()
	for _, sh := range dataShells(t) {
		t.Run(sh.Name(), func(t *testing.T) {
			t.Parallel()
			program(t, sh)
			check(t, sh.Name(), sh.Hook(awkwardPrograms))
		})
	}
}
