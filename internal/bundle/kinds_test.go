package bundle_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// unpacked installs a bundle and returns the tree of its modules, and the settings
// by which a go command uses it. The server forgets what it was asked.
func (s *side) unpacked(path string) (dir string, env []string) {
	s.t.Helper()
	dir = filepath.Join(s.t.TempDir(), "modules")
	if err := s.install(path, dir); err != nil {
		s.t.Fatal(err)
	}
	tree, err := bundle.Installed(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, setting := range tree.GoSettings("file://" + dir) {
		env = append(env, setting.Name+"="+setting.Value)
	}
	s.server.Forget()
	return dir, env
}

func (s *side) askedNothing() {
	s.t.Helper()
	if asked := s.server.Requests(); len(asked) > 0 {
		s.t.Errorf("the offline side asked for %q", asked)
	}
}

// The modules of a workspace are those that its go.mod files list together; its
// own modules are not among them.
func TestBundle_workspace(t *testing.T) {
	t.Parallel()
	s := newSide(t)
	for name, text := range map[string]string{
		"go.work":       "go 1.21\n\nuse (\n\t.\n\t./second\n)\n\nreplace example.com/local => ./local\n",
		"second/go.mod": "module example.com/second\n\ngo 1.21\n\nrequire (\n\texample.com/lib v1.1.0\n\texample.com/local v1.0.0\n)\n",
		"second/x.go":   "package second\n\nimport (\n\t_ \"example.com/lib\"\n\t_ \"example.com/local\"\n)\n",
		"local/go.mod":  "module example.com/local\n\ngo 1.21\n",
		"local/x.go":    "package local\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(s.project, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		s.write(name, text)
	}
	dir, env := s.unpacked(s.create("work.tar", nil))
	home := vmtest.GoHome(t)
	if err := os.CopyFS(filepath.Join(home, "app"), os.DirFS(s.project)); err != nil {
		t.Fatal(err)
	}
	s.run(home, env, "build", "./...", "./second/...")
	s.askedNothing()
	if list, err := os.ReadFile(filepath.Join(dir, "example.com/lib/@v/list")); err != nil || string(list) != "v1.1.0\n" {
		t.Errorf("versions of lib: %q %v, want the one that the workspace selects", list, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "example.com/local")); err == nil {
		t.Error("a module of a local directory is in the bundle")
	}
}

// A tool of a bundle is installed as go install does it, without the server.
func TestBundle_tool(t *testing.T) {
	t.Parallel()
	s := newSide(t)
	gomod := "module example.com/tool\n\ngo 1.21\n\nrequire example.com/lib v1.1.0\n"
	s.server.AddModule(vmtest.Module{Path: "example.com/tool", Version: "v1.0.0", Files: map[string]string{
		"go.mod": gomod, "cmd/say/main.go": "package main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Version) }\n",
	}})
	root, err := goroot()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "tool.mod")
	if err := os.WriteFile(file, []byte(gomod), 0o600); err != nil {
		t.Fatal(err)
	}
	path := s.create("tool.tar", func(r *bundle.Request) {
		r.Projects, r.Releases = nil, nil
		r.Tools = []bundle.ToolSource{{Module: "example.com/tool", GoMod: file, GOROOT: root,
			Tool: bundle.Tool{Name: "say", Package: "example.com/tool/cmd/say", Version: "v1.0.0"}}}
	})
	_, env := s.unpacked(path)
	home := vmtest.GoHome(t)
	if err := os.Mkdir(filepath.Join(home, "app"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.run(home, env, "install", "example.com/tool/cmd/say@v1.0.0")
	s.askedNothing()
	if _, err := os.Stat(filepath.Join(home, "go/bin/say")); err != nil {
		t.Error(err)
	}
}

// Programs are beside the modules, below their platform.
func TestBundle_programs(t *testing.T) {
	t.Parallel()
	s := newSide(t)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(s.dir, "vmgo")
	if err := os.WriteFile(program, want, 0o700); err != nil {
		t.Fatal(err)
	}
	path := s.create("programs.tar", func(r *bundle.Request) { r.Projects, r.Releases, r.Programs = nil, nil, []string{program} })
	found := 0
	for _, e := range unpack(t, path) {
		if filepath.Base(e.header.Name) == "vmgo" {
			found++
			if !bytes.Equal(e.data, want) || e.header.Mode&0o111 == 0 {
				t.Errorf("%s: mode %o, equal %v", e.header.Name, e.header.Mode, bytes.Equal(e.data, want))
			}
		}
	}
	if found != 1 {
		t.Errorf("the program is there %d times", found)
	}
}

// A private module has no record, so it is installed only where the settings of
// the machine say that it is private.
func TestBundle_privateModule(t *testing.T) {
	t.Parallel()
	s := newSide(t)
	s.private = "corp.example.com/secret"
	s.server.AddModule(vmtest.Module{Path: s.private, Version: "v1.0.0"})
	s.write("go.mod", "module example.com/app\n\ngo 1.21\n\nrequire corp.example.com/secret v1.0.0\n")
	s.write("main.go", "package main\n\nimport \"corp.example.com/secret\"\n\nfunc main() { println(secret.Version) }\n")
	path := s.create("private.tar", nil)
	_, env := s.unpacked(path)
	s.build(env...)
	s.askedNothing()
	s.private = ""
	wantCode(t, s.install(path, filepath.Join(t.TempDir(), "modules")), diag.Unproven)
}
