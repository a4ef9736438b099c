package harden

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

// fakeRoot makes the tree of a small machine that "runs": its /proc/sys and
// /proc/swaps are plain files and its systemctl is fakeRun.
func fakeRoot(t testing.TB) string {
	t.Helper()
	root := t.TempDir() // tests look at what is above it
	for path, text := range map[string]string{
		"/etc/fstab":                             "# fstab\nUUID=1 / ext4 defaults 0 1\n/dev/vdb none swap sw 0 0\n",
		"/var/lib/dpkg/status":                   "",
		"/etc/passwd":                            "root:x:0:0:root:/root:/bin/sh\n",
		"/etc/sysctl.d/10-distro.conf":           "kernel.printk = 4\n",
		"/proc/sys/vm/swappiness":                "60\n",
		"/proc/sys/fs/inotify/max_user_watches":  "8192\n",
		"/proc/swaps":                            "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
		"/proc/meminfo":                          "MemTotal:        4096000 kB\nMemAvailable:    2048000 kB\nSwapTotal: 0 kB\n",
		"/run/systemd/system/.keep":              "",
		"/opt/go/1.22.5/VERSION":                 "go1.22.5\n",
		"/usr/lib/systemd/systemd":               "",
		"/usr/lib/systemd/system/clockd.service": "[Unit]\n[Install]\nWantedBy=sysinit.target\n",
	} {
		write(t, root+path, text)
	}
	must(t, os.Chmod(root+"/opt/go/1.22.5", 0o700))
	return root
}

// layOut makes a machine of these files, "DIR" for a directory, and returns its
// root.
func layOut(t testing.TB, files map[string]string) string {
	t.Helper()
	var list []hosttest.File
	for path, text := range files {
		if text == "DIR" {
			path, text = path+"/", ""
		}
		list = append(list, hosttest.File{Path: path, Data: []byte(text)})
	}
	root := hosttest.New(t, list).Root
	t.Cleanup(func() { _ = os.Remove(commandLog(root)) })
	return root
}

// commandLog is where fakeRun writes the commands that were run on a machine.
func commandLog(root string) string { return root + ".commands.log" }

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fakeRun is a systemctl that keeps the active units as files in the machine's
// /run/units, and a swapoff and swapon that edit its /proc/swaps.
func fakeRun(root string) func(*exec.Cmd) error {
	return func(cmd *exec.Cmd) error {
		args := cmd.Args
		fmt.Fprintln(logOf(root), strings.Join(args, " "))
		switch filepath.Base(args[0]) {
		case "systemctl":
			return fakeSystemctl(root, cmd)
		case "swapoff":
			return os.WriteFile(root+"/proc/swaps", []byte("Filename\n"), 0o644)
		case "swapon":
			return os.WriteFile(root+"/proc/swaps", []byte("Filename\n"+args[len(args)-1]+" partition 1024 0 -2\n"), 0o644)
		case "false":
			return errors.New("exit status 1")
		}
		return nil
	}
}

func logOf(root string) *os.File {
	f, _ := os.OpenFile(commandLog(root), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	return f
}

func fakeSystemctl(root string, cmd *exec.Cmd) error {
	unit := ""
	if len(cmd.Args) > 2 {
		unit = root + "/run/units-active/" + cmd.Args[2]
	}
	switch cmd.Args[1] {
	case "is-active":
		if _, err := os.Stat(unit); err != nil {
			fmt.Fprintln(cmd.Stdout, "inactive")
			return errors.New("exit status 3")
		}
		fmt.Fprintln(cmd.Stdout, "active")
	case "start":
		if err := os.MkdirAll(filepath.Dir(unit), 0o755); err != nil {
			return err
		}
		return os.WriteFile(unit, nil, 0o644)
	case "stop":
		if err := os.Remove(unit); err != nil {
			return err
		}
		return os.Remove(filepath.Dir(unit))
	}
	return nil
}

func testMachine(t testing.TB, root string) *Machine {
	t.Helper()
	m, err := Running(fakeHost(root))
	must(t, err)
	return m
}

func fakeHost(root string) host.Host {
	sys := host.OSSys()
	sys.ClockSynchronised = func() (bool, error) { return false, nil }
	return host.Host{Root: root, UID: os.Getuid(), PID: os.Getpid(), Run: fakeRun(root), Now: fixedClock, Sys: sys}
}

// fakeItems exercise every kind of cell but swap: two share a file, one edits
// fstab, one makes a directory, a link and a unit, one fixes a mode.
func fakeItems() []Item {
	file := func(m *Machine, text string) Value {
		return Value{Present: true, Text: text, Mode: 0o644, UID: m.Owner, GID: m.Group}
	}
	item := func(id string, wants func(m *Machine) []Want) Item {
		return Item{ID: id, What: "does " + id, Effect: "none", On: Profiles(), Desired: func(m *Machine) (Desired, error) {
			return Desired{Wants: wants(m)}, nil
		}}
	}
	return []Item{
		item("alpha", func(m *Machine) []Want {
			return []Want{
				{Kind: File, Target: "/etc/sysctl.d/60-vmgo.conf", Value: file(m, "vm.swappiness = 10\n"), Shared: true},
				{Kind: Sysctl, Target: "vm.swappiness", Value: Value{Present: true, Text: "10"}},
			}
		}),
		item("beta", func(m *Machine) []Want {
			return []Want{
				{Kind: File, Target: "/etc/sysctl.d/60-vmgo.conf", Value: file(m, "fs.inotify.max_user_watches = 524288\n"), Shared: true},
				{Kind: Sysctl, Target: "fs.inotify.max_user_watches", Value: Value{Present: true, Text: "524288"}},
			}
		}),
		item("fstab", func(m *Machine) []Want {
			now, err := m.read(File, "/etc/fstab")
			if err != nil {
				return nil
			}
			if !strings.Contains(now.Text, BlockBegin) {
				now.Text = strings.Replace(now.Text, "/dev/vdb", BlockBegin+"\n# /dev/vdb none swap sw 0 0\n"+BlockEnd+"\n#/dev/vdb", 1)
			}
			return []Want{{Kind: File, Target: "/etc/fstab", Value: now, Foreign: true}}
		}),
		item("unit", func(m *Machine) []Want {
			return []Want{
				{Kind: File, Target: "/etc/systemd/system.conf.d/60-vmgo.conf", Value: file(m, "[Manager]\n")},
				{Kind: Link, Target: "/etc/systemd/system/sysinit.target.wants/clockd.service",
					Value: Value{Present: true, Text: "/usr/lib/systemd/system/clockd.service"}},
				{Kind: Unit, Target: "clockd.service", Value: Value{Present: true}},
			}
		}),
		item("mode", func(m *Machine) []Want {
			return []Want{{Kind: Mode, Target: "/opt/go/1.22.5", Value: Value{Present: true, Mode: 0o755, UID: m.Owner, GID: m.Group}}}
		}),
	}
}

// snapshot describes every entry of a tree: kind, mode, owner, content, and
// for files the time.
func snapshot(t testing.TB, root string) map[string]string {
	t.Helper()
	return photographer{}.snapshot(t, root)
}

// photographer remembers the digests of files that cannot have changed since:
// the kernel's change time, which no program can set, is the same.
type photographer map[string]photo

type photo struct {
	ino    uint64
	ctime  syscall.Timespec
	digest string
}

func (p photographer) snapshot(t testing.TB, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "/harden/lock") {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		text := fmt.Sprintf("%v %d:%d", info.Mode(), st.Uid, st.Gid)
		switch {
		case info.Mode().IsRegular():
			digest, err := p.digest(path, st)
			if err != nil {
				return err
			}
			text += " " + digest
			if !strings.HasPrefix(path, root+"/proc/") {
				text += " " + info.ModTime().UTC().Format(time.RFC3339Nano)
			}
		case info.IsDir():
			if rest := strings.TrimPrefix(path, root); !strings.HasPrefix(rest, "/proc") && !strings.HasPrefix(rest, "/run") && rest != "/tmp" { // fakeRun and programs write there
				text += " " + info.ModTime().UTC().Format(time.RFC3339Nano)
			}
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " -> " + target
		}
		out[strings.TrimPrefix(path, root)] = text
		return nil
	}))
	return out
}

func (p photographer) digest(path string, st *syscall.Stat_t) (string, error) {
	if known, ok := p[path]; ok && known.ino == st.Ino && known.ctime == st.Ctim {
		return known.digest, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:8]) + " " + xattrs(path)
	p[path] = photo{st.Ino, st.Ctim, digest}
	return digest, nil
}

func xattrs(path string) string {
	buf := make([]byte, 4096)
	n, err := syscall.Listxattr(path, buf)
	if err != nil {
		return ""
	}
	var out []string
	for _, name := range strings.Split(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		value := make([]byte, 4096)
		k, _ := syscall.Getxattr(path, name, value)
		out = append(out, name+"="+string(value[:max(k, 0)]))
	}
	return strings.Join(out, ",")
}

// unkilled is a snapshot without the time of the directory that the state directory is made in: a
// kill before the first record is written loses it.
func unkilled(snap map[string]string) map[string]string {
	snap = maps.Clone(snap)
	delete(snap, filepath.Dir(filepath.Dir(StateDir)))
	return snap
}

// differences lists the entries in which two snapshots differ.
func differences(a, b map[string]string) []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(a)) {
		if b[path] != a[path] {
			out = append(out, fmt.Sprintf("%s: %q is now %q", path, a[path], b[path]))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[path]; !ok {
			out = append(out, fmt.Sprintf("%s: new %q", path, b[path]))
		}
	}
	return out
}

func fixedClock() time.Time { return time.Unix(1800000000, 0) }

// Status returns the state of every item.
func (e *Engine) Status(sel Selection) ([]ItemStatus, error) {
	plan, err := e.Plan(sel)
	return plan.Items, err
}
