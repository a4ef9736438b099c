package audit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/vulndb"
)

func parse(t *testing.T, text string) gover.Version {
	t.Helper()
	v, err := gover.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStdVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"1.22.5": "v1.22.5", "1.20": "v1.20.0", "1.23rc2": "v1.23.0-rc.2", "1.18beta1": "v1.18.0-beta.1"} {
		got := StdVersion(parse(t, text))
		if got != want {
			t.Errorf("StdVersion(%s) = %s, want %s", text, got, want)
		}
		if back := release(got); back != text && back != text+".0" {
			t.Errorf("release(%s) = %s, want %s", got, back, text)
		}
	}
}

// Each kind of subject has its own command.
func TestAuditor_fix(t *testing.T) {
	t.Parallel()
	std, used := vulndb.Module{Path: vulndb.Std, Version: "v1.26.8"}, vulndb.Module{Path: "example.com/used", Version: "v1.2.0"}
	main := vulndb.Module{Path: "example.com/tool", Version: "v1.0.0"}
	program := Subject{Kind: Program, Package: "example.com/tool/cmd/t", Main: main}
	tool, bin, owned := program, program, program
	tool.Tool, bin.GOBIN, owned.Owner = "t", true, "t-package"
	managed := Subject{Kind: Release, Go: parse(t, "1.26.8"), Managed: true, Path: "/opt/go/1.26.8"}
	odd := program
	odd.Package = "example.com/$(id)"
	foreign := managed
	foreign.Managed, foreign.Path = false, "/usr/local/go"
	for _, c := range []struct {
		s           Subject
		m           vulndb.Module
		fixed, want string
	}{
		{managed, std, "v1.26.9", "vmgo upgrade"},
		{managed, std, "v1.27.2", "vmgo install latest   # the line 1.26 has no fix"},
		{foreign, std, "v1.26.9", "vmgo install 1.26   # /usr/local/go is not vmgo's: remove it, or take it off PATH"},
		{Subject{Kind: Project, Path: "/src/a b"}, used, "v1.2.9", "cd '/src/a b' && go get example.com/used@v1.2.9"},
		{tool, std, "v1.26.9", "vmgo upgrade && vmgo tools sync t   # by Go 1.26.9 or later"},
		{tool, used, "v1.2.9", "vmgo tools upgrade t"},
		{bin, std, "v1.26.9", "go install example.com/tool/cmd/t@latest   # by Go 1.26.9 or later"},
		{bin, used, "v1.2.9", "go install example.com/tool/cmd/t@latest   # a version with example.com/used v1.2.9 or later"},
		{owned, used, "v1.2.9", "apt-get install --only-upgrade t-package"},
		{program, std, "v1.26.9", "go build example.com/tool/cmd/t   # by Go 1.26.9 or later, in the source of example.com/tool"},
		{program, main, "v1.0.1", "git checkout v1.0.1 && go build example.com/tool/cmd/t   # in the source of example.com/tool"},
		{odd, std, "v1.26.9", "go build 'example.com/$(id)'   # by Go 1.26.9 or later, in the source of example.com/tool"},
		{program, used, "", ""},
	} {
		if got := (Auditor{}).fix(&c.s, c.m, c.fixed); got != c.want {
			t.Errorf("fix of %s in %+v:\n%s\nwant\n%s", c.m.Path, c.s, got, c.want)
		}
	}
}

// What two programs have in common is listed once, with a command for each of them.
func TestReport_Groups(t *testing.T) {
	t.Parallel()
	finding := func(id, program, version string) Finding {
		return Finding{ID: id, Kind: Program, Module: "stdlib", Version: version, Where: []string{program}, Fix: "go build " + program}
	}
	report := Report{Findings: []Finding{
		finding("A", "x", "v1"), finding("A", "y", "v1"), finding("A", "z", "v1"), finding("B", "x", "v1"), finding("B", "y", "v1"), finding("A", "x", "v2"),
	}}
	groups := report.Groups()
	if len(groups) != 3 {
		t.Fatalf("%+v", groups)
	}
	both := groups[0]
	if len(both.Findings) != 2 || both.Findings[1].ID != "B" || len(both.Places) != 2 || both.Places[1].Fix != "go build y" {
		t.Errorf("of x and y: %+v", both)
	}
	if g := groups[1]; len(g.Findings) != 1 || len(g.Places) != 1 || g.Places[0].Where[0] != "z" || groups[2].Version != "v2" {
		t.Errorf("of z: %+v", groups[1:])
	}
}

// What has no fix yet is with what has one; two fixes for one place are two groups.
func TestReport_Groups_withoutAFix(t *testing.T) {
	t.Parallel()
	finding := func(id, fix string) Finding {
		return Finding{ID: id, Kind: Program, Module: "m", Version: "v1", Where: []string{"x"}, Fix: fix}
	}
	groups := Report{Findings: []Finding{finding("A", ""), finding("B", "go get m@v2"), finding("C", ""), finding("D", "go get m/v2")}}.Groups()
	if len(groups) != 2 || len(groups[0].Findings) != 3 || groups[0].Places[0].Fix != "go get m@v2" || groups[1].Places[0].Fix != "go get m/v2" {
		t.Errorf("%+v", groups)
	}
}

// Paths have blanks and parentheses of their own; addresses of files are escaped.
func TestReport_formats(t *testing.T) {
	t.Parallel()
	program := Subject{Path: "/srv/a b (old)/app", Units: []string{"app.service", "b@1.service"}}
	report := Report{Findings: []Finding{
		{ID: "GO-1", Kind: Program, Where: []string{program.where()}, Level: LevelModule},
		{ID: "GO-2", Kind: Project, Where: []string{"/src/c (d)"}, Level: LevelModule},
	}}
	sarif, err := report.SARIF("1")
	if err != nil {
		t.Fatal(err)
	}
	vex, err := report.OpenVEX("test", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for text, wanted := range map[string][]string{
		string(sarif): {`"file:///srv/a%20b%20%28old%29/app"`, `"file:///src/c%20%28d%29/go.mod"`},
		string(vex):   {`"file:///srv/a%20b%20%28old%29/app"`, `"file:///src/c%20%28d%29"`},
	} {
		for _, want := range wanted {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
	}
}

func TestReport_Since(t *testing.T) {
	t.Parallel()
	earlier := Report{Findings: []Finding{{ID: "A", Module: "m", Version: "v1", Where: []string{"/x"}}}}
	now := Report{Findings: []Finding{{ID: "A", Module: "m", Version: "v1", Where: []string{"/x", "/y"}}, {ID: "B", Module: "m", Version: "v1", Where: []string{"/x"}}}}
	got := now.Since(earlier).Findings
	if len(got) != 2 || !slices.Equal(got[0].Where, []string{"/y"}) || got[1].ID != "B" {
		t.Errorf("Since: %+v", got)
	}
	if len(now.Since(now).Findings) != 0 {
		t.Error("a report has something new since itself")
	}
}

// What was not looked at more closely may be as near as can be.
func TestFinding_Reaches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		level, checked, least Level
		want                  bool
	}{
		{LevelModule, LevelModule, LevelModule, true}, {LevelModule, LevelModule, LevelSymbol, true},
		{LevelModule, LevelSymbol, LevelSymbol, false}, {LevelSymbol, LevelSymbol, LevelSymbol, true},
	} {
		if got := (Finding{Level: c.level, Checked: c.checked}).Reaches(c.least); got != c.want {
			t.Errorf("Reaches %+v: %v", c, got)
		}
	}
}

// Before 1.17 go.mod does not list all modules: go.sum has the others. A go.work
// stands for its modules.
func TestReadProject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sum := "m.example/old v1.0.0 h1:x\nm.example/old v1.2.0 h1:x\nm.example/old v1.3.0/go.mod h1:x\nm.example/listed v1.9.0 h1:x\n"
	for name, text := range map[string]string{
		"a/go.mod": "module a\n\ngo 1.16\n\nrequire m.example/listed v1.0.0\n", "a/go.sum": sum,
		"b/go.mod": "module b\n\ngo 1.21\n\nrequire m.example/listed v1.0.0\n\nreplace m.example/listed => m.example/fork v1.1.1\n", "b/go.sum": sum,
		"go.work":    "go 1.21\n\nuse ./a\nuse (\n\t./b\n)\n",
		"bad/go.mod": "module (",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadProject(dir)
	if err != nil || len(got) != 2 {
		t.Fatalf("ReadProject = %+v, %v", got, err)
	}
	if want := []vulndb.Module{{Path: "m.example/listed", Version: "v1.0.0"}, {Path: "m.example/old", Version: "v1.2.0"}}; !slices.Equal(got[0].Modules, want) {
		t.Errorf("a: %v, want %v", got[0].Modules, want)
	}
	if want := []vulndb.Module{{Path: "m.example/fork", Version: "v1.1.1"}}; !slices.Equal(got[1].Modules, want) {
		t.Errorf("b: %v, want %v", got[1].Modules, want)
	}
	if _, err := ReadProject(filepath.Join(dir, "bad")); err == nil {
		t.Error("a go.mod that cannot be read is taken")
	}
}
