package main_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// installerFunction runs one function of install.sh, whose text ends where a
// line has nothing but its closing brace.
func installerFunction(t *testing.T, name string, args ...string) error {
	t.Helper()
	text, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(text), "\n"+name+"() {")
	body, _, ended := strings.Cut(body, "\n}\n")
	if !found || !ended {
		t.Fatalf("install.sh has no function %s", name)
	}
	script := name + "() {" + body + "\n}\n" + name + ` "$@"`
	return exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...).Run()
}

func TestInstaller_comparesVersionsAsGoDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		found, needed string
		want          bool
	}{
		{"go1.26.0", "1.26.0", true}, {"go1.26.10", "1.26.9", true}, {"go1.100.0", "1.26.0", true}, {"go2.0", "1.26.0", true}, {"go1.26", "1.26.0", true},
		{"go1.26.0", "1.26.1", false}, {"go1.9.7", "1.26.0", false}, {"go1.25.99", "1.26.0", false},
		{"go1.27rc1", "1.26.0", false}, {"devel", "1.26.0", false}, {"", "1.26.0", false}, {"go1.27.0\n1.26.0", "1.26.0", false},
	} {
		if err := installerFunction(t, "new_enough", c.found, c.needed); (err == nil) != c.want {
			t.Errorf("%q for a module that needs %s: %v", c.found, c.needed, err)
		}
	}
}

func TestInstaller_saysThatGOPROXYIsOff(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	good := "file://" + filepath.Join(filepath.Dir(in.home), "proxy")
	in.env = append(in.env, "GOPROXY=off,"+good)
	_, stderr := in.run(4, "--find-go", "go")
	wants(t, stderr, "GOPROXY says off")
}

// A server that was reached by https has no say in giving that up.
func TestInstaller_refusesARedirectToHTTP(t *testing.T) {
	t.Parallel()
	for scheme, status := range map[string]int{"https": 0, "http": 4} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			in := newInstaller(t, "dash")
			files := http.FileServer(http.Dir(filepath.Join(filepath.Dir(in.home), "proxy")))
			target, redirects := httptest.NewTLSServer(files), httptest.NewUnstartedServer(nil)
			if scheme == "http" {
				target.Close()
				target = httptest.NewServer(files)
			}
			t.Cleanup(target.Close)
			redirects.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, target.URL+r.URL.Path, http.StatusFound)
			})
			redirects.StartTLS()
			t.Cleanup(redirects.Close)
			ca := filepath.Join(filepath.Dir(in.home), "ca.pem")
			in.write(ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: redirects.Certificate().Raw})))
			in.env = append(in.env, "CURL_CA_BUNDLE="+ca, "GOPROXY="+redirects.URL)
			in.run(status, "--find-go", "go")
		})
	}
}

// What is fetched and built lies where nobody else can reach it, whatever the umask.
func TestInstaller_temporaryDirectoryIsPrivate(t *testing.T) {
	t.Parallel()
	for _, mask := range []string{"000", "022", "777"} {
		in := newInstaller(t, "dash")
		in.shell = []string{"dash", "-c", `umask "$0"; exec dash "$@"`, mask}
		in.run(0, "--programs-only")
		wants(t, in.read(in.trace), "temporary directory: 700\n")
	}
}

func TestInstaller_fullTemporaryDirectory(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.fakeTool("df", `#!/bin/sh
case $2 in "$TMPDIR"/*) free=2048 ;; *) free=99999999 ;; esac
printf 'Filesystem 1024-blocks Used Available\nnone 0 0 %s\n' "$free"
`)
	_, stderr := in.run(0, "--programs-only")
	wants(t, stderr, in.temp+" has only 2 MiB free of ", "looking elsewhere")
}

// A program that is a directory is not overwritten, nor moved into.
func TestInstaller_directoryInTheWay(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.write(filepath.Join(in.home, ".local/bin/vmgo-shim/file"), "mine")
	before := in.tree()
	_, stderr := in.run(1, "--programs-only")
	wants(t, stderr, "bin/vmgo-shim is a directory")
	if in.tree() != before {
		t.Error(in.tree())
	}
}

// Machines for which the script pins no Go are told so before anything is fetched.
func TestInstaller_otherMachines(t *testing.T) {
	t.Parallel()
	for machine, want := range map[string]string{"FreeBSD amd64": "vmgo is for Linux, this is FreeBSD", "Linux mips": "no checksum here of a Go for linux-mips"} {
		in := newInstaller(t, "dash")
		system, arch, _ := strings.Cut(machine, " ")
		in.fakeTool("uname", "#!/bin/sh\n[ \"$1\" = -m ] && echo "+arch+" || echo "+system+"\n")
		_, stderr := in.run(1, "--programs-only")
		if wants(t, stderr, want); strings.Contains(stderr, "check its SHA-256") {
			t.Error(stderr)
		}
	}
}

// --find-go fetches into no directory that is there already.
func TestInstaller_findGoLeavesADirectoryAlone(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.write(filepath.Join(in.home, "go/file"), "mine")
	before := in.tree()
	_, stderr := in.run(1, "--find-go", "go")
	wants(t, stderr, "go is there and has no Go 1.99.0")
	if in.tree() != before {
		t.Error(in.tree())
	}
}

func TestInstaller_allPrograms(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		var names []string
		found, err := filepath.Glob("cmd/vmgo-*")
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		for _, dir := range found {
			names = append(names, filepath.Base(dir))
			in.write(filepath.Join(in.checkout, dir, "main.go"), "package main\n")
		}
		stdout, _ := in.run(0, "--dry-run", "--all", "--programs-only")
		plain, _ := in.run(0, "--dry-run", "--programs-only")
		for _, name := range names {
			wants(t, stdout, "would install "+filepath.Join(in.home, ".local/bin", name)+"\n")
			if strings.Contains(plain, name+"\n") {
				t.Errorf("without --all: %s", plain)
			}
			in.write(filepath.Join(in.home, ".local/bin", name), "")
		}
		in.run(0, "--uninstall")
		for _, name := range names {
			if _, err := os.Lstat(filepath.Join(in.home, ".local/bin", name)); err == nil {
				t.Errorf("--uninstall leaves %s", name)
			}
		}
	})
}
