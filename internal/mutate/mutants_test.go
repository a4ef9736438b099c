//go:build mutate

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
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
