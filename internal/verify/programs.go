package verify

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// modInit checks the go line that the toolchain writes into a new go.mod.
func (s *sandbox) modInit(ctx context.Context) (string, error) {
	if s.t.Version.Minor() < 11 {
		return "no modules yet", nil
	}
	if _, _, err := s.output(ctx, nil, "mod", "init", "example.com/hello"); err != nil {
		return "", err
	}
	data, err := smallfile.Read(filepath.Join(s.dir, "work", "go.mod"), smallfile.Usual)
	if err != nil {
		return "", err
	}
	line := ""
	for text := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(text), "go "); ok {
			line = rest
		}
	}
	if !rightGoLine(s.t.Version, line) {
		return "", fmt.Errorf("go mod init writes the line %q", "go "+line)
	}
	return "go mod init", nil
}

// rightGoLine reports whether a toolchain may write that language version: its
// own language up to 1.20, its own version since, or a line that is one or two
// older, as later releases announce it.
func rightGoLine(v gover.Version, line string) bool {
	if v.Minor() == 11 {
		return line == "" || line == v.Lang().String()
	}
	got, err := gover.Parse(line)
	if err != nil {
		return false
	}
	if v.Minor() <= 20 {
		return got == v.Lang()
	}
	return got == v || got.Compare(v) < 0 && got.Minor() >= v.Minor()-2 && got.Minor() < v.Minor()
}

// compiler checks the version of the compiler, which is another program than go.
func (s *sandbox) compiler(ctx context.Context) (string, error) {
	out, _, err := s.output(ctx, nil, "tool", "compile", "-V")
	if err != nil {
		return "", err
	}
	want := "compile version " + s.t.Version.Toolchain()
	if s.t.Version.Minor() < 5 {
		return "compiler", nil // 6g, which has another name and form
	}
	if out = strings.TrimSpace(out); out != want && !strings.HasPrefix(out, want+" ") {
		return "", fmt.Errorf("the compiler says %q, not %q", out, want)
	}
	return "compiler", nil
}

// hello compiles, links and runs a program with this GOROOT's own tools.
func (s *sandbox) hello(ctx context.Context) (string, error) {
	if err := s.write("hello.go", helloGo); err != nil {
		return "", err
	}
	out, talk, err := s.output(ctx, []string{"CGO_ENABLED=0"}, "run", "-x", "hello.go")
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(out) != "hello from vmgo" {
		return "", fmt.Errorf("a program says %q", strings.TrimSpace(out))
	}
	if s.t.Version.Minor() >= 5 {
		if tools := filepath.Join(s.t.GOROOT, "pkg", "tool") + string(filepath.Separator); !strings.Contains(talk, tools) {
			return "", fmt.Errorf("go run does not use the tools of %s", s.t.GOROOT)
		}
	}
	return "go run", nil
}

// cgo does the same with C in it, where there is a C compiler.
func (s *sandbox) cgo(ctx context.Context) (string, error) {
	cc := s.cc()
	if cc == "" {
		return "no C compiler for cgo", nil
	}
	if err := s.write("cgo.go", helloCgo); err != nil {
		return "", err
	}
	out, _, err := s.output(ctx, []string{"CGO_ENABLED=1", "CC=" + cc}, "run", "cgo.go")
	if err != nil {
		return "", err
	}
	if want := "hello from vmgo " + strconv.Itoa(42); strings.TrimSpace(out) != want {
		return "", fmt.Errorf("a program with C in it says %q", strings.TrimSpace(out))
	}
	return "cgo with " + cc, nil
}

// cc returns the name of a C compiler; empty without one.
func (s *sandbox) cc() string {
	for _, name := range []string{"gcc", "clang", "cc"} {
		if _, found := lookpath.Find(s.v.Path, name, lookpath.IsProgram); found {
			return name
		}
	}
	return ""
}
