package project_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/project"
)

// tree writes files beneath a new directory; a name that ends in a slash is a
// directory. The top has .git, so that nothing above it counts as its repository.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	top := t.TempDir()
	for name, content := range files {
		path := filepath.Join(top, name)
		dir := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return top
}

type files map[string]string

func TestPrecedence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files files
		dir   string // where we are; made if need be
		want  string // file:line of what decides
		text  string // its requirement
	}{
		{"nothing", files{".git/": ""}, "a/b", "", ""},
		{"version file here", files{".git/": "", "a/.go-version": "1.22.5"}, "a", "a/.go-version:1", "1.22.5"},
		{"version file above", files{".git/": "", ".go-version": "1.22.5"}, "a/b/c", ".go-version:1", "1.22.5"},
		{"nearer version file", files{".git/": "", ".go-version": "1.21.1", "a/.go-version": "#\n1.22.5"}, "a/b", "a/.go-version:2", "1.22.5"},
		{".go-version before .tool-versions", files{".git/": "", ".go-version": "1.22.5", ".tool-versions": "golang 1.21.1"}, ".", ".go-version:1", "1.22.5"},
		{"nearer .tool-versions", files{".git/": "", ".go-version": "1.22.5", "a/.tool-versions": "golang 1.21.1"}, "a", "a/.tool-versions:1", "1.21.1"},
		{"nearer .go-version", files{".git/": "", ".tool-versions": "golang 1.22.5", "a/.go-version": "1.21.1"}, "a", "a/.go-version:1", "1.21.1"},
		{".tool-versions of other tools", files{".git/": "", ".go-version": "1.22.5", "a/.tool-versions": "nodejs 20"}, "a", ".go-version:1", "1.22.5"},
		{"pin above beats minimum here", files{".git/": "", ".go-version": "1.22.5", "a/go.mod": "module m\ngo 1.23"}, "a", ".go-version:1", "1.22.5"},
		{".tool-versions above beats minimum here", files{".git/": "", ".tool-versions": "go 1.22.5", "a/go.mod": "module m\ngo 1.23"}, "a", ".tool-versions:1", "1.22.5"},
		{"pin above beats toolchain line here", files{".git/": "", ".go-version": "1.22.5", "a/go.mod": "go 1.21\ntoolchain go1.23.1"}, "a", ".go-version:1", "1.22.5"},
		{"pin here beats go.work above", files{".git/": "", "go.work": "go 1.21\ntoolchain go1.23.1", "a/.go-version": "1.22.5"}, "a", "a/.go-version:1", "1.22.5"},
		{"pin above go.work", files{".git/": "", ".go-version": "1.22.5", "a/go.work": "go 1.21", "a/b/go.mod": "go 1.21"}, "a/b", ".go-version:1", "1.22.5"},
		{"go.mod here", files{".git/": "", "go.mod": "module m\n\ngo 1.22\n"}, ".", "go.mod:3", "go 1.22"},
		{"go.mod above", files{".git/": "", "go.mod": "module m\n\ngo 1.22\n"}, "a/b", "go.mod:3", "go 1.22"},
		{"nearest go.mod", files{".git/": "", "go.mod": "module m\ntoolchain go1.22.5\n", "a/go.mod": "go 1.20"}, "a", "a/go.mod:1", "go 1.20"},
		{"toolchain line", files{".git/": "", "go.mod": "module m\ngo 1.22\ntoolchain go1.22.5\n"}, "a", "go.mod:3", "toolchain go1.22.5"},
		{"toolchain of a first release", files{".git/": "", "go.mod": "module m\ngo 1.19\ntoolchain go1.20\n"}, ".", "go.mod:3", "toolchain go1.20"},
		{"toolchain default", files{".git/": "", "go.mod": "go 1.22\ntoolchain default\n"}, ".", "go.mod:1", "go 1.22"},
		// https://github.com/golang/go/issues/69646
		{"go.work before go.mod", files{".git/": "", "go.work": "go 1.21\n", "a/go.mod": "go 1.20\ntoolchain go1.22.5"}, "a", "go.work:1", "go 1.21"},
		{"go.work and go.mod here", files{".git/": "", "go.work": "go 1.21\ntoolchain go1.22.5", "go.mod": "go 1.20"}, ".", "go.work:2", "toolchain go1.22.5"},
		{"go.work that asks nothing", files{".git/": "", "go.work": "use ./a\n", "a/go.mod": "go 1.20"}, "a", "a/go.mod:1", "go 1.20"},
		{"go.mod that asks nothing", files{".git/": "", "go.mod": "go 1.20", "a/go.mod": "module m"}, "a", "", ""},
		{"beyond the repository: version file", files{".go-version": "1.22.5", "r/.git/": ""}, "r/a", ".go-version:1", "1.22.5"},
		{"beyond the repository: .tool-versions", files{".tool-versions": "go 1.22.5", "r/.git/": ""}, "r/a", ".tool-versions:1", "1.22.5"},
		{"beyond the repository: no go.mod", files{"go.mod": "go 1.22", "go.work": "go 1.22", "r/.git/": ""}, "r/a", "", ""},
		{"beyond the repository: nearer", files{".go-version": "1.21.1", "b/.go-version": "1.22.5", "b/r/.git/": ""}, "b/r/a", "b/.go-version:1", "1.22.5"},
		{"minimum inside beats pin beyond", files{".go-version": "1.22.5", "r/.git/": "", "r/go.mod": "go 1.20"}, "r", "r/go.mod:1", "go 1.20"},
		{"empty go.mod inside lets beyond answer", files{".go-version": "1.22.5", "r/.git/": "", "r/go.mod": "module m"}, "r", ".go-version:1", "1.22.5"},
		{".git file of a worktree", files{"go.mod": "go 1.22", "r/.git": "gitdir: /x"}, "r/a", "", ""},
		{"no repository", files{"go.mod": "go 1.22", "a/b/x/": ""}, "a/b/x", "go.mod:1", "go 1.22"},
		{"repository inside repository", files{".git/": "", "go.mod": "go 1.22", "sub/.git": "gitdir: x"}, "sub", "", ""},
		{"bad go.mod beneath a pin", files{".git/": "", ".go-version": "1.22.5", "a/go.mod": "go go go"}, "a", ".go-version:1", "1.22.5"},
		{"bad go.work beneath a pin", files{".git/": "", ".go-version": "1.22.5", "go.work": "\"", "a/go.mod": "go 1.20"}, "a", ".go-version:1", "1.22.5"},
		{"bad go.mod beneath a good go.work", files{".git/": "", "go.work": "go 1.21", "a/go.mod": "go x"}, "a", "go.work:1", "go 1.21"},
		{"bad version file above the one that decides", files{".git/": "", ".go-version": "junk", "a/.go-version": "1.22.5"}, "a", "a/.go-version:1", "1.22.5"},
		{"bad .tool-versions beside .go-version", files{".git/": "", ".go-version": "1.22.5", ".tool-versions": "go junk"}, ".", ".go-version:1", "1.22.5"},
		{"bad version file beyond the repository", files{".go-version": "junk", "r/.git/": "", "r/go.mod": "go 1.20"}, "r", "r/go.mod:1", "go 1.20"},
		{"names that shells trip over", files{".git/": "", "a b/'\"$(id)\n*\xff\xfe/.go-version": "1.22.5"}, "a b/'\"$(id)\n*\xff\xfe/x", "a b/'\"$(id)\n*\xff\xfe/.go-version:1", "1.22.5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			top := tree(t, test.files)
			dir := filepath.Join(top, test.dir)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			survey, err := project.Walk(dir, project.Options{})
			if err != nil {
				t.Fatal(err)
			}
			check(t, survey, top, test.want, test.text)
		})
	}
}

// check compares the answer, and what must hold of every survey.
func check(t *testing.T, survey project.Survey, top, want, text string) {
	t.Helper()
	r := survey.Requirement
	if want == "" {
		if !r.IsZero() || survey.Project != "" {
			t.Errorf("decided %q in project %q, want nothing", r.Origin, survey.Project)
		}
	} else if full := filepath.Join(top, want); r.Origin.String() != full || r.Origin.Requirement != text {
		t.Errorf("decided %q at %s, want %q at %s", r.Origin.Requirement, r.Origin, text, full)
	} else if survey.Project != filepath.Dir(r.Origin.Path) {
		t.Errorf("the project is %s", survey.Project)
	}
	if r.Minimum != strings.HasPrefix(text, "go ") {
		t.Errorf("%q: minimum is %t", text, r.Minimum)
	}
	decided := 0
	for _, step := range survey.Steps {
		switch step.Verdict {
		case project.Decided:
			decided++
			if step.Origin != r.Origin {
				t.Errorf("the step %s is said to have decided", step.Origin)
			}
		case project.Absent:
			if _, err := os.Lstat(step.Origin.Path); err == nil {
				t.Errorf("%s exists and is said to be absent", step.Origin.Path)
			}
			continue
		}
		if !slices.Contains(survey.Watch, step.Origin.Path) {
			t.Errorf("%s is not watched", step.Origin.Path)
		}
	}
	if (decided == 1) == r.IsZero() || decided > 1 {
		t.Errorf("%d steps decided", decided)
	}
	for _, step := range survey.Steps {
		if !slices.Contains(survey.Watch, filepath.Dir(step.Origin.Path)) {
			t.Errorf("the directory of %s is not watched", step.Origin.Path)
		}
	}
}

func TestMinimums(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		files files
		want  []string
	}{
		{files{"r/.git/": "", "r/.go-version": "1.20.1"}, nil},
		{files{"r/.git/": "", "r/a/.go-version": "1.20.1", "r/go.mod": "go 1.22"}, []string{"r/go.mod:1"}},
		{files{"r/.git/": "", "r/.go-version": "1.20.1", "r/go.work": "go 1.23", "r/a/go.mod": "\ngo 1.22"}, []string{"r/go.work:1", "r/a/go.mod:2"}},
		{files{"r/.git/": "", "r/go.mod": "go 1.21\ntoolchain go1.22.1"}, []string{"r/go.mod:1"}},
		{files{"r/.git/": "", "r/go.mod": "toolchain go1.22.1"}, nil},
		{files{"r/.git/": "", "r/.go-version": "1.20.1", "go.mod": "go 1.23"}, nil},
	} {
		top := tree(t, test.files)
		dir := filepath.Join(top, "r/a")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		survey, err := project.Walk(dir, project.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, minimum := range survey.Minimums {
			got = append(got, strings.TrimPrefix(minimum.Origin.String(), top+"/"))
			if !minimum.Minimum || !strings.HasPrefix(minimum.Origin.Requirement, "go ") {
				t.Errorf("%v: %+v is no minimum", test.files, minimum)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: minimums %q, want %q", test.files, got, test.want)
		}
		if survey.Repository != filepath.Join(top, "r") {
			t.Errorf("the repository is %q", survey.Repository)
		}
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	top := tree(t, files{
		"r/.git/": "", "r/a/.tool-versions": "nodejs 20", "r/a/go.mod": "go 1.22\ntoolchain go1.21.1", "r/.go-version": "# x\n1.22.5", "r/go.work": "use ./a",
	})
	survey, err := project.Walk(filepath.Join(top, "r/a"), project.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, step := range survey.Steps {
		line := strings.TrimPrefix(step.Origin.String(), top+"/") + " " + string(step.Verdict)
		if step.Origin.Requirement != "" {
			line += ": " + step.Origin.Requirement
		}
		if step.Note != "" {
			line += " (" + step.Note + ")"
		}
		got = append(got, line)
	}
	want := []string{
		"r/a/.go-version absent",
		"r/a/.tool-versions ignored (has no line golang or go)",
		"r/a/go.work absent",
		"r/a/go.mod:1 passed: go 1.22 (toolchain go1.21.1 is older than the go line)",
		"r/.go-version:2 decided: 1.22.5",
		"r/go.work ignored (has no go line)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	watch := []string{"r/a", "r/a/.tool-versions", "r/a/go.mod", "r", "r/.go-version", "r/go.work"}
	for i, path := range survey.Watch {
		survey.Watch[i] = strings.TrimPrefix(path, top+"/")
	}
	if !slices.Equal(survey.Watch, watch) {
		t.Errorf("watches %q, want %q", survey.Watch, watch)
	}
}

func TestGOWORK(t *testing.T) {
	t.Parallel()
	top := tree(t, files{
		".git/": "", "go.work": "go 1.21", "a/go.mod": "go 1.20", "w/my.work": "\ngo 1.23", "w/bad.work": "go x", "p/.go-version": "1.22.5",
	})
	for _, test := range []struct{ dir, gowork, want, text, fault string }{
		{"a", "", "go.work:1", "go 1.21", ""},
		{"a", "auto", "go.work:1", "go 1.21", ""},
		{"a", "off", "a/go.mod:1", "go 1.20", ""},
		{"a", top + "/w/my.work", "w/my.work:2", "go 1.23", ""},
		{"p", top + "/w/my.work", "p/.go-version:1", "1.22.5", ""},
		{"p", top + "/w/none", "p/.go-version:1", "1.22.5", ""},
		{"a", top + "/w/none", "", "", "does not exist"},
		{"a", "w/my.work", "", "", "not an absolute path"},
		{"a", top + "/w/bad.work", "", "", "is not a version"},
	} {
		survey, err := project.Walk(filepath.Join(top, test.dir), project.Options{GOWORK: test.gowork})
		if test.fault != "" {
			if diag.CodeOf(err) != diag.BadVersionFile || !strings.Contains(err.Error(), test.fault) || len(diag.HintsOf(err)) == 0 {
				t.Errorf("GOWORK=%s: %v, want %s", test.gowork, err, test.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("GOWORK=%s: %v", test.gowork, err)
			continue
		}
		if got := survey.Requirement.Origin.String(); got != filepath.Join(top, test.want) || survey.Requirement.Origin.Requirement != test.text {
			t.Errorf("GOWORK=%s: decided %q at %s, want %q at %s", test.gowork, survey.Requirement.Origin.Requirement, got, test.text, test.want)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	top := tree(t, files{".git/": "", "real/x/go.mod": "go 1.20", "shared": "1.22.5", "a/": ""})
	for name, target := range map[string]string{"a/.go-version": "../shared", "a/link": "../real/x", "real/x/.go-version": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ dir, want string }{
		{"a", "a/.go-version:1"},
		{"a/link", "a/.go-version:1"}, // up is lexical, as in the shell and for go
		{"real/x", "real/x/go.mod:1"}, // a link that leads nowhere is no file
	} {
		survey, err := project.Walk(filepath.Join(top, test.dir), project.Options{})
		if err != nil || survey.Requirement.Origin.String() != filepath.Join(top, test.want) {
			t.Errorf("%s: %s, %v; want %s", test.dir, survey.Requirement.Origin, err, test.want)
		}
	}
}

func TestNoDirectory(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "relative", "."} {
		if survey, err := project.Walk(dir, project.Options{}); err != nil || len(survey.Steps) != 0 {
			t.Errorf("%q: %+v, %v", dir, survey, err)
		}
	}
	top := tree(t, files{".git/": "", ".go-version": "1.22.5"})
	for _, dir := range []string{top + "/gone/since", top + "/./x/../", top + "//", top + "/.go-version/x", top + "/" + strings.Repeat("x", 5000)} {
		survey, err := project.Walk(dir, project.Options{})
		if err != nil || survey.Requirement.Origin.Path != top+"/.go-version" {
			t.Errorf("%s: %s, %v", dir, survey.Requirement.Origin, err)
		}
	}
	if survey, err := project.Walk("/", project.Options{}); err == nil && survey.Steps[0].Origin.Path != "/.go-version" {
		t.Errorf("at the root: %+v", survey.Steps)
	}
}

func TestReadPin(t *testing.T) {
	t.Parallel()
	top := tree(t, files{"default": "# mine\nlatest\n", "bad": "junk"})
	r, err := project.ReadPin(top+"/default", project.UserDefault)
	want := project.Origin{Kind: project.UserDefault, Path: top + "/default", Line: 2, Requirement: "latest"}
	if err != nil || r.Origin != want || r.Minimum || r.Selector.Text() != "latest" {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err := project.ReadPin(top+"/none", project.UserDefault); err != nil || !r.IsZero() {
		t.Errorf("without a file: %+v, %v", r, err)
	}
	for _, name := range []string{"/bad", ""} {
		if r, err := project.ReadPin(top+name, project.UserDefault); diag.CodeOf(err) != diag.BadVersionFile || !r.IsZero() {
			t.Errorf("%q: %+v, %v", name, r, err)
		}
	}
}

func TestOriginString(t *testing.T) {
	t.Parallel()
	for want, origin := range map[string]project.Origin{
		"/a/go.mod:3":     {Kind: project.GoMod, Path: "/a/go.mod", Line: 3},
		"/opt/go/default": {Kind: project.MachineDefault, Path: "/opt/go/default"},
		"VMGO_VERSION":    {Kind: project.Variable},
	} {
		if origin.String() != want {
			t.Errorf("%+v reads %q, want %q", origin, origin, want)
		}
	}
}
