package bundle_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// goroot is that of the go on PATH.
var goroot = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out)), err
})

// gocache is the build cache of this machine: what HOME names is empty.
var gocache = sync.OnceValue(func() string {
	out, _ := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out))
})

// side is the machine with a network: a server of modules, and a project.
type side struct {
	t       *testing.T
	server  *vmtest.Server
	project string
	dir     string // of its caches
	private string // a module that is in no database
}

func newSide(t *testing.T) *side {
	t.Helper()
	s := &side{t: t, dir: t.TempDir(), project: t.TempDir(), server: vmtest.NewServer(t, vmtest.Options{
		MissingStatus: http.StatusNotFound, Toolchains: []vmtest.Toolchain{{Version: "1.22.5"}},
	})}
	s.server.AddModule(vmtest.Module{Path: "example.com/Dep", Version: "v0.0.0-20260101000000-abcdefabcdef"})
	s.server.AddModule(vmtest.Module{Path: "example.com/test", Version: "v1.0.0"})
	s.server.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Files: map[string]string{
		"go.mod": "module example.com/lib\n\ngo 1.21\n\nrequire (\n\texample.com/Dep v0.0.0-20260101000000-abcdefabcdef\n\texample.com/test v1.0.0\n)\n",
		"lib.go": "package lib\n\nimport \"example.com/Dep\"\n\nconst Version = Dep.Version\n",
	}})
	s.server.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.1.0"})
	s.write("go.mod", "module example.com/app\n\ngo 1.21\n\nrequire example.com/lib v1.0.0\n\nrequire example.com/Dep v0.0.0-20260101000000-abcdefabcdef // indirect\n")
	s.write("main.go", "package main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Version) }\n")
	return s
}

func (s *side) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.project, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *side) creator() *bundle.Creator {
	s.t.Helper()
	proxies, err := fetch.ParseProxies(s.server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	client := fetch.New(fetch.Config{Transport: vmtest.Transport(), Env: map[string]string{}, Attempts: 1})
	log, err := trust.NewLog(trust.LogConfig{GOSUMDB: s.server.GOSUMDB(), Proxies: proxies, Getter: client,
		StateDir: filepath.Join(s.dir, "state"), CacheDir: filepath.Join(s.dir, "cache"), Now: time.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	return &bundle.Creator{
		Host: host.OS(), Client: client, Proxies: proxies, Log: log, Cache: filepath.Join(s.dir, "cache", "bundle"),
		Env: map[string]string{"PATH": os.Getenv("PATH"), "HOME": s.dir, "GOPROXY": s.server.URL, "GOTOOLCHAIN": "local", "GOENV": "off",
			"GOCACHE": gocache(), "GOTELEMETRY": "off"},
		Private: func(path string) bool { return path == s.private },
		GOROOT:  func(string) (string, error) { return goroot() },
	}
}

// create makes a bundle of the project and a release.
func (s *side) create(name string, change func(*bundle.Request)) string {
	s.t.Helper()
	request := bundle.Request{Projects: []string{s.project}, Platforms: []gover.Platform{{OS: "linux", Arch: "amd64"}}}
	v, err := gover.Parse("1.22.5")
	if err != nil {
		s.t.Fatal(err)
	}
	request.Releases = []gover.Version{v}
	if change != nil {
		change(&request)
	}
	plan, err := s.creator().Plan(s.t.Context(), request)
	if err != nil {
		s.t.Fatal(err)
	}
	contents, err := plan.Fill(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.dir, name)
	if err := contents.Write(s.t.Context(), path); err != nil {
		s.t.Fatal(err)
	}
	if err := plan.Close(); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// verifier is a machine that has never seen the database.
func (s *side) verifier() bundle.Verifier {
	return bundle.Verifier{GOSUMDB: s.server.GOSUMDB(), StateDir: s.t.TempDir(), Private: func(path string) bool { return path == s.private }}
}

func (s *side) install(path, dir string) error {
	b, err := bundle.Open(path)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = b.Install(context.Background(), dir, s.verifier(), fsx.LockOptions{})
	return err
}

// build builds the project with a real go command, settings and empty caches, and
// returns its go.sum.
func (s *side) build(settings ...string) string {
	s.t.Helper()
	home := vmtest.GoHome(s.t)
	if err := os.CopyFS(filepath.Join(home, "app"), os.DirFS(s.project)); err != nil {
		s.t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(home, "app", "go.sum"))
	s.run(home, append(settings, "GOWORK=off", "GOFLAGS=-mod=mod -modcacherw"), "build", "-o", "app", ".")
	sum, err := os.ReadFile(filepath.Join(home, "app", "go.sum"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(sum)
}

// run runs a real go command in the directory app of a home with empty caches.
func (s *side) run(home string, env []string, args ...string) {
	s.t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join(home, "app")
	cmd.Env = append(os.Environ(), "HOME="+home, "GOPATH="+home+"/go", "GOBIN=", "GOMODCACHE=", "GOCACHE="+gocache(),
		"GOSUMDB="+s.server.GOSUMDB(), "GOFLAGS=-modcacherw", "GONOSUMDB=", "GOPRIVATE="+s.private, "GOWORK=", "GOTELEMETRY=off")
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
}

// What was bundled builds without the server, GOSUMDB on, with the go.sum of an
// online build. What the project itself has stays as it is, and a second bundle is
// the same to the byte.
func TestBundle_buildsOffline(t *testing.T) {
	t.Parallel()
	s := newSide(t)
	s.write("go.sum", "example.com/lib v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n") // not trusted, not changed
	online := s.build("GOPROXY=" + s.server.URL)
	path := s.create("one.tar", nil)
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(s.create("two.tar", nil))
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("two bundles of the same differ: %v", err)
	}
	if sum, err := os.ReadFile(filepath.Join(s.project, "go.sum")); err != nil || !strings.Contains(string(sum), "AAAA") {
		t.Errorf("go.sum of the project changed: %s %v", sum, err)
	}
	dir := filepath.Join(t.TempDir(), "modules")
	if err := s.install(path, dir); err != nil {
		t.Fatal(err)
	}
	s.server.Forget()
	if offline := s.build("GOPROXY=file://" + dir); offline != online || !strings.Contains(online, "example.com/Dep") {
		t.Errorf("go.sum offline:\n%s\nonline:\n%s", offline, online)
	}
	if asked := s.server.Requests(); len(asked) > 0 {
		t.Errorf("the offline build asked for %q", asked)
	}
	for file, want := range map[string]string{
		"example.com/lib/@v/list": "v1.0.0\n", "example.com/!dep/@v/list": "", "golang.org/toolchain/@v/list": "v0.0.1-go1.22.5.linux-amd64\n",
	} {
		if data, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(data) != want {
			t.Errorf("%s: %q %v", file, data, err)
		}
	}
}

// A difference has only what is new, needs its base, and its tree head continues
// the one that the machine knows.
func TestBundle_delta(t *testing.T) {
	t.Parallel()
	s := newSide(t)
	base, err := bundle.Open(s.create("base.tar", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	s.write("go.mod", "module example.com/app\n\ngo 1.21\n\nrequire example.com/lib v1.1.0\n")
	delta := s.create("delta.tar", func(r *bundle.Request) { r.Base = base })
	if info, err := os.Stat(delta); err != nil || info.Size() >= base.Size {
		t.Errorf("the difference is no smaller: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "modules")
	wantCode(t, s.install(delta, dir), "usage")
	if err := s.install(base.Name, dir); err != nil {
		t.Fatal(err)
	}
	if err := s.install(delta, dir); err != nil {
		t.Fatal(err)
	}
	if sum := s.build("GOPROXY=file://" + dir); !strings.Contains(sum, "lib v1.1.0 ") {
		t.Errorf("go.sum: %s", sum)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "example.com/lib/@v/list")); err != nil || string(data) != "v1.0.0\nv1.1.0\n" {
		t.Errorf("the list of both: %q %v", data, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "example.com/lib/@v/v1.0.0.mod"), []byte("module example.com/other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.write("go.mod", "module example.com/app\n\ngo 1.21\n\nrequire example.com/lib v1.0.0\n")
	if err := s.install(base.Name, dir); err != nil { // what was damaged comes back
		t.Fatal(err)
	}
	s.build("GOPROXY=file://" + dir)
}
