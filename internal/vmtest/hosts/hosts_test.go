package hosts

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestUp(t *testing.T) {
	net := Up(t, 2)
	if got := net.SSH(t, 2, "cat", "/proc/1/comm"); got != "systemd\n" {
		t.Errorf("the first process is %q", got)
	}
	if got := net.SSH(t, 1, "hostname; nproc >/dev/null && curl -s --max-time 20 telnet://"+Address(2)+":22 </dev/null | head -c 4"); got != "vm1\nSSH-" {
		t.Errorf("host 1 says %q", got)
	}
	net.SSH(t, 1, "systemd-run --wait --quiet -p DynamicUser=yes touch /tmp/x && echo kept >/root/kept && sync /root/kept")
	if data, err := os.ReadFile(net.Path(1, "/root/kept")); string(data) != "kept\n" {
		t.Errorf("Path finds %q, %v", data, err)
	}
	if out, err := net.Command("ssh", "vm2", "hostname").Output(); err != nil || string(out) != "vm2\n" {
		t.Errorf("ssh vm2: %q, %v", out, err)
	}
}

const holderFile = "VMGO_TEST_HOSTS_HOLD"

// TestUp_endsWithItsProcess kills a test that has hosts.
func TestUp_endsWithItsProcess(t *testing.T) {
	if os.Getenv(holderFile) != "" {
		os.Stdout.WriteString("\nholder " + Up(t, 1).pid + "\n")
		select {}
	}
	if testing.Short() || os.Getuid() != 0 {
		t.Skip("hosts need root, and long (-short)")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestUp_endsWithItsProcess$", "-test.v")
	cmd.Env = append(os.Environ(), holderFile+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	holder, lines := "", bufio.NewScanner(out)
	for holder == "" && lines.Scan() {
		if strings.Contains(lines.Text(), "--- SKIP") {
			t.Skip("no hosts here")
		}
		holder, _ = strings.CutPrefix(lines.Text(), "holder ")
		if !strings.HasPrefix(lines.Text(), "holder ") {
			holder = ""
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // killed
	if holder == "" {
		t.Fatal("the test inside booted nothing")
	}
	for limit := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat("/proc/" + holder); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(limit) {
			t.Fatal("the hosts outlive their test")
		}
	}
}

// What a killed mmdebstrap has mounted must be gone with it: the machine's own
// /dev/shm is among it, and the next run removes the tree.
func TestMmdebstrap_leavesNoMounts(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root's mmdebstrap mounts")
	}
	bin, tree := t.TempDir(), t.TempDir()
	script := "#!/bin/sh\nmount -t tmpfs vmgo-test \"$1\" && touch \"$1/mounted\" && echo mounted; kill -KILL $$\n"
	if err := os.WriteFile(bin+"/mmdebstrap", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	out, err := Mmdebstrap(tree).CombinedOutput()
	if err == nil || string(out) != "mounted\n" {
		t.Skipf("nothing can be mounted here: %v: %s", err, out)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), tree) {
		t.Errorf("%v: the mount outlives the program that made it", err)
	}
}
