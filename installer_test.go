package main_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

func TestInstaller_onAMachineWithoutGo(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		stdout, stderr := in.run(0, "--prefix", filepath.Join(in.home, "p q"), "1.22.5")
		if stdout != "go version go1.22.5 linux/fake\n" {
			t.Errorf("stdout: %q", stdout)
		}
		bin := filepath.Join(in.home, "p q", "bin")
		wants(t, stderr, "fetch go1.99.0", "check its SHA-256", `eval "$('`, "hook bash)", "is not on PATH")
		wants(t, in.read(in.trace),
			"-trimpath -ldflags -s -w -tags urfave_cli_no_docs,urfave_cli_no_suggest", ". ./shims/vmgo-shim",
			"CGO_ENABLED=0 GOTOOLCHAIN=local", "GOFLAGS=-mod=readonly -modcacherw -buildvcs=false ", "vmgo version\n", "vmgo install 1.22.5\n", "vmgo exec 1.22.5 -- go version\n")
		for _, name := range []string{"vmgo", "vmgo-shim"} {
			info, err := os.Stat(filepath.Join(bin, name))
			if err != nil || info.Mode() != 0o755 {
				t.Errorf("%s: %v %v", name, info, err)
			}
		}
		if files, _ := os.ReadDir(bin); len(files) != 2 {
			t.Errorf("beside the programs: %v", files)
		}
		in.run(0, "--prefix="+filepath.Join(in.home, "p q"), "--uninstall")
		if files, _ := os.ReadDir(bin); len(files) != 0 {
			t.Errorf("left by --uninstall: %v", files)
		}
	})
}

func TestInstaller_anyUnzip(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"unzip", "bsdtar", "python3", "busybox"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			in := newInstaller(t, "dash")
			real, err := exec.LookPath(tool)
			if err != nil {
				t.Skip(err)
			}
			if tool == "python3" { // not a shim of some version manager
				name, err := exec.Command(real, "-c", "import sys; print(sys.executable)").Output()
				if err != nil {
					t.Fatal(err)
				}
				real = strings.TrimSpace(string(name))
			}
			in.onlyTools("curl", "sha256sum")
			in.link(tool, real)
			for range 2 { // fetched, then found
				stdout, _ := in.run(0, "--find-go", filepath.Join(in.home, "go dir"))
				if stdout != filepath.Join(in.home, "go dir/bin/go")+"\n" {
					t.Errorf("stdout %q", stdout)
				}
			}
			for name, mode := range map[string]fs.FileMode{"bin/go": 0o755, "bin/gofmt": 0o755, "pkg/tool/linux_fake/vet": 0o755, "src/a b/go.mod": 0o644, "VERSION": 0o644} {
				info, err := os.Stat(filepath.Join(in.home, "go dir", name))
				if err != nil || info.Mode() != mode {
					t.Errorf("%s: %v %v", name, info, err)
				}
			}
		})
	}
}

func TestInstaller_saysWhichPackagesAreMissing(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.onlyTools("sha256sum")
	_, stderr := in.run(1, "--programs-only")
	sudo := "sudo "
	if os.Getuid() == 0 {
		sudo = ""
	}
	wants(t, stderr, "hint: "+sudo+"apt-get update && "+sudo+"apt-get install -y ca-certificates curl unzip")
	// A dry run tells the rest of the plan all the same, and nothing as if done.
	stdout, stderr := in.run(0, "--dry-run", "--hook", "1.22")
	wants(t, stdout, "would fetch go1.99.0", "would unpack it into a temporary directory\n", "would build vmgo", "would install Go 1.22", "would add the hook to ")
	if wants(t, stderr, "this machine lacks: ca-certificates curl unzip"); strings.Contains(stderr, "it works in new shells") {
		t.Error(stderr)
	}
}

// A release in one of vmgo's stores builds vmgo as well as any other.
func TestInstaller_findsGoInAStore(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		store := filepath.Join(in.home, ".local/share/vmgo/go")
		for _, version := range []string{"1.9.0", "1.99.0"} {
			root := filepath.Join(store, version)
			in.write(filepath.Join(root, "bin/go"), strings.ReplaceAll(fakeGo, "go1.99.0 X:fake", "go"+version))
			in.write(filepath.Join(root, "src/go.mod"), "module std\n")
			if err := os.Chmod(filepath.Join(root, "bin/go"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		in.env = append(in.env, "GOPROXY=off")
		_, stderr := in.run(0, "--programs-only")
		wants(t, stderr, "build vmgo and vmgo-shim with "+store+"/1.99.0/bin/go")
		in.env = append(in.env, "XDG_DATA_HOME="+in.home+"/none")
		_, stderr = in.run(4, "--programs-only")
		wants(t, stderr, "hint: GOPROXY=")
		in.env = append(in.env, "VMGO_ROOT="+store)
		in.run(0, "--programs-only")
	})
}

func TestInstaller_refusesAnyOtherZip(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		before := in.tree()
		zips, err := filepath.Glob(filepath.Join(filepath.Dir(in.home), "proxy/golang.org/toolchain/@v/*.zip"))
		if err != nil || len(zips) != 1 {
			t.Fatal(zips, err)
		}
		in.write(zips[0], "<html>please log in</html>")
		_, stderr := in.run(5)
		wants(t, stderr, "is not the zip of go1.99.0", "nothing was unpacked")
		if in.tree() != before || in.read(in.trace) != "" {
			t.Errorf("something happened:\n%s%s", in.tree(), in.read(in.trace))
		}
	})
}

func TestInstaller_GOPROXY(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, list string
		status     int
	}{
		{"comma after a missing version", "file:///absent,$GOOD", 0},
		{"comma after a failure", "ftp://127.0.0.1/,$GOOD", 4},
		{"bar after a failure", "ftp://127.0.0.1/|$GOOD", 0},
		{"unreachable and a bar", "http://127.0.0.1:1|$GOOD/", 0},
		{"empty elements", ",$GOOD,", 0},
		{"off", "off", 4},
		{"off and a bar", "off|$GOOD", 4},
		{"none has it", "file:///absent", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := newInstaller(t, "dash")
			good := "file://" + filepath.Join(filepath.Dir(in.home), "proxy")
			in.env = append(in.env, "GOPROXY="+strings.ReplaceAll(c.list, "$GOOD", good))
			in.run(c.status, "--find-go", "go")
		})
	}
}

// The rules of GOPROXY hang on telling "not here" from other failures, which
// each of these programs says in a way of its own.
func TestInstaller_downloaders(t *testing.T) {
	t.Parallel()
	for _, tool := range [][]string{{"curl", "curl"}, {"wget", "wget"}, {"wget", "busybox"}} {
		t.Run(tool[1]+" as "+tool[0], func(t *testing.T) {
			t.Parallel()
			real, err := exec.LookPath(tool[1])
			if err != nil {
				t.Skip(err)
			}
			in := newInstaller(t, "dash")
			in.onlyTools("sha256sum", "unzip")
			in.link(tool[0], real)
			base := filepath.Join(filepath.Dir(in.home), "proxy")
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				status, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
				if code, _ := strconv.Atoi(status); code != 200 {
					http.Error(w, "no", code)
					return
				}
				http.ServeFile(w, r, filepath.Join(base, file))
			}))
			t.Cleanup(server.Close)
			for list, want := range map[string]int{
				"$/404,$/403,$/410,$/200": 0, "$/501,$/200": 4, "$/501|$/200": 0, "$/404": 4,
			} {
				in.env = append(in.env, "GOPROXY="+strings.ReplaceAll(list, "$", server.URL))
				in.run(want, "--find-go", "go")
				os.RemoveAll(filepath.Join(in.home, "go"))
			}
		})
	}
}

// A connection that breaks is no reason to fail, one that always breaks is.
func TestInstaller_brokenConnections(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"curl", "wget"} {
		for _, c := range []struct{ breaks, status int }{{2, 0}, {99, 4}} {
			t.Run(fmt.Sprintf("%s/%d", tool, c.breaks), func(t *testing.T) {
				t.Parallel()
				real, err := exec.LookPath(tool)
				if err != nil {
					t.Skip(err)
				}
				in := newInstaller(t, "dash")
				in.onlyTools("sha256sum", "unzip")
				in.link(tool, real)
				base := filepath.Join(filepath.Dir(in.home), "proxy")
				var asked atomic.Int32
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					path := filepath.Join(base, r.URL.Path)
					if int(asked.Add(1)) <= c.breaks {
						data, _ := os.ReadFile(path)
						w.Header().Set("Content-Length", strconv.Itoa(len(data)))
						_, _ = w.Write(data[:len(data)/2])
						panic(http.ErrAbortHandler)
					}
					http.ServeFile(w, r, path)
				}))
				t.Cleanup(server.Close)
				in.env = append(in.env, "GOPROXY="+server.URL)
				in.run(c.status, "--find-go", "go")
				if n := asked.Load(); n != 3 {
					t.Errorf("asked %d times", n)
				}
			})
		}
	}
}

func TestInstaller_brokenModuleDownload(t *testing.T) {
	t.Parallel()
	for breaks, status := range map[string]int{"1": 0, "2": 1} {
		in := newInstaller(t, "dash")
		in.env = append(in.env, "FAKE_BREAKS="+breaks)
		in.run(status, "--programs-only")
	}
}

func TestInstaller_hidesPasswords(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.env = append(in.env, "GOPROXY=http://user:secret@127.0.0.1:1")
	stdout, stderr := in.run(4, "--find-go", "go")
	if strings.Contains(stdout+stderr, "secret") {
		t.Error(stdout, stderr)
	}
}

func TestInstaller_dryRunTouchesNothing(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		before := in.tree()
		for _, args := range [][]string{{"--dry-run", "--hook", "1.22"}, {"--dry-run", "--uninstall"}, {"--dry-run", "--find-go", "x"}} {
			stdout, _ := in.run(0, args...)
			if args[1] == "--hook" {
				wants(t, stdout, "would fetch go1.99.0", "would build vmgo", "would install ", "would install Go 1.22", "would add the hook to "+in.home+"/.bashrc")
			}
			if in.tree() != before || in.read(in.trace) != "" {
				t.Fatalf("%q did something:\n%s", args, in.tree())
			}
		}
	})
}

func TestInstaller_usage(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		for _, args := range [][]string{{"--no-such"}, {"-x"}, {"--prefix"}, {"--prefix="}, {"--from="}, {"1.22", "1.23"}} {
			if stdout, stderr := in.run(2, args...); stdout != "" || stderr == "" {
				t.Errorf("%q: stdout %q, stderr %q", args, stdout, stderr)
			}
		}
		if stdout, stderr := in.run(0, "--help"); stderr != "" || !strings.HasPrefix(stdout, "usage: ") {
			t.Errorf("--help: stdout %q, stderr %q", stdout, stderr)
		}
	})
}

// Cut off at the end of any line, or anywhere in the last one, the script
// must do nothing at all.
func TestInstaller_truncated(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		script := in.read(filepath.Join(in.checkout, "install.sh"))
		var cuts []int
		for i := range script {
			if i > len(script)-25 || i > 0 && script[i-1] == '\n' {
				cuts = append(cuts, i)
			}
		}
		if last := len(cuts) - 1; cuts[last] == len(script)-1 {
			cuts = cuts[:last] // only the final newline is missing
		}
		before := in.tree()
		for n, cut := range cuts {
			// All in dash, which is quick, and in turn in the others.
			if in.shell[0] != "dash" && n%11 != len(in.shell[0]) && cut < len(script)-25 {
				continue
			}
			in.write(filepath.Join(in.checkout, "install.sh"), script[:cut])
			cmd := exec.Command(in.shell[0], append(append([]string{}, in.shell[1:]...), filepath.Join(in.checkout, "install.sh"), "--prefix", in.home, "--programs-only", "--hook")...)
			cmd.Dir, cmd.Env = in.home, append([]string{"PATH=" + in.path}, in.env...)
			if out, _ := cmd.Output(); len(out) != 0 || in.read(in.trace) != "" {
				t.Fatalf("the first %d bytes did something: %s%s", cut, out, in.read(in.trace))
			}
			if left, _ := os.ReadDir(in.home); len(left) != 1 {
				t.Fatalf("the first %d bytes wrote %v", cut, left)
			}
		}
		if in.tree() != before {
			t.Errorf("something was written:\n%s", in.tree())
		}
	})
}
