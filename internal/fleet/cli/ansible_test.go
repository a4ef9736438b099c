package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// collection installs the Ansible collection into a directory, as Galaxy would.
func collection(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("Ansible takes long (-short)")
	}
	if _, err := exec.LookPath("ansible-playbook"); err != nil {
		t.Skip("ansible-core is not installed")
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	run("ansible-galaxy", "collection", "build", "../../../deploy/ansible", "--output-path", dir)
	run("ansible-galaxy", "collection", "install", filepath.Join(dir, "vmgo-vmgo-0.1.0.tar.gz"), "-p", filepath.Join(dir, "collections"))
	return dir
}

// TestAnsible_parses has Ansible read the playbooks and the documentation of the modules.
func TestAnsible_parses(t *testing.T) {
	dir := collection(t)
	for _, words := range [][]string{
		{"ansible-playbook", "-i", "localhost,", "--syntax-check", "vmgo.vmgo.install", "vmgo.vmgo.undo"},
		{"ansible-doc", "vmgo.vmgo.release", "vmgo.vmgo.harden"},
	} {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "ANSIBLE_COLLECTIONS_PATH="+filepath.Join(dir, "collections"))
		if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "ERROR") {
			t.Errorf("%q: %v\n%s", words, err, out)
		}
	}
}

// ansible is Ansible with some hosts.
type ansible struct {
	*bench
	dir   string
	hosts int
	log   string // the GOSUMDB that vouches for the releases
}

// newAnsible boots hosts and makes what the role installs: a tarball and a package of
// vmgo, and releases, in a bundle here and in a module proxy that the hosts reach.
func newAnsible(t *testing.T, suite string, n int) *ansible {
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("Ansible and hosts take minutes: VMGO_LONG=1, or ./test.sh --long")
	}
	dir := collection(t)
	a := &ansible{bench: newBench(t, hosts.UpWith(t, hosts.Options{Suite: suite}, n)), dir: dir, hosts: n}
	server := vmtest.NewServer(t, vmtest.Options{Toolchains: []vmtest.Toolchain{{Version: "1.22.5"}, {Version: "1.22.6"}}})
	if err := server.WriteTree(filepath.Join(dir, "tree")); err != nil {
		t.Fatal(err)
	}
	a.shell(`tar -C tree -cf bundle.tar .
t=vmgo-0.0.1-linux-amd64; mkdir -p $t && cp -r "$BIN" $t/bin && tar -czf $t.tar.gz $t
mkdir -p deb/DEBIAN deb/usr && cp -r "$BIN" deb/usr/bin
printf 'Package: vmgo\nVersion: 0.0.1-1\nArchitecture: amd64\nMaintainer: x <x@example.com>\nDescription: x\n' >deb/DEBIAN/control
dpkg-deb -b -Znone deb vmgo_0.0.1-1_amd64.deb >/dev/null`)
	a.log = server.GOSUMDB()
	inventory := ""
	for i := 1; i <= n; i++ {
		inventory += hosts.Address(i) + "\n"
		if err := server.WriteTree(a.net.Path(i, "/srv/proxy")); err != nil {
			t.Fatal(err)
		}
	}
	a.write("hosts", inventory)
	return a
}

func (a *ansible) write(name, text string) {
	a.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o644); err != nil {
		a.Fatal(err)
	}
}

func (a *ansible) shell(script string) {
	a.Helper()
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir, cmd.Env = a.dir, append(os.Environ(), "BIN="+a.bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		a.Fatalf("%v\n%s", err, out)
	}
}

var recap = regexp.MustCompile(`(?m)^\S+ +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0 `)

// play runs a playbook and returns what it said and how much it changed on each host.
func (a *ansible) play(name string, words ...string) (out string, changed []int) {
	a.Helper()
	cmd := a.net.Command("ansible-playbook", append([]string{"-i", "hosts", "-u", "root", "-e", "@vars.yml", "vmgo.vmgo." + name}, words...)...)
	cmd.Dir = a.dir
	cmd.Env = append(cmd.Env, "ANSIBLE_COLLECTIONS_PATH="+filepath.Join(a.dir, "collections"), "ANSIBLE_HOST_KEY_CHECKING=0", "ANSIBLE_FORKS=4", "HOME="+a.dir)
	data, err := cmd.CombinedOutput()
	for _, m := range recap.FindAllSubmatch(data, -1) {
		n, _ := strconv.Atoi(string(m[1]))
		changed = append(changed, n)
	}
	if err != nil || len(changed) != a.hosts {
		a.Fatalf("ansible-playbook %s %q: %v\n%s", name, words, err, data)
	}
	a.Logf("%s %q: changed %v", name, words, changed)
	return string(data), changed
}

// files lists what the role may change on host i.
func (a *ansible) files(i int) string {
	a.Helper()
	return a.net.SSH(a, i, `cd / && find etc opt srv usr/local usr/bin var/lib/vmgo var/cache/vmgo -xdev \( -type f -o -type l \) -printf '%p %m %s %l\n' 2>/dev/null |
		grep -v -e __pycache__ -e '^var/lib/vmgo/harden' -e '^opt/go/.vmgo' -e '^etc/.pwd.lock' | sort`)
}

// vars are the variables of one way to install: a source of vmgo, and one of releases.
func (a *ansible) vars(vmgo, bundle, proxy string) string {
	return fmt.Sprintf(`vmgo_releases: ["1.22.5", "1.22.6"]
vmgo_default: "1.22.6"
vmgo_settings: {GOSUMDB: "%s", GOPROXY: "%s"}
vmgo_harden_profile: server
vmgo_bundle: "%s"
%s
`, a.log, proxy, bundle, vmgo)
}

// TestAnsible_role installs onto hosts, twice, then undoes it, by each way: what check
// mode announces happens, the second run changes nothing, and nothing is left.
func TestAnsible_role(t *testing.T) {
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) { newAnsible(t, suite, 3).role() })
	}
}

func (a *ansible) role() {
	a.Helper()
	before := a.files(1)
	for _, vars := range []string{
		a.vars("vmgo_tarball: "+a.dir+"/vmgo-0.0.1-linux-amd64.tar.gz", a.dir+"/bundle.tar", "http://proxy.example.com"),
		a.vars("vmgo_package: "+a.dir+"/vmgo_0.0.1-1_amd64.deb", "", "file:///srv/proxy"),
	} {
		a.write("vars.yml", vars)
		out, announced := a.play("install", "--check", "--diff")
		for _, want := range []string{"+GOPROXY=", "hook.sh.j2", "TASK [vmgo.vmgo.vmgo : Make the machine fit for Go]"} {
			if !strings.Contains(out, want) {
				a.Errorf("the check shows no %q:\n%s", want, out)
			}
		}
		if got := a.files(1); got != before {
			a.Errorf("the check changes the host:\n%s", got)
		}
		a.same(announced)
	}
}

// same installs for real, twice, looks, and undoes it.
func (a *ansible) same(announced []int) {
	a.Helper()
	before := a.files(1)
	_, changed := a.play("install")
	for i, n := range changed {
		if n == 0 || n != announced[i] {
			a.Errorf("check mode announced %d changes on host %d, %d were made", announced[i], i+1, n)
		}
	}
	if got := a.net.SSH(a, a.hosts, "cd / && readlink /opt/go/default && go version && GOSUMDB="+a.log+" vmgo verify --log --files --all >/dev/null && bash -lic 'echo $PROMPT_COMMAND' 2>/dev/null"); !strings.HasPrefix(got, "1.22.6\ngo version go1.22.6") || !strings.Contains(got, "vmgo") {
		a.Errorf("the host says %q", got)
	}
	for _, words := range [][]string{{"--diff"}, {"--check"}} {
		if out, changed := a.play("install", words...); changed[0] != 0 {
			a.Errorf("the second run changes something:\n%s", out)
		}
	}
	a.play("undo", "--check")
	a.play("undo")
	if _, changed := a.play("undo"); changed[0] != 0 {
		a.Errorf("the second undo changes something")
	}
	if got := a.files(1); got != before {
		a.Errorf("the undo leaves\n%s\nof\n%s", got, before)
	}
}
