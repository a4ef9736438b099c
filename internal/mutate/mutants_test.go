//go:build mutate

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// standIn is the os that the packages of these tests import.
type standIn struct{}

func (standIn) Import(path string) (*types.Package, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, "package os; type FileMode uint32; type File struct{}; func Open(string) (f *File, err error) { return }", 0)
	if err != nil {
		return nil, err
	}
	var config types.Config
	return config.Check(path, set, []*ast.File{file}, nil)
}

// checked is a package of one file, which holds text.
func checked(t *testing.T, text string) *source {
	t.Helper()
	s := &source{
		files: map[string][]byte{"a.go": []byte(text)}, syntax: map[string]*ast.File{}, set: token.NewFileSet(),
		info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}},
	}
	file, err := parser.ParseFile(s.set, "a.go", text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	s.syntax["a.go"] = file
	config := types.Config{Importer: standIn{}}
	if _, err := config.Check(module+"/a", s.set, []*ast.File{file}, s.info); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFind_changes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`func f(a bool) int { if a { return 1 }; return 2 }`: {
			"cond a => true", "cond a => false"},
		`func f(a, b, c bool) bool { return a && (b || c) }`: {
			"cond a && (b || c) => false", "cond a => true", "cond (b || c) => true", "cond b => false", "cond c => false"},
		`func f(a, b int) bool { return a < b }`: {
			"cond a < b => true", "cond a < b => false", "bound a < b => a <= b"},
		`func f(n int) { for i := 0; i < n; i++ { g() } }; func g() {}`: {
			"cond i < n => false", "bound i < n => i <= n", "call g() => nothing"},
		`func f(n int) int { switch { case n == 1: return 2 }; return 3 }`: {
			"cond n == 1 => true", "cond n == 1 => false"},
		`func f() error { if err := g(); err != nil { return err }; return nil }; func g() error { return nil }`: {
			"error err != nil of g => true", "error err != nil of g => false", "error return err => return nil"},
		`func f() error { _, err := os.Open("x"); return err }`:  {"io return err => return nil"},
		`func f() (*os.File, error) { return os.Open("x") }`:     {`io return os.Open("x") => return … nil`},
		`func f(m os.FileMode) os.FileMode { m &= 7; return m }`: {"bits m &= 7 => nothing"},
		`const most = 1 << 20; func f() { g(most) }; func g(int) {}`: {
			"call g(most) => nothing", "limit most => no limit"},
		`const two = 2; func f() int { return g(two) }; func g(int) int { return 0 }`:                nil,
		"func f(a bool) int {\n// mutate: equivalent, because 1 is 1\nif a { return 1 }; return 1 }": nil,
		"func f(a bool) bool { return !a // mutate: equivalent, because nobody asks\n}":              nil,
	} {
		s := checked(t, "package a; import \"os\"; var _ = os.Open;"+body)
		found, edits := find(s, "a.go", 0)
		var got []string
		for _, m := range found {
			got = append(got, string(m.kind)+" "+m.original+" => "+m.replacement)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", body, got, want)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "a.go", rewrite(s.files["a.go"], edits), 0); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestFindInScript_changes(t *testing.T) {
	t.Parallel()
	text := "set -eu\n\nf() {\n%s\n}\nf\n"
	outside := []string{"-eu => -e", "-eu => -u"}
	for line, want := range map[string][]string{
		`	[ -n "$a" ] || die 1 'no a'`:      {`[ -n "$a" ] || die 1 'no a' => true`, `[ -n "$a" ] || die 1 'no a' => false`},
		"	if g && ! [ a = b ]; then\n:\nfi": {"[ a = b ]; then => true", "[ a = b ]; then => false", "&& ! [ a = b ]; then => && false &&"},
		"	if g; then\n:\nfi":                {"g; then => true", "g; then => false"},
		"	while g; do\n:\ndone":             {"g; do => false"},
		"	g || exit 1":                      {"g || exit 1 => true", "g || exit 1 => false", "|| exit 1 => || : ||"},
		"	case a in b) ;; *) g ;; esac":     {"g ;; esac => :"},
		"	GOFLAGS=-mod=readonly":            {"GOFLAGS=-mod=readonly => :"},
		"	f x":                              {"f x => :"},
		"	find x -exec rm {} +":             {"find x -exec rm {} + => :"},
		"	(umask 077 && g)":                 {"&& g) => && false &&", "077 && g) => 022"},
		"	say 'a || b'\n# [ a ]":            nil,
		"	cat <<'END'\n[ a ] || b\nEND":     nil,
	} {
		script := fmt.Sprintf(text, line)
		var got []string
		for _, m := range findInScript("a.sh", script) {
			got = append(got, m.original+" => "+m.replacement)
			if !parses(m.text) || m.text == script {
				t.Errorf("%s: %s", m, m.text)
			}
		}
		if !slices.Equal(got, slices.Concat(outside, want)) {
			t.Errorf("%s:\n got %q\nwant %q", line, got, want)
		}
	}
}

func TestScript_active(t *testing.T) {
	t.Parallel()
	text := "set -eu\nf() { # why\n\tg || exit 1\n}\ng() { :; }\nf\n"
	s := &script{name: "a.sh", text: text, mutants: findInScript("a.sh", text)}
	log := filepath.Join(t.TempDir(), "log")
	if out, err := exec.Command("sh", "-c", s.active("record "+log)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	reached, err := os.ReadFile(log)
	if err != nil || string(reached) != "0\n0\n1\n0\n2\n3\n4\n" {
		t.Errorf("%q, %v", reached, err)
	}
	if !strings.Contains(s.active("4"), "g || : || exit 1") || strings.Contains(s.active("control"), "g") {
		t.Error(s.active("4"), s.active("control"))
	}
}

// What is accepted of a file that was looked at has to be a change of it, which no test
// misses.
func TestReport_acceptedForNothing(t *testing.T) {
	t.Parallel()
	m := &mutant{file: "a.go", function: "f", original: "x", replacement: "true", nth: 1}
	reason := "because"
	if got := stale(map[string]string{m.key(): reason, "a.go g: x => true": reason, "b.go f: x => true": reason}, []*mutant{m}); !slices.Equal(got, []string{"a.go g: x => true"}) {
		t.Errorf("no change is %q", got)
	}
	for verdict, want := range map[verdict]int{passed: 0, failed: 1} {
		var out strings.Builder
		r := &report{out: &out, baseline: map[string]string{m.key(): reason}}
		r.add(m, outcome{verdict: verdict, by: "TestF"})
		if got := r.end(); got != want || strings.Contains(out.String(), "accepted for nothing: a.go f: x => true (missed by TestF)") != (want == 1) {
			t.Errorf("%s: %d, %s", verdict, got, &out)
		}
	}
}

func TestRewrite_nests(t *testing.T) {
	t.Parallel()
	edits := []edit{{0, 5, "(", ")"}, {0, 2, "[", "]"}, {2, 5, "{", "}"}}
	if got, want := rewrite([]byte("abcde"), edits), "([ab]{cde})"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBatches_quickestFirst(t *testing.T) {
	t.Parallel()
	one, other := &suite{}, &suite{}
	slow, quick, quicker, foreign := &test{one, "slow", time.Minute}, &test{one, "quick", 2}, &test{one, "quicker", 1}, &test{other, "foreign", 3}
	got := batches([]*test{slow, quick, foreign, quicker})
	want := [][]*test{{quicker, quick}, {foreign}, {slow}}
	if !slices.EqualFunc(got, want, func(a, b []*test) bool { return slices.Equal(a, b) }) {
		t.Errorf("got %v", got)
	}
}
