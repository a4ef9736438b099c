package main_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/sshsig"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestInstaller_keepsTheReleaseThatWorks offers releases that do not start, whose
// doctor does not, and whose doctor finds something: only the last becomes current.
func TestInstaller_keepsTheReleaseThatWorks(t *testing.T) {
	t.Parallel()
	in := newReleaseInstaller(t, "dash")
	good, next := filepath.Join(in.checkout, "good"), filepath.Join(in.checkout, "next")
	in.release(good, "0.1.0", "release")
	in.run(0, "--programs-only", "--from", good)
	before := in.tree()
	for _, c := range []struct{ fails, says string }{
		{"version", "the release does not run"},
		{"doctor 2", "doctor --quick ends with exit status 2: broken"},
		{"doctor 139", "vmgo 0.2.0 does not work here: 0.1.0 stays"},
	} {
		in.fails = c.fails
		in.release(next, "0.2.0", "release")
		_, stderr := in.run(1, "--programs-only", "--from", next)
		if wants(t, stderr, c.says); in.tree() != before {
			t.Errorf("%s: before\n%safter\n%s", c.fails, before, in.tree())
		}
	}
	in.fails = "doctor 1"
	in.release(next, "0.2.0", "release")
	in.run(0, "--programs-only", "--from", next)
	in.fails = ""
	in.release(next, "0.3.0", "release")
	in.run(0, "--programs-only", "--from", next)
	lib := filepath.Join(in.home, ".local/lib/vmgo")
	if old, err := os.Stat(filepath.Join(lib, "0.1.0")); err == nil {
		t.Errorf("the release before the last is kept, too: %v", old.Name())
	}
	if _, err := os.Stat(filepath.Join(lib, "current/previous/bin/vmgo")); err != nil {
		t.Error(err)
	}
	in.run(0, "--programs-only", "--from", good) // who names a release gets it, be it older
	if now, _ := os.Readlink(filepath.Join(lib, "current")); now != "0.1.0" {
		t.Errorf("the current release is %s", now)
	}
}

// ownModule is vmgo's module with programs that know their version and little else.
func ownModule(t *testing.T, version string) vmtest.Module {
	t.Helper()
	program := `package main

import ("fmt"; "os"; "runtime/debug")

func main() {
	info, _ := debug.ReadBuildInfo()
	if len(os.Args) > 1 && os.Args[1] == "version" { fmt.Println("vmgo", info.Main.Version, "(module)") }
}
`
	files := map[string]string{"go.mod": "module github.com/vmgo/vmgo\n\ngo 1.21\n", "main.go": program, "shims/vmgo-shim/main.go": program,
		"cmd/vmgo-deploy/main.go": program, "README.md": "", "CHANGELOG.md": "", "SECURITY.md": "", "LICENSE": "", "docs/x.md": "", "packaging/profile.sh": ""}
	for _, name := range []string{"install.sh", "packaging/share.sh"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return vmtest.Module{Path: "github.com/vmgo/vmgo", Version: version, Files: files}
}

// TestInstaller_fromTheModule updates where no release can be fetched: the real go
// command builds the module, which the checksum database must vouch for whatever
// the settings say.
func TestInstaller_fromTheModule(t *testing.T) {
	t.Parallel()
	in := newReleaseInstaller(t, "dash")
	server := vmtest.NewServer(t, vmtest.Options{})
	module := ownModule(t, "v0.2.0")
	server.AddModule(module)
	server.Serve("/github.com/vmgo/vmgo/@latest", []byte(`{"Version":"v0.2.0","Time":"2026-11-28T00:00:00Z"}`))
	old := filepath.Join(in.checkout, "old")
	in.release(old, "0.1.0", "release")
	in.run(0, "--programs-only", "--from", old)

	goEnv := strings.Fields(command(t, "", nil, "go", "env", "GOROOT", "GOCACHE"))
	in.link("go", filepath.Join(goEnv[0], "bin/go"))
	in.env = append(in.env, "GOCACHE="+goEnv[1]) // a cold one takes a minute
	in.env = append(in.env, "GOPROXY="+server.URL, "GOSUMDB="+server.GOSUMDB(), "GONOSUMDB=github.com", "GOFLAGS=-insecure", "GOPRIVATE=*")
	update := []string{"--release", "--programs-only", "--source", "release,goproxy", "--base-url", "http://127.0.0.1:1"}
	stdout, _ := in.run(0, append(update, "--check")...)
	if stdout != "0.2.0\n" {
		t.Errorf("--check prints %q", stdout)
	}
	before := in.tree()
	_, stderr := in.run(0, update...)
	wants(t, stderr, "no release from http://127.0.0.1:1/latest/download", "trying vmgo's module from GOPROXY", "build vmgo 0.2.0 with ")
	bin := filepath.Join(in.home, ".local/bin")
	for name, want := range map[string]string{"vmgo": "vmgo v0.2.0 (module)\n", "vmgo-deploy": "vmgo v0.2.0 (module)\n"} {
		out, err := exec.Command(filepath.Join(bin, name), "version").Output()
		if err != nil || string(out) != want {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	in.run(0, "--rollback")
	if rest := in.tree(); rest == before {
		t.Error("the release that was built is not kept")
	}

	// Another zip than the log has.
	other := ownModule(t, "v0.3.0")
	server.AddModule(other)
	other.Files["main.go"] += "// more\n"
	server.Serve("/github.com/vmgo/vmgo/@v/v0.3.0.zip", other.Zip())
	before = in.tree()
	_, stderr = in.run(5, append(update, "--version", "0.3.0")...)
	if wants(t, stderr, "go mod failed"); in.tree() != before {
		t.Error("something was installed")
	}
}

// TestInstaller_leavesTheDefaultOfGOPROXY wants Go's own default beside the program,
// unless only another proxy answers.
func TestInstaller_leavesTheDefaultOfGOPROXY(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/good/golang.org/toolchain/@v/") {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	good, bad := server.URL+"/good", "http://127.0.0.1:1"
	secret := strings.Replace(good, "http://", "http://user:secret@", 1)
	for _, c := range []struct{ name, goEnv, builtin, user, want string }{
		{"Go's own answers", good + ",direct", bad, "", good + ",direct"},
		{"only the other answers", bad + "|direct", good + "|direct", "", good + "|direct"},
		{"none answers", bad + ",direct", bad, "", bad + ",direct"},
		{"the user has one", bad + ",direct", good, "x", bad + ",direct"},
		{"credentials", secret, bad, "", good},
		{"no go.env", "", good, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := newInstaller(t, "dash")
			name := filepath.Join(in.checkout, "install.sh")
			in.write(name, regexp.MustCompile(`(?m)^builtin_proxy=\S+`).ReplaceAllLiteralString(in.read(name), "builtin_proxy='"+c.builtin+"'"))
			// A Go in a store, so that nothing else is fetched.
			root := filepath.Join(in.home, ".local/share/vmgo/go/1.99.0")
			in.write(filepath.Join(root, "bin/go"), fakeGo)
			in.write(filepath.Join(root, "src/go.mod"), "module std\n")
			if err := os.Chmod(filepath.Join(root, "bin/go"), 0o755); err != nil {
				t.Fatal(err)
			}
			in.env = append(in.env, "FAKE_PROXY="+c.goEnv, "GOPROXY="+c.user)
			in.run(0, "--programs-only")
			var want string
			if c.want != "" {
				want = "# The default of GOPROXY for vmgo, left by install.sh.\nGOPROXY=" + c.want + "\n"
			}
			if got := in.read(filepath.Join(in.home, ".local/lib/vmgo/go.env")); got != want {
				t.Errorf("%q, not %q", got, want)
			}
		})
	}
}

// TestSelf_refusesTheTestKey builds vmgo with the key of the tests among its
// release keys.
func TestSelf_refusesTheTestKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := vmtest.SSHKey("release")
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte(`vmgo namespaces="vmgo-release" `+vmtest.SSHPublic(key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(here, "packaging/release-keys"): keys}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "lib/vmgo/0.1.0/bin/vmgo")
	command(t, "", nil, "go", "build", "-overlay", filepath.Join(dir, "overlay"), "-o", program, ".")
	if err := os.Symlink("0.1.0", filepath.Join(dir, "lib/vmgo/current")); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		cmd := exec.Command(program, append([]string{"self"}, args...)...)
		cmd.Env = []string{"HOME=" + dir, "PATH=" + dir}
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	wants(t, run("update"), "vmgo: this vmgo accepts releases that are signed with the key of its tests", "[failure]")
	wants(t, run("status", "--json"), sshsig.Fingerprint(key.Public().(ed25519.PublicKey)))
	wants(t, run("rollback"), "install.sh is missing")
}
