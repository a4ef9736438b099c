package main_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// fakeRelease is a program of a release: it notes how it was called.
const fakeRelease = `#!/bin/sh
printf '%s\n' "vmgo $*" >>"$TRACE"
case "FAILS" in
lies) [ "$1" != version ] || { echo "vmgo v9.9.9 (fake)" && exit; } ;;
"$1") exit 1 ;;
"$1 "*) echo broken >&2 && fails="FAILS" && exit "${fails#* }" ;;
esac
[ "$1" != version ] || echo "vmgo vVERSION (fake)"
`

var keyLines = regexp.MustCompile(`(?s)# Who may sign a release of vmgo.*?\n([^#].*?)?END\n`)

// newReleaseInstaller returns an install.sh alone, which accepts the test's
// key, and the names of the tools that a release needs.
func newReleaseInstaller(t *testing.T, shell ...string) *installer {
	t.Helper()
	in := newInstaller(t, shell...)
	in.onlyTools("curl", "sha256sum", "ssh-keygen", "tar", "gzip")
	name := filepath.Join(in.checkout, "install.sh")
	script := keyLines.ReplaceAllString(in.read(name), `vmgo namespaces="vmgo-release" `+vmtest.SSHPublic(vmtest.SSHKey("release"))+"\nEND\n")
	in.write(name, script)
	if err := os.Remove(filepath.Join(in.checkout, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return in
}

// release writes a release that is signed by a key of vmtest into a directory.
func (in *installer) release(dir, version, key string) string {
	in.t.Helper()
	var file bytes.Buffer
	zipped := gzip.NewWriter(&file)
	w := tar.NewWriter(zipped)
	name := "vmgo-" + version + "-linux-" + runtime.GOARCH
	for _, file := range append([]string{"bin/vmgo", "bin/vmgo-shim", "share/bash-completion/completions/vmgo", "share/zsh/site-functions/_vmgo",
		"share/fish/vendor_completions.d/vmgo.fish", "share/man/man1/vmgo.1.gz"}, in.more...) {
		text := strings.NewReplacer("VERSION", version, "FAILS", in.fails).Replace(fakeRelease)
		if err := w.WriteHeader(&tar.Header{Name: name + "/" + file, Mode: 0o755, Size: int64(len(text))}); err != nil {
			in.t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			in.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		in.t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		in.t.Fatal(err)
	}
	sums := fmt.Sprintf("%064x  vmgo_%s.deb\n%x  %s.tar.gz\n", 1, version, sha256.Sum256(file.Bytes()), name)
	in.write(filepath.Join(dir, name+".tar.gz"), file.String())
	in.write(filepath.Join(dir, "checksums.txt"), sums)
	in.write(filepath.Join(dir, "checksums.txt.sig"), string(vmtest.SSHSign(vmtest.SSHKey(key), "vmgo-release", []byte(sums))))
	return filepath.Join(dir, name+".tar.gz")
}

// TestInstaller_fromARelease installs one release, then the next, from a directory
// and from a file, and removes all of it.
func TestInstaller_fromARelease(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		in = newReleaseInstaller(t, in.shell...)
		before := in.tree()
		old, next := filepath.Join(in.checkout, "old"), filepath.Join(in.checkout, "next")
		in.release(old, "0.1.0", "release")
		file := in.release(next, "0.2.0", "release")
		prefix := filepath.Join(in.home, ".local")

		stdout, _ := in.run(0, "--from", old, "--dry-run")
		if wants(t, stdout, "would get vmgo from "+old, "would install it in "); in.tree() != before {
			t.Error("a dry run changed something")
		}
		in.run(0, "--from", old, "--programs-only")
		in.run(0, "--from="+file, "1.22.5")
		wants(t, in.read(in.trace), "vmgo version\n", "vmgo doctor --quick\n", "vmgo install 1.22.5\n")
		for link, want := range map[string]string{
			"bin/vmgo": "../lib/vmgo/current/bin/vmgo", "bin/vmgo-shim": "../lib/vmgo/current/bin/vmgo-shim",
			"lib/vmgo/current": "0.2.0", "lib/vmgo/0.2.0/previous": "../0.1.0",
			"share/man/man1/vmgo.1.gz":                  "../../../lib/vmgo/current/share/man/man1/vmgo.1.gz",
			"share/bash-completion/completions/vmgo":    "../../../lib/vmgo/current/share/bash-completion/completions/vmgo",
			"share/fish/vendor_completions.d/vmgo.fish": "../../../lib/vmgo/current/share/fish/vendor_completions.d/vmgo.fish",
		} {
			if got, err := os.Readlink(filepath.Join(prefix, link)); got != want {
				t.Errorf("%s leads to %q (%v), not to %s", link, got, err, want)
			}
		}
		wants(t, in.read(filepath.Join(prefix, "bin/vmgo")), "vmgo v0.2.0 ")
		shim := filepath.Join(prefix, "bin/go")
		if err := os.Symlink(filepath.Join(prefix, "bin/vmgo-shim"), shim); err != nil {
			t.Fatal(err)
		}
		in.run(0, "--uninstall")
		if after := in.tree(); after != before {
			t.Errorf("before\n%safter\n%s", before, after)
		}
	})
}

// TestInstaller_verifiesBeforeAnythingRuns changes one thing of a good release
// each time.
func TestInstaller_verifiesBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	sign := func(in *installer, dir, sums string) {
		in.write(filepath.Join(dir, "checksums.txt"), sums)
		in.write(filepath.Join(dir, "checksums.txt.sig"), string(vmtest.SSHSign(vmtest.SSHKey("release"), "vmgo-release", []byte(sums))))
	}
	cases := map[string]struct {
		change func(in *installer, dir, archive string)
		args   []string
		status int
		says   string
	}{
		"another archive": {func(in *installer, _, archive string) { in.write(archive, in.read(archive)+"x") }, nil, 5, "nothing was unpacked"},
		"another signer":  {func(in *installer, dir, _ string) { in.release(dir, "0.1.0", "stranger") }, nil, 5, "is not by a release key"},
		"other checksums": {func(in *installer, dir, _ string) {
			name := filepath.Join(dir, "checksums.txt")
			in.write(name, in.read(name)+"\n")
		}, nil, 5, "is not by a release key"},
		"a signature for something else": {func(in *installer, dir, _ string) {
			sums := in.read(filepath.Join(dir, "checksums.txt"))
			in.write(filepath.Join(dir, "checksums.txt.sig"), string(vmtest.SSHSign(vmtest.SSHKey("release"), "file", []byte(sums))))
		}, nil, 5, "is not by a release key"},
		"no signature":       {func(_ *installer, dir, _ string) { _ = os.Remove(filepath.Join(dir, "checksums.txt.sig")) }, nil, 1, "has no checksums.txt.sig"},
		"another version":    {func(*installer, string, string) {}, []string{"--version", "v0.2.0"}, 5, "this is vmgo 0.1.0, not 0.2.0"},
		"another machine's":  {func(in *installer, dir, _ string) { sign(in, dir, "") }, nil, 1, "has nothing for linux-" + runtime.GOARCH},
		"several releases":   {func(in *installer, dir, _ string) { sign(in, dir, sumsOf("0.1.0")+sumsOf("0.1.1")) }, nil, 5, "several releases"},
		"a name that climbs": {func(in *installer, dir, _ string) { sign(in, dir, sumsOf("0/../../1")) }, nil, 1, "has nothing for linux-"},
		"a version that lies": {func(in *installer, dir, archive string) {
			lying := in.read(in.release(filepath.Join(dir, "x"), "9.9.9", "release"))
			in.write(archive, lying)
			sign(in, dir, fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(lying)), filepath.Base(archive)))
		}, nil, 1, "does not run"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newReleaseInstaller(t, "dash")
			dir := filepath.Join(in.checkout, "release")
			archive := in.release(dir, "0.1.0", "release")
			c.change(in, dir, archive)
			before := in.tree()
			_, stderr := in.run(c.status, append([]string{"--from", dir}, c.args...)...)
			wants(t, stderr, c.says)
			if in.tree() != before || in.read(in.trace) != "" {
				t.Errorf("something was installed or ran: %s", in.read(in.trace))
			}
		})
	}
}

func sumsOf(version string) string {
	return fmt.Sprintf("%064x  vmgo-%s-linux-%s.tar.gz\n", 7, version, runtime.GOARCH)
}

// TestInstaller_releaseByNetwork serves releases as GitHub does.
func TestInstaller_releaseByNetwork(t *testing.T) {
	t.Parallel()
	in := newReleaseInstaller(t, "dash")
	www := filepath.Join(in.checkout, "www")
	in.release(filepath.Join(www, "latest/download"), "0.2.0", "release")
	in.release(filepath.Join(www, "download/v0.2.0"), "0.2.0", "release")
	in.release(filepath.Join(www, "download/v0.1.0"), "0.1.0", "release")
	server := httptest.NewServer(http.FileServer(http.Dir(www)))
	t.Cleanup(server.Close)
	for _, c := range [][]string{{"0.2.0"}, {"0.1.0", "--version", "0.1.0"}} {
		_, stderr := in.run(0, append([]string{"--programs-only", "--base-url", server.URL}, c[1:]...)...)
		wants(t, stderr, "verify signature and SHA-256")
		wants(t, in.read(filepath.Join(in.home, ".local/bin/vmgo")), "vmgo v"+c[0]+" ")
	}
	_, stderr := in.run(4, "--base-url", server.URL+"/none")
	wants(t, stderr, "could not fetch checksums.txt", "hint: install.sh --base-url URL")
	in.onlyTools("sha256sum")
	_, stderr = in.run(1, "--base-url", server.URL)
	wants(t, stderr, "to verify and unpack a release, this machine lacks: ca-certificates curl openssh-client gzip tar", "apt-get install -y")
}

// TestInstaller_checkAndRollback prints what is offered, goes back and forth, and
// refuses an older release from the network unless it is named.
func TestInstaller_checkAndRollback(t *testing.T) {
	t.Parallel()
	in := newReleaseInstaller(t, "dash")
	www := filepath.Join(in.checkout, "www")
	in.release(filepath.Join(www, "latest/download"), "0.9.0", "release")
	in.release(filepath.Join(www, "download/v0.9.0"), "0.9.0", "release")
	next := filepath.Join(in.checkout, "next")
	in.release(next, "0.10.0-rc.1", "release")
	server := httptest.NewServer(http.FileServer(http.Dir(www)))
	t.Cleanup(server.Close)

	before := in.tree()
	stdout, _ := in.run(0, "--check", "--base-url", server.URL)
	if stdout != "0.9.0\n" || in.tree() != before {
		t.Errorf("--check prints %q", stdout)
	}
	_, stderr := in.run(1, "--rollback")
	wants(t, stderr, "has no current release")
	in.run(0, "--programs-only", "--base-url", server.URL)
	in.run(0, "--programs-only", "--from", next)
	current := filepath.Join(in.home, ".local/bin/vmgo")
	wants(t, in.read(current), "vmgo v0.10.0-rc.1 ")
	_, stderr = in.run(5, "--programs-only", "--base-url", server.URL)
	wants(t, stderr, "the server offers vmgo 0.9.0, which is older than 0.10.0-rc.1", "hint: install.sh --version 0.9.0")
	for _, want := range []string{"vmgo v0.9.0 ", "vmgo v0.10.0-rc.1 "} {
		in.run(0, "--rollback")
		wants(t, in.read(current), want)
	}
	in.run(0, "--programs-only", "--version", "0.9.0", "--base-url", server.URL)
	wants(t, in.read(current), "vmgo v0.9.0 ")
	in.write(filepath.Join(in.home, ".local/lib/vmgo/0.10.0-rc.1/bin/vmgo"), "#!/bin/sh\nexit 1\n")
	_, stderr = in.run(1, "--rollback")
	wants(t, stderr, "vmgo 0.10.0-rc.1 does not work: left as it is")
	wants(t, in.read(current), "vmgo v0.9.0 ")
}

func TestInstaller_knowsTheOlderRelease(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	functions := strings.TrimSuffix(string(script), "{ main \"$@\"; }\n")
	order := []string{"0.1.0-rc.1", "0.1.0-rc.2", "0.1.0", "0.1.1", "0.2.0", "0.10.0-rc.1", "0.10.0", "1.0.0"}
	for i, a := range order {
		for j, b := range order {
			err := exec.Command("sh", "-c", functions+"not_older "+a+" "+b).Run()
			if (err == nil) != (i >= j) {
				t.Errorf("not_older %s %s: %v", a, b, err)
			}
		}
	}
}

func TestInstaller_hasTheReleaseKeys(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile("packaging/release-keys")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(script, append([]byte("cat <<'END'\n"), append(keys, "END\n"...)...)) {
		t.Error("install.sh does not have the lines of packaging/release-keys")
	}
	if lines := regexp.MustCompile(`(?m)^[^#\n]`).FindAll(keys, -1); len(lines) > 2 {
		t.Errorf("packaging/release-keys has %d keys, not the current and the next one", len(lines))
	}
	for _, name := range []string{"release", "stranger", "good", "other"} {
		if bytes.Contains(keys, []byte(vmtest.SSHPublic(vmtest.SSHKey(name)))) {
			t.Errorf("packaging/release-keys has the test key %s, which anybody can sign with", name)
		}
	}
}

// TestRelease_noPrivateKey looks into every file of the repository.
func TestRelease_noPrivateKey(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(".git"); err != nil {
		t.Skip("this is no git repository")
	}
	out, err := exec.Command("git", "grep", "-lE", "^-----BEGIN [A-Z ]*PRIVATE KEY").Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("private keys: %s%v", out, err)
	}
}
