package vmtest_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestMain(m *testing.M) { testscript.Main(m, nil) }

func TestScriptCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata", Cmds: vmtest.ScriptCommands(), RequireExplicitExec: true, RequireUniqueNames: true,
	})
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := (&http.Client{Transport: vmtest.Transport()}).Get(url) //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func TestServer_proxy(t *testing.T) {
	t.Parallel()
	s := vmtest.NewServer(t, vmtest.Options{
		Toolchains: []vmtest.Toolchain{
			{Version: "1.22.5", OS: "linux", Arch: "amd64"},
			{Version: "1.20.14", OS: "linux", Arch: "amd64"},
		},
		Unlisted: []string{"1.20.14"},
		ListOnly: []string{"v0.0.1-go1.9.linux-amd64"},
	})
	base := s.URL + "/golang.org/toolchain/@v/"
	if _, list := get(t, base+"list"); list != "v0.0.1-go1.22.5.linux-amd64\nv0.0.1-go1.9.linux-amd64\n" {
		t.Errorf("list is %q", list)
	}
	if status, _ := get(t, base+"v0.0.1-go1.20.14.linux-amd64.zip"); status != http.StatusOK {
		t.Errorf("unlisted zip: %d", status)
	}
	if status, _ := get(t, base+"v0.0.1-go1.9.linux-amd64.zip"); status != http.StatusForbidden {
		t.Errorf("missing zip: %d", status)
	}
	if got := s.Count("*.zip"); got != 2 {
		t.Errorf("%d zips asked for: %q", got, s.Requests())
	}
	if status, body := get(t, s.URL+"/sumdb/"+vmtest.LogName+"/lookup/golang.org/toolchain@v0.0.1-go1.22.5.linux-amd64"); status != http.StatusOK ||
		!strings.Contains(body, (vmtest.Toolchain{Version: "1.22.5", OS: "linux", Arch: "amd64"}).H1()) {
		t.Errorf("lookup: %d %s", status, body)
	}
}

// The form of the zips is that of the real ones: modes from 1.21 on, go.mod as
// _go.mod, the module's prefix, no api, doc, misc, test.
func TestToolchain_Zip(t *testing.T) {
	t.Parallel()
	for version, wantMode := range map[string]bool{"1.20.14": false, "1.22.5": true} {
		tc := vmtest.Toolchain{Version: version}
		z := tc.Zip()
		r, err := zip.NewReader(bytes.NewReader(z), int64(len(z)))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		executable := 0
		for _, f := range r.File {
			name, ok := strings.CutPrefix(f.Name, tc.Prefix())
			if !ok {
				t.Errorf("%s lacks the prefix", f.Name)
			}
			names = append(names, name)
			if f.Mode()&0o111 != 0 {
				executable++
			}
			if _, err := f.Open(); err != nil {
				t.Error(err)
			}
		}
		if (executable >= 5) != wantMode {
			t.Errorf("%s: %d executable files", version, executable)
		}
		for _, name := range []string{"src/_go.mod", "src/cmd/_go.mod", "bin/go", "VERSION"} {
			if !slices.Contains(names, name) {
				t.Errorf("%s: no %s", version, name)
			}
		}
		for _, name := range []string{"src/go.mod", "misc/_go.mod", "test/a.go", "api/go1.txt", "doc/README.md"} {
			if slices.Contains(names, name) {
				t.Errorf("%s: there is %s", version, name)
			}
		}
	}
}

// Every variant is a zip that differs from the honest one.
func TestToolchain_variants(t *testing.T) {
	t.Parallel()
	honest := vmtest.Toolchain{Version: "1.22.5"}.Zip()
	for _, variant := range vmtest.Variants() {
		z := vmtest.Toolchain{Version: "1.22.5", Variant: variant}.Zip()
		if bytes.Equal(z, honest) {
			t.Errorf("%s is the honest zip", variant)
		}
		if len(z) > 1<<20 {
			t.Errorf("%s has %d bytes", variant, len(z))
		}
	}
}

func TestFakeGo(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "with space")
	if err := os.CopyFS(root, vmtest.Toolchain{Version: "1.22.5", OS: "linux", Arch: "amd64"}.GOROOT()); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(root, "bin", "go")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "go1.22.5")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	run := func(env []string, args ...string) string {
		cmd := exec.Command(link, args...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		return string(out)
	}
	if got := run(nil, "version"); got != "go version go1.22.5 linux/amd64\n" {
		t.Errorf("version: %q", got)
	}
	if got := run([]string{"HOME=/h"}, "env", "GOROOT", "GOPATH", "GOHOSTARCH"); got != root+"\n/h/go\namd64\n" {
		t.Errorf("env: %q", got)
	}
	got := run([]string{"GOROOT=/other", "GOPATH=a b"}, "x y", "")
	for _, line := range []string{"arg[1]=x y\n", "arg[2]=\n", "GOROOT=/other\n", "GOPATH=a b\n", "GOTOOLCHAIN unset\n", "selfroot=" + root + "\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("no %q in %s", line, got)
		}
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	f, err := vmtest.ParseFault("stall=1000*2")
	if err != nil || f != (vmtest.Fault{Name: "stall", N: 1000, Times: 2}) {
		t.Error(f, err)
	}
	for _, bad := range []string{"", "stall=x", "html*y", "nonsense"} {
		if _, err := vmtest.ParseFault(bad); err == nil {
			t.Errorf("%q taken", bad)
		}
	}
}

func TestTransport_refusesOtherMachines(t *testing.T) {
	t.Parallel()
	_, err := (&http.Client{Transport: vmtest.Transport()}).Get("http://192.0.2.1/") //nolint:noctx // never leaves
	if err == nil || !strings.Contains(err.Error(), "vmtest: a test wanted to connect") {
		t.Error(err)
	}
}
