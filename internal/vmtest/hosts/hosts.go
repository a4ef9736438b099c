// Package hosts boots real Debian hosts for tests: each has a systemd and an
// sshd of its own, and they share a network with nothing else on it. It takes
// namespaces, no virtual machine: a host is up in a few seconds.
//
//	net := hosts.Up(t, 3)
//	net.SSH(t, 1, "systemctl", "is-system-running")
//	out, err := net.Command("ansible", "-m", "ping", "all").CombinedOutput()
//	os.ReadFile(net.Path(1, "/etc/hostname"))
//
// Host 1 is 10.99.8.1 and, for the ssh that is first on PATH in [Net.Command],
// vm1 too. The network and all mounts belong to one process, and are gone with it:
// when the test ends, and when its process is killed. So any number of tests
// may have hosts at a time, of the same addresses.
//
// Root is needed, and mmdebstrap, ip, unshare and ssh; [Up] skips the test
// without them. Cgroup controllers for memory and CPU do not work inside, nor can
// kernel settings be changed.
package hosts

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed hosts.sh
var hostsScript string

//go:embed boot.sh
var bootScript string

// Net is a network of running hosts.
type Net struct {
	dir string // with key, known_hosts, ssh_config, bin
	n   int
	pid string // of the process that holds the namespaces
}

// Options say what the hosts of [UpWith] have that those of [Up] have not.
type Options struct {
	Suite    string // of Debian; "": bookworm
	Packages string // besides the usual ones, by comma
}

// Up boots n hosts and returns when each of them has booted and lets root in
// with ssh. They are gone when the test ends. It skips the test where this
// machine cannot do it, and under -short, for it takes long.
func Up(t testing.TB, n int) *Net {
	t.Helper()
	return UpWith(t, Options{}, n)
}

// UpWith is [Up] for hosts of another kind.
func UpWith(t testing.TB, o Options, n int) *Net {
	t.Helper()
	if testing.Short() {
		t.Skip("booting hosts takes long (-short)")
	}
	if os.Getuid() != 0 {
		t.Skip("hosts in namespaces need root")
	}
	for _, program := range []string{"mmdebstrap", "ip", "unshare", "nsenter", "ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("hosts in namespaces need ", program)
		}
	}
	net := &Net{dir: t.TempDir(), n: n}
	net.configure(t)
	net.start(t, tree(t, o))
	for i := 1; i <= n; i++ {
		net.wait(t, i)
	}
	return net
}

// Address returns the address of host i, counted from 1.
func Address(i int) string { return "10.99.8." + strconv.Itoa(i) }

func (n *Net) configure(t testing.TB) {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", n.Key()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var config strings.Builder
	for i := 1; i <= n.n; i++ {
		fmt.Fprintf(&config, "Host vm%d\n\tHostName %s\n", i, Address(i))
	}
	fmt.Fprintf(&config, `Match all
	User root
	IdentityFile %q
	IdentitiesOnly yes
	UserKnownHostsFile %q
	StrictHostKeyChecking accept-new
	LogLevel ERROR
	ConnectTimeout 10
`, n.Key(), filepath.Join(n.dir, "known_hosts"))
	files := map[string]string{"ssh_config": config.String(), "bin/hosts.sh": hostsScript, "bin/boot.sh": bootScript}
	for _, name := range []string{"ssh", "scp", "sftp"} {
		if path, err := exec.LookPath(name); err == nil {
			files["bin/"+name] = "#!/bin/sh\nexec " + path + " -F '" + filepath.Join(n.dir, "ssh_config") + "' \"$@\"\n"
		}
	}
	if err := os.Mkdir(n.Bin(), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// start runs hosts.sh, which lives until its input ends.
func (n *Net) start(t testing.TB, tree string) {
	t.Helper()
	script := filepath.Join(n.Bin(), "hosts.sh")
	cmd := exec.Command("unshare", "-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc", script, tree, n.dir, strconv.Itoa(n.n))
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		cmd.Wait() // its status is that of a shell without input
	})
	n.pid = strconv.Itoa(cmd.Process.Pid)
	if line, err := bufio.NewReader(output).ReadString('\n'); line != "up\n" {
		input.Close()
		io.Copy(io.Discard, output)
		cmd.Wait()
		t.Skipf("hosts cannot be booted in namespaces here: %v: %s", err, &stderr)
	}
}

// wait returns when host i has booted. The limit only ends what has failed.
func (n *Net) wait(t testing.TB, i int) {
	t.Helper()
	limit := time.Now().Add(5 * time.Minute)
	for {
		out, err := n.command(i, "systemctl", "is-system-running", "--wait").CombinedOutput()
		state := strings.TrimSpace(string(out))
		if err == nil || state == "degraded" {
			return
		}
		if time.Now().After(limit) {
			log, _ := os.ReadFile(filepath.Join("/proc", n.pid, "root", n.dir, "hosts", strconv.Itoa(i), "boot.log"))
			t.Fatalf("host %d has not booted: %v: %s\n%s", i, err, out, log)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Bin is the directory with the ssh, scp and sftp that know the hosts.
func (n *Net) Bin() string { return filepath.Join(n.dir, "bin") }

// Key is the file with the private key that opens root's account on each host.
func (n *Net) Key() string { return filepath.Join(n.dir, "key") }

// Path returns the name, on this machine, of a file on host i, but for /run,
// /tmp and what else is a mount there.
func (n *Net) Path(i int, file string) string {
	return filepath.Join("/proc", n.pid, "root", n.dir, "hosts", strconv.Itoa(i), "root", file)
}

// Command returns a command to be run on this machine's files, in the network
// of the hosts, with [Net.Bin] first on PATH.
func (n *Net) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"-t", n.pid, "-n", "--", name}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+n.Bin()+":"+os.Getenv("PATH"))
	return cmd
}

func (n *Net) command(i int, words ...string) *exec.Cmd {
	return n.Command(filepath.Join(n.Bin(), "ssh"), append([]string{"root@" + Address(i)}, words...)...)
}

// SSH runs words as root's shell command on host i and returns what it printed;
// the test fails if that fails.
func (n *Net) SSH(t testing.TB, i int, words ...string) string {
	t.Helper()
	out, err := n.command(i, words...).CombinedOutput()
	if err != nil {
		t.Fatalf("host %d: %q: %v\n%s", i, words, err, out)
	}
	return string(out)
}
