package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// debian is a Debian tree in which commands run as root, with no network and
// nothing of this machine but its kernel.
type debian struct {
	t    *testing.T
	root string
}

func newDebian(t *testing.T, suite string) debian {
	t.Helper()
	root := filepath.Join(t.TempDir(), suite)
	command(t, "", nil, "cp", "-a", hosts.Tree(t, "release", suite, "ca-certificates,openssh-client,zsh"), root)
	return debian{t, root}
}

// try runs a script in the tree and returns what it prints.
func (d debian) try(script string) (string, error) {
	cmd := exec.Command("unshare", "-mpfn", "--kill-child", "sh", "-c",
		`mount -t proc proc "$1/proc" && exec chroot "$1" env -i HOME=/root SHELL=/bin/bash DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -euc "$2"`,
		"sh", d.root, script)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d debian) sh(script string) string {
	d.t.Helper()
	out, err := d.try(script)
	if err != nil {
		d.t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return out
}

// files describes everything in the tree but what dpkg writes about itself.
func (d debian) files() string {
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
	command(t, clone, nil, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "the next one")
	command(t, clone, nil, "git", "tag", "v0.2.0")
	for _, version := range []string{"0.1.0", "0.2.0"} {
		command(t, clone, nil, "packaging/release.sh", "--arch", runtime.GOARCH, "--key", key, "--out", filepath.Join(base, "release", version), version)
	}
	return filepath.Join(base, "release")
}

// TestRelease_onDebian installs, upgrades, removes and purges the package, and wants
// each tree back as it was.
func TestRelease_onDebian(t *testing.T) {
	t.Parallel()
	releases := testReleases(t)
	for _, name := range []string{"0.1.0", "0.2.0"} {
		deb := filepath.Join(releases, name, "vmgo_"+name+"-1_"+runtime.GOARCH+".deb")
		if _, err := exec.LookPath("lintian"); err != nil {
			t.Log("lintian is not installed")
			break
		}
		if out, err := exec.Command("lintian", "--fail-on", "error", deb).CombinedOutput(); err != nil {
			t.Errorf("lintian: %v\n%s", err, out)
		}
	}
	for _, suite := range []string{"bullseye", "bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			d := newDebian(t, suite)
			command(t, "", nil, "cp", "-R", releases, filepath.Join(d.root, "release"))
			d.debPackage()
		})
	}
}

func (d debian) debPackage() {
	t := d.t
	before := d.files()
	deb := func(version string) string {
		return "/release/" + version + "/vmgo_" + version + "-1_" + runtime.GOARCH + ".deb"
	}
	wants(t, d.sh("dpkg -i "+deb("0.1.0")+" && vmgo version && vmgo doctor --quick || test $? = 1"), "vmgo v0.1.0 (")
	wants(t, d.sh("dpkg-query -W -f '${Conffiles}' vmgo"), "/etc/vmgo/env ")
	if out := d.sh("ls /etc/profile.d"); strings.Contains(out, "vmgo") {
		t.Errorf("the hook is active unasked: %s", out)
	}
	// A new login shell has the hook once the administrator says so, and only then.
	const loaded = `bash -lic 'type -t vmgo || :' 2>/dev/null`
	if out := d.sh(loaded); out != "file\n" {
		t.Errorf("vmgo is a %q", out)
	}
	if out := d.sh("ln -s /usr/share/vmgo/profile.sh /etc/profile.d/vmgo.sh && " + loaded); out != "function\n" {
		t.Errorf("vmgo is a %q", out)
	}
	out, err := d.try("vmgo self update")
	if wants(t, out, "was not installed from a release by install.sh", "hint: sudo apt-get install ./vmgo_"); err == nil {
		t.Error("self update of a package")
	}
	d.sh("rm /etc/profile.d/vmgo.sh && echo VMGO_JOBS=3 >>/etc/vmgo/env && dpkg -i " + deb("0.2.0"))
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
