package main_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func tarFile(version string) string {
	return "/release/" + version + "/vmgo-" + version + "-linux-" + runtime.GOARCH + ".tar.gz"
}

// installScript installs, updates, returns and uninstalls, with everything on that
// writes outside of the prefix.
func (d *debian) installScript() {
	t := d.t
	d.sh("tar -C /release -xzf " + tarFile("0.1.0") + " --strip-components=3 --wildcards '*/share/vmgo/install.sh'")
	// That ~/.config and the like may be there for others, too, so --purge leaves them.
	d.sh("printf 'alias x=y' >>/root/.bashrc && mkdir -p /root/.config /root/.cache /root/.local/share /root/.local/state")
	before := d.files()
	const install = "sh /release/install.sh --from /release/0.1.0 --programs-only"
	wants(t, d.sh(install+" --hook && "+install+" --hook-all && vmgo version"), "vmgo v0.1.0 (")
	wants(t, d.sh("vmgo self status && vmgo shims && ls -l /usr/local/bin/go"), "no release before this one is kept", "/usr/local/bin/go")
	if out := d.sh(`bash -lic 'type -t vmgo' 2>/dev/null`); out != "function\n" {
		t.Errorf("vmgo is a %q", out)
	}
	wants(t, d.sh("ls -L /usr/local/share/man/man1"), "vmgo.1.gz", "vmgo-proxy.1.gz", "vmgo-deploy.1.gz", "vmgo-fleet.1.gz", "vmgo-observe.1.gz")
	if out := d.sh("vmgo self update --check --from /release/0.2.0 2>/dev/null"); out != "0.2.0\n" {
		t.Errorf("--check prints %q", out)
	}
	wants(t, d.sh("vmgo self update --from "+tarFile("0.2.0")+" && vmgo version && vmgo self status"), "vmgo v0.2.0 (", "vmgo self rollback returns to 0.1.0")
	wants(t, d.sh("vmgo self rollback && vmgo version"), "vmgo v0.1.0 (")
	wants(t, d.sh("vmgo self rollback && vmgo version"), "vmgo v0.2.0 (")
	// One byte more: nothing of it is unpacked.
	out, err := d.try("mkdir /release/bad && cp /release/0.1.0/* /release/bad && printf x >>" + strings.Replace(tarFile("0.1.0"), "/0.1.0/", "/bad/", 1) + "; vmgo self update --from /release/bad")
	if wants(t, out, "nothing was unpacked"); err == nil {
		t.Error("a changed release was installed")
	}
	// Whatever uses leave behind goes, too, if the user says so.
	d.sh("vmgo default system && vmgo config -w VMGO_JOBS=3 && vmgo list >/dev/null && rm -r /release/bad; vmgo doctor --quick >/dev/null || test $? = 1")
	wants(t, d.sh("vmgo self uninstall --purge --dry-run"), "would remove /etc/profile.d/vmgo.sh", "would take the hook out of /root/.bashrc")
	d.sh("vmgo self uninstall --purge")
	same(t, before, d.files())
}

// rpmPackage installs, updates and removes the package with the rpm of this machine,
// in a root of its own. There is no tree of a distribution with rpm here: what such
// a one has besides (dnf, SELinux) is not tried.
func rpmPackage(t *testing.T, releases string) {
	root := t.TempDir()
	rpm := func(args ...string) string {
		return command(t, "", nil, "rpm", append([]string{"--root", root, "--dbpath", "/var/lib/rpm"}, args...)...)
	}
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	file := func(version string) string {
		return filepath.Join(releases, version, "vmgo-"+version+"-1."+arch+".rpm")
	}
	vmgo := func() string { return command(t, "", nil, filepath.Join(root, "usr/bin/vmgo"), "version") }
	rpm("-qa") // makes the database
	before := treeOf(t, root)

	wants(t, rpm("-K", "--nosignature", file("0.1.0")), "digests OK")
	wants(t, rpm("-qp", "--provides", "--qf", "%{LICENSE}\n", file("0.1.0")), "vmgo = 0.1.0-1", "BSD-3-Clause")
	if scripts := rpm("-qp", "--scripts", file("0.1.0")); scripts != "" {
		t.Errorf("the package runs something: %s", scripts)
	}
	rpm("-i", "--nodeps", file("0.1.0"))
	wants(t, vmgo(), "vmgo v0.1.0 (")
	wants(t, rpm("-ql", "vmgo"), "/usr/share/man/man1/vmgo-fleet.1.gz\n", "/usr/share/zsh/site-functions/_vmgo\n", "/usr/share/licenses/vmgo/LICENSE\n")
	if conf := rpm("-qc", "vmgo"); conf != "/etc/vmgo/env\n" {
		t.Errorf("%%config: %q", conf)
	}
	rpm("-V", "--nodeps", "vmgo")
	settings := filepath.Join(root, "etc/vmgo/env")
	if err := os.WriteFile(settings, []byte("VMGO_JOBS=3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rpm("-U", "--nodeps", file("0.2.0"))
	wants(t, vmgo(), "vmgo v0.2.0 (")
	if text, err := os.ReadFile(settings); string(text) != "VMGO_JOBS=3\n" {
		t.Errorf("the update changes settings: %q, %v", text, err)
	}
	rpm("-e", "vmgo")
	if err := os.Remove(settings + ".rpmsave"); err != nil { // dpkg -P has no counterpart
		t.Error(err)
	}
	_ = os.Remove(filepath.Dir(settings))
	same(t, before, treeOf(t, root))
}

// treeOf lists what is beneath a root but the directories of the system and of rpm.
func treeOf(t *testing.T, root string) string {
	t.Helper()
	var list strings.Builder
	for line := range strings.Lines(command(t, root, nil, "find", ".", "-path", "./var/lib/rpm", "-prune", "-o", "-print")) {
		switch strings.TrimSpace(line) {
		case "./etc", "./usr", "./usr/bin", "./usr/share", "./usr/share/man", "./usr/share/man/man1", "./usr/share/doc", "./usr/share/licenses", "./var", "./var/tmp":
		default:
			list.WriteString(line)
		}
	}
	return list.String()
}
