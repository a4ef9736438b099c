package modules_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/modules"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// bench is a project, and a server with its modules.
type bench struct {
	t    *testing.T
	home string
	dir  string
	env  map[string]string
}

func goOutput(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// appModule is the go.mod of a new bench.
const appModule = `module example.com/app

go 1.21

require (
	example.com/leaf v1.2.0 // indirect
	example.com/one v1.0.0
	example.com/three v1.0.0 // indirect
	example.com/two v1.0.0
)
`

func newBench(t *testing.T) *bench {
	t.Helper()
	s := vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusNotFound})
	requires := func(path, version string, lines ...string) {
		s.AddModule(vmtest.Module{Path: path, Version: version, Files: map[string]string{
			"go.mod": "module " + path + "\n\ngo 1.21\n\n" + strings.Join(lines, "\n") + "\n",
			"a.go":   "package " + filepath.Base(path) + "\n",
		}})
	}
	requires("example.com/leaf", "v1.0.0")
	requires("example.com/leaf", "v1.1.0")
	requires("example.com/leaf", "v1.2.0")
	requires("example.com/one", "v1.0.0", "require example.com/leaf v1.1.0", "replace example.com/leaf => example.com/leaf v1.0.0")
	requires("example.com/two", "v1.0.0", "require example.com/three v1.0.0")
	requires("example.com/three", "v1.0.0", "require example.com/leaf v1.2.0")
	b := &bench{t: t, home: vmtest.GoHome(t), dir: t.TempDir()}
	b.env = map[string]string{
		"HOME": b.home, "PATH": os.Getenv("PATH"), "GOPROXY": s.URL, "GOSUMDB": s.GOSUMDB(), "GOTOOLCHAIN": "local", "GOENV": "off",
		"GOMODCACHE": filepath.Join(b.home, "mod"), "GOFLAGS": "-modcacherw",
	}
	b.write("app.go", "package app\n\nimport (\n\t_ \"example.com/one\"\n\t_ \"example.com/leaf\"\n)\n")
	b.write("go.mod", appModule)
	return b
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) project() modules.Project {
	b.t.Helper()
	p, err := b.closed().Open(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// closed returns the project before it is opened.
func (b *bench) closed() modules.Project {
	return modules.Project{
		Dir: b.dir, GOROOT: goOutput(b.t, "env", "GOROOT"), Env: b.env, Run: func(cmd *exec.Cmd) error { return cmd.Run() },
	}
}

func (b *bench) kinds(found []modules.Problem, err error) string {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	var kinds []string
	for _, p := range found {
		if p.Kind == "temporary-target" { // where the test is
			continue
		}
		kinds = append(kinds, p.Kind)
	}
	return strings.Join(slices.Compact(kinds), " ")
}

// The chain goes through what is imported, to the requirement that selected the
// version, not to the line that go mod tidy wrote for it.
func TestWhy_chain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	all, err := b.project().Why(t.Context(), "example.com/leaf", "go", "example.com/leaf")
	if err != nil {
		t.Fatal(err)
	}
	why := all[0]
	var chain []string
	for _, n := range why.Chain {
		chain = append(chain, n.String())
	}
	want := "example.com/app example.com/two@v1.0.0 example.com/three@v1.0.0 example.com/leaf@v1.2.0"
	if got := strings.Join(chain, " "); got != want || why.Version != "v1.2.0" {
		t.Errorf("%s: %s, want %s", why.Version, got, want)
	}
	if len(why.Requirements) != 2 || why.Requirements[0].Version != "v1.2.0" || why.Requirements[1].By[0] != "example.com/one@v1.0.0" {
		t.Errorf("requirements: %v", why.Requirements)
	}
	if got := strings.Join(why.Imports, " "); got != "example.com/app example.com/leaf" {
		t.Errorf("imports: %s", got)
	}
	if line := all[1]; line.Version != "1.21" || len(line.Chain) != 3 || len(line.Requirements[0].By) != 5 {
		t.Errorf("the go line: %+v", line)
	}
	if _, err := b.project().Why(t.Context(), "example.com/none"); err == nil {
		t.Error("a module that nothing requires is explained")
	}
	if _, err := os.Stat(filepath.Join(b.dir, "go.sum")); err == nil {
		t.Error("the project has a go.sum now")
	}
}

func TestCheck_problems(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gomod, err := os.ReadFile(filepath.Join(b.dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	b.write("there/go.mod", "module example.com/leaf\n\ngo 1.21\n")
	b.write("there/a.go", "package leaf\n")
	b.write("bare/a.go", "package bare\n")
	b.write("vendor/x/a.go", "package x\n")
	for name, c := range map[string]struct{ lines, want string }{
		"a missing target":     {"replace example.com/leaf => ./none", "missing-target"},
		"no go.mod":            {"replace example.com/leaf => ./bare", "no-go-mod"},
		"into vendor":          {"replace example.com/leaf => ./vendor/x", "vendor-target"},
		"nothing requires it":  {"replace example.com/none => ./there", "unused ignored go-sum"},
		"another version":      {"replace example.com/leaf v1.1.0 => ./there", "unused ignored go-sum"},
		"specific goes before": {"replace example.com/leaf => example.com/leaf v1.1.0\nreplace example.com/leaf v1.2.0 => ./there", "shadowed ignored go-sum"},
		"go.sum has holes":     {"", "ignored go-sum"},
	} {
		b.write("go.mod", string(gomod)+c.lines+"\n")
		if got := b.kinds(b.project().Check(t.Context(), true)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

// What is cached and in go.sum needs no network.
func TestOffline_untilDownloaded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if got := b.kinds(b.project().Offline(t.Context(), b.env["GOMODCACHE"], "")); got != "not-cached" {
		t.Errorf("with an empty cache: %q", got)
	}
	b.run("mod", "download")
	b.run("mod", "tidy", "-e")
	if got := b.kinds(b.project().Offline(t.Context(), b.env["GOMODCACHE"], "")); got != "" {
		t.Errorf("when all is there: %q", got)
	}
	if got := b.kinds(b.project().Check(t.Context(), false)); got != "ignored" {
		t.Errorf("check: %q", got)
	}
	if err := os.Remove(filepath.Join(b.dir, "go.sum")); err != nil {
		t.Fatal(err)
	}
	if got := b.kinds(b.project().Offline(t.Context(), b.env["GOMODCACHE"], "")); got != "go-sum" {
		t.Errorf("without go.sum: %q", got)
	}
}

func (b *bench) run(args ...string) {
	b.t.Helper()
	if out, err := b.command(args...).CombinedOutput(); err != nil {
		b.t.Fatalf("go %q: %v\n%s", args, err, out)
	}
}

// command is a call of the go command in the project, which may write go.sum.
func (b *bench) command(args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = b.dir
	for name, value := range b.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "GOFLAGS=-mod=mod -modcacherw", "GOCACHE="+b.home+"/build")
	return cmd
}

// A workspace: its use lines are judged, and its modules listed.
func TestCheck_workspace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("go.work", "go 1.21\n\nuse (\n\t.\n\t./gone\n)\n")
	if got := b.kinds(b.project().Check(t.Context(), true)); got != "missing-target" {
		t.Errorf("a use that leads nowhere: %q", got)
	}
}

// A vendor directory has only what packages need: the go command is asked past it.
func TestWhy_vendor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("mod", "tidy")
	b.run("mod", "vendor")
	if all, err := b.project().Why(t.Context(), "example.com/leaf"); err != nil || all[0].Version != "v1.2.0" {
		t.Errorf("a module with vendor: %v, %v", all, err)
	}
	if err := os.RemoveAll(filepath.Join(b.dir, "vendor")); err != nil {
		t.Fatal(err)
	}
	b.write("go.work", "go 1.22\n\nuse .\n")
	cmd := b.command("work", "vendor")
	cmd.Env = append(cmd.Env, "GOFLAGS=-modcacherw")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if all, err := b.project().Why(t.Context(), "example.com/leaf"); err != nil || all[0].Version != "v1.2.0" {
		t.Errorf("a workspace with vendor: %v, %v", all, err)
	}
}

// The go command waits for a fifo in the place of a file of modules.
func TestCheck_specialFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"go.mod", "go.work", "member/go.mod", "replaced/go.mod"} {
		b := newBench(t)
		switch filepath.Dir(name) {
		case "member":
			b.write("go.work", "go 1.21\n\nuse (\n\t.\n\t./member\n)\n")
		case "replaced":
			b.write("go.work", "go 1.21\n\nuse .\n\nreplace example.com/leaf => ./replaced\n")
		}
		path := filepath.Join(b.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.RemoveAll(path), syscall.Mkfifo(path, 0o644)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // a fifo would be waited for longer
		defer cancel()
		p, err := b.closed().Open(ctx)
		var found []modules.Problem
		if err == nil {
			found, err = p.Check(ctx, true)
		}
		if ctx.Err() != nil || err == nil && len(found) == 0 {
			t.Errorf("%s is a fifo: %v, %v", name, found, err)
		}
	}
}
