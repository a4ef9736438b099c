package host_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

func made(t *testing.T, files map[string]string) host.Host {
	t.Helper()
	var all []hosttest.File
	for path, text := range files {
		all = append(all, hosttest.File{Path: path, Data: []byte(text)})
	}
	return hosttest.New(t, all)
}

// Links of a made-up machine mean what they would mean on it, and lead
// nowhere else.
func TestHost_pathStaysBeneathRoot(t *testing.T) {
	t.Parallel()
	h := made(t, map[string]string{
		"/usr/bin/go":  "here",
		"/etc/release": "inside",
		"/machine": "link /bin /usr/bin\nlink /abs /etc/release\nlink /up ../../../../../../etc/release\n" +
			"link /loop /loop\nlink /chain up\n",
	})
	for path, want := range map[string]string{"/bin/go": "here", "/abs": "inside", "/up": "inside", "/chain": "inside", "/bin/../abs": "inside"} {
		if got := h.Text(path); got != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
		if real := h.Path(path); !strings.HasPrefix(real, h.Root+"/") {
			t.Errorf("%s is %s, outside of the root", path, real)
		}
	}
	if h.Exists("/loop") {
		t.Error("a link to itself exists")
	}
	real, err := h.RealPath("/bin/go")
	if err != nil || real != "/usr/bin/go" {
		t.Errorf("the real path is %s, %v", real, err)
	}
	if got := h.Path(filepath.Join(h.Root, "etc/release")); got != filepath.Join(h.Root, "etc/release") {
		t.Errorf("a path beneath the root becomes %s", got)
	}
	if got := h.Show(h.Root + "x/etc"); got != h.Root+"x/etc" {
		t.Errorf("a neighbour of the root is shown as %s", got)
	}
}

// A named pipe in the place of a file has nobody who writes to it: opening it would
// wait for ever.
func TestHost_doesNotWaitForPipes(t *testing.T) {
	t.Parallel()
	h := made(t, map[string]string{"/etc/hosts": "x", "/machine": "link /etc/link pipe\n"})
	if err := syscall.Mkfifo(h.Path("/etc/pipe"), 0o644); err != nil {
		t.Skip(err)
	}
	done := make(chan string)
	go func() {
		done <- h.Text("/etc/pipe") + h.Text("/etc/link") + h.Head("/etc/pipe", 1) + h.Text("/etc/hosts")
	}()
	select {
	case text := <-done:
		if text != "x" {
			t.Errorf("read %q", text)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("a pipe is waited for")
	}
}

func TestHost_mountOf(t *testing.T) {
	t.Parallel()
	h := made(t, map[string]string{
		"/proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" +
			"40 22 0:40 / /home rw,noexec - xfs /dev/sdb1 rw\n" +
			"41 40 0:41 / /home/a\\040b rw - 9p share rw,trans=virtio\n" +
			"42 22 0:42 / /home rw master:7 propagate_from:3 - ext4 /dev/sdc1 rw,nodev\n" +
			"broken line\n",
		"/home/a b/x": "", "/homes/x": "", "/machine": "link /link /home/a\\040b",
	})
	for path, want := range map[string]string{"/": "/dev/sda1", "/homes/x": "/dev/sda1", "/home/new/deep": "/dev/sdc1", "/home/a b/x": "share"} {
		if m, found := h.MountOf(path); !found || m.Source != want {
			t.Errorf("%s lies on %q, want %q", path, m.Source, want)
		}
	}
	if m, _ := h.MountOf("/home/q"); !m.Has("nodev") || m.Has("noexec") || m.Remote() {
		t.Errorf("the mount on top is not the one that counts: %+v", m)
	}
	if m, _ := h.MountOf("/home/a b"); !m.Remote() {
		t.Error("9p is a share")
	}
}

func TestHost_listeners(t *testing.T) {
	t.Parallel()
	h := made(t, map[string]string{
		"/proc/net/tcp": "header\n 0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 1000 0 31 1\n 1: 0F0200C0:01BB 0100007F:C350 01 0:0 0:0 0 0 0 32 1\n" +
			" 2: nonsense 0 0A 0 0 0 0 0 33 1\n",
		"/proc/net/tcp6":     "header\n 0: 00000000000000000000000001000000:0016 0:0 0A 0:0 0:0 0 0 0 34 1\n 1: 0000000000000000FFFF00000100007F:0050 0:0 0A 0:0 0:0 0 0 0 35 1\n",
		"/proc/77/comm":      "server\n",
		"/proc/78/comm":      "other\n",
		"/proc/uptime":       "",
		"/machine":           "link /proc/77/fd/3 socket:[31]\nlink /proc/78/fd/3 socket:[311]\n",
		"/proc/net/fib_trie": "Local:\n |-- 127.0.0.1\n   /32 host LOCAL\n |-- 192.0.2.7\n   /32 host LOCAL\n |-- 192.0.2.7\n   /32 host LOCAL\n |-- 192.0.2.255\n   /32 link BROADCAST\n",
	})
	var got []string
	for _, l := range h.Listeners() {
		got = append(got, l.Addr.String())
	}
	if want := "127.0.0.1:8080 [::1]:22 127.0.0.1:80"; strings.Join(got, " ") != want {
		t.Errorf("listeners %v, want %s", got, want)
	}
	want := map[string]host.Process{"31": {PID: "77", Name: "server"}, "311": {PID: "78", Name: "other"}}
	if got := h.SocketHolders(); !maps.Equal(got, want) {
		t.Errorf("sockets belong to %v, want %v", got, want)
	}
	if a := h.Addresses(); len(a) != 1 || a[0].String() != "192.0.2.7" {
		t.Errorf("addresses %v", a)
	}
}

func TestHost_cgroupLimitsUpTheTree(t *testing.T) {
	t.Parallel()
	h := made(t, map[string]string{
		"/proc/self/cgroup":                            "0::/a.slice/b.service\n",
		"/proc/self/mountinfo":                         "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
		"/sys/fs/cgroup/cgroup.controllers":            "cpu memory pids\n",
		"/sys/fs/cgroup/a.slice/cpu.max":               "150000 100000\n",
		"/sys/fs/cgroup/a.slice/b.service/cpu.max":     "max 100000\n",
		"/sys/fs/cgroup/a.slice/b.service/memory.high": "1000000\n",
		"/sys/fs/cgroup/a.slice/memory.max":            "2000000\n",
		"/sys/fs/cgroup/a.slice/b.service/memory.max":  "max\n",
	})
	c := h.Cgroup()
	if c.Mode != host.CgroupV2 {
		t.Fatalf("mode %s", c.Mode)
	}
	if l := h.CPULimits(c); len(l) != 1 || l[0].Value != 1.5 || l[0].Own {
		t.Errorf("cpu limits %+v", l)
	}
	memory := h.MemoryLimits(c)
	if len(memory) != 2 || memory[0].Value != 2000000 || memory[0].Own || memory[1].Value != 1000000 || !memory[1].Own {
		t.Errorf("memory limits %+v", memory)
	}
}

// A container sees its own part of the tree as the root, and its group by the
// path of the machine around it.
func TestHost_cgroupInsideContainer(t *testing.T) {
	t.Parallel()
	h := made(t, map[string]string{
		"/proc/self/cgroup":                           "4:memory:/docker/4f0e\n",
		"/proc/self/mountinfo":                        "34 29 0:31 /docker/4f0e /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
		"/sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
	})
	c := h.Cgroup()
	if l := h.MemoryLimits(c); c.Mode != host.CgroupV1 || len(l) != 1 || l[0].Value != 512<<20 || !l[0].Own {
		t.Errorf("%s %+v", c.Mode, l)
	}
}

func TestHost_askEndsWhatItStarted(t *testing.T) {
	t.Parallel()
	h := host.OS()
	ours := fmt.Sprintf("600.%d", os.Getpid())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for !running(t, ours) && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	_, err := h.Ask(ctx, host.Command{Args: []string{"sh", "-c", "sleep " + ours + " & sleep " + ours}})
	if cancel(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	// The kernel ends what was killed in its own time.
	for deadline := time.Now().Add(time.Minute); running(t, ours); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a grandchild outlived its asker")
		}
	}
}

// A program that leaves another behind, which keeps its output open, has
// answered all the same.
func TestHost_askLeavesWhatGoesOn(t *testing.T) {
	t.Parallel()
	pid := filepath.Join(t.TempDir(), "pid")
	out, err := host.OS().Ask(t.Context(), host.Command{Args: []string{"sh", "-c", `echo said; sleep 600 & echo $! >"$0"`, pid}})
	if err != nil || out.Stdout != "said\n" {
		t.Errorf("%+v %v", out, err)
	}
	text, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
		t.Error("what it left is gone:", err)
	}
}

func running(t *testing.T, word string) bool {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if data, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline"); strings.Contains(string(data), "\x00"+word+"\x00") {
			return true
		}
	}
	return false
}

func TestHost_ask(t *testing.T) {
	t.Parallel()
	h := host.OS()
	out, err := h.Ask(t.Context(), host.Command{Args: []string{"sh", "-c", "echo $A; cat; echo x >&2; exit 3"}, Env: map[string]string{"A": "b", "PATH": "/usr/bin:/bin"}})
	if err != nil || out.Stdout != "b\n" || out.Stderr != "x\n" || out.Status != 3 {
		t.Errorf("%+v %v", out, err)
	}
	if _, err := h.Ask(t.Context(), host.Command{Args: []string{"no-such-program"}}); !errors.Is(err, host.ErrNoProgram) {
		t.Errorf("a missing program gives %v", err)
	}
	h.Env = map[string]string{"PATH": ".:"}
	if got := h.Find("facts_test.go", h.Env["PATH"]); got != "" {
		t.Errorf("a relative element of PATH gives %s", got)
	}
}
