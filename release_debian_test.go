package main_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// debian is a Debian tree in which commands run as root, with nothing of this
// machine but its kernel and, if there is one, the network namespace.
type debian struct {
	t    *testing.T
	root string
	net  []string // the command that enters the network namespace
	user string   // UID:GID; empty: root
	env  []string
}

func newDebian(t *testing.T, suite string) *debian {
	t.Helper()
	root := filepath.Join(t.TempDir(), suite)
	command(t, "", nil, "cp", "-a", hosts.Tree(t, "release", suite, "ca-certificates,openssh-client,zsh"), root)
	return &debian{t: t, root: root, net: []string{"unshare", "-n"}}
}

// enter mounts what a system has, in namespaces of its own, and runs a command in the
// tree. The device files are its own, too: who changes their mode changes no other's.
const enter = `set -e
cd "$1" && shift
mount -t proc proc proc && mount -t tmpfs none run && mount -t tmpfs -o mode=755 none dev && mkdir dev/pts dev/shm
mknod -m 666 dev/null c 1 3; mknod -m 666 dev/zero c 1 5; mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8; mknod -m 666 dev/urandom c 1 9; mknod -m 666 dev/tty c 5 0
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 none dev/pts; ln -s pts/ptmx dev/ptmx; mount -t tmpfs none dev/shm
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
exec "$@" <dev/null`

// in returns the tree for a subtest.
func (d *debian) in(t *testing.T) *debian {
	inner := *d
	inner.t = t
	return &inner
}

// try runs a script in the tree and returns what it prints.
func (d *debian) try(script string, args ...string) (string, error) {
	argv := append([]string{}, d.net...)
	argv = append(argv, "unshare", "-mpf", "--kill-child", "sh", "-c", enter, "sh", d.root, "chroot", "--userspec="+cmp.Or(d.user, "0:0"), ".", "env", "-i", "HOME=/root", "SHELL=/bin/bash", "LANG=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	argv = append(argv, d.env...)
	if len(args) == 0 {
		args = []string{"sh", "-euc"}
	}
	argv = append(append(argv, args...), script)
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	return string(out), err
}

func (d *debian) sh(script string) string {
	d.t.Helper()
	out, err := d.try(script)
	if err != nil {
		d.t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return out
}

// files describes everything in the tree but what dpkg writes about itself.
func (d *debian) files() string {
	d.t.Helper()
	const prune = `find / -xdev \( -path /proc -o -path /release -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache/man \) -prune -o `
	return d.sh(prune + `-printf '%M %U:%G %p -> %l\n' | sort; ` + prune + `-type f -exec sha256sum {} + | sort`)
}

// testReleases builds two releases from the tree as it is, for this machine, and
// returns the directory that has them: 0.1.0 and 0.2.0.
func testReleases(t *testing.T) string {
	t.Helper()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("the build of a release and of Debian trees takes minutes: ./test.sh --long has it")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can make a Debian tree")
	}
	base := t.TempDir()
	key := filepath.Join(base, "key")
	command(t, "", nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key)
	clone := taggedClone(t, filepath.Join(base, "clone"), key+".pub")
	tag(t, clone, "0.2.0")
	for _, version := range []string{"0.1.0", "0.2.0"} {
		command(t, clone, nil, "packaging/release.sh", "--arch", runtime.GOARCH, "--key", key, "--out", filepath.Join(base, "release", version), version)
	}
	return filepath.Join(base, "release")
}

// TestRelease_onDebian takes releases as they are published through the lives of
// users: packages, then install.sh, the commands of the README and the examples.
// Each tree is wanted back as it was.
func TestRelease_onDebian(t *testing.T) {
	t.Parallel()
	releases := testReleases(t)
	t.Run("lintian", func(t *testing.T) {
		for _, version := range []string{"0.1.0", "0.2.0"} {
			command(t, "", nil, "lintian", "--fail-on", "error", "--allow-root", debFile(releases, version))
		}
	})
	for _, suite := range []string{"bullseye", "bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			d := newDebian(t, suite)
			d.put(releases)
			t.Run("deb", func(t *testing.T) { d.in(t).debPackage() })
			t.Run("install.sh", func(t *testing.T) { d.in(t).installScript() })
		})
	}
	t.Run("rpm", func(t *testing.T) { rpmPackage(t, releases) })
	t.Run("README", func(t *testing.T) { readmeCommands(t, releases) })
	t.Run("examples", func(t *testing.T) { exampleProject(t, releases) })
}

// put copies the releases into the tree, as /release.
func (d *debian) put(releases string) {
	d.t.Helper()
	command(d.t, "", nil, "cp", "-R", releases, filepath.Join(d.root, "release"))
}

func debFile(releases, version string) string {
	return filepath.Join(releases, version, "vmgo_"+version+"-1_"+runtime.GOARCH+".deb")
}

func (d *debian) debPackage() {
	t := d.t
	before := d.files()
	wants(t, d.sh("dpkg -i "+debFile("/release", "0.1.0")+" && vmgo version && vmgo doctor --quick || test $? = 1"), "vmgo v0.1.0 (")
	wants(t, d.sh("dpkg-query -W -f '${Conffiles}' vmgo"), "/etc/vmgo/env ")
	wants(t, d.sh("ls /usr/share/man/man1"), "vmgo.1.gz", "vmgo-proxy.1.gz", "vmgo-deploy.1.gz", "vmgo-fleet.1.gz", "vmgo-observe.1.gz")
	if out := d.sh("ls /etc/profile.d"); strings.Contains(out, "vmgo") {
		t.Errorf("the hook is active without a request: %s", out)
	}
	// A new login shell has the hook once the administrator says so, and only then.
	const loaded = `bash -lic 'type -t vmgo || :' 2>/dev/null`
	if out := d.sh(loaded); out != "file\n" {
		t.Errorf("vmgo is a %q", out)
	}
	if out := d.sh("ln -s /usr/share/vmgo/profile.sh /etc/profile.d/vmgo.sh && " + loaded); out != "function\n" {
		t.Errorf("vmgo is a %q", out)
	}
	for _, words := range []string{"update", "rollback", "uninstall"} {
		out, err := d.try("vmgo self " + words)
		if wants(t, out, "was not installed from a release by install.sh", "hint: sudo apt-get "); err == nil {
			t.Errorf("self %s of a package", words)
		}
	}
	d.sh("rm /etc/profile.d/vmgo.sh && echo VMGO_JOBS=3 >>/etc/vmgo/env && dpkg -i " + debFile("/release", "0.2.0"))
	wants(t, d.sh("vmgo version && vmgo config VMGO_JOBS"), "vmgo v0.2.0 (", "3")
	wants(t, d.sh("dpkg -r vmgo && cat /etc/vmgo/env"), "VMGO_JOBS=3")
	d.sh("dpkg -P vmgo && rm -rf /root/.config/vmgo /root/.local /root/.cache")
	same(t, before, d.files())
}

// same shows the lines that differ.
func same(t *testing.T, before, after string) {
	t.Helper()
	has := func(text string) map[string]bool {
		lines := map[string]bool{}
		for line := range strings.Lines(text) {
			lines[line] = true
		}
		return lines
	}
	was, is := has(before), has(after)
	for line := range was {
		if !is[line] {
			t.Error("gone: ", line)
		}
	}
	for line := range is {
		if !was[line] {
			t.Error("left: ", line)
		}
	}
}
