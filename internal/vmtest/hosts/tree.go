package hosts

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	usualSuite = "bookworm"
	packages   = "ca-certificates,cron,curl,dbus,iproute2,openssh-server,procps,python3,sudo,systemd-sysv,tmux,zstd"
)

// tree returns the Debian tree that the hosts share.
func tree(t testing.TB, o Options) string {
	t.Helper()
	list := packages
	if o.Packages != "" {
		list += "," + o.Packages
	}
	return Tree(t, "hosts", cmp.Or(o.Suite, usualSuite), list)
}

// Tree returns a tree of a Debian suite with packages, which is made by mmdebstrap
// at the first call on a machine and kept in the user's cache directory; name is
// part of its name there. Whoever changes it makes a copy. Tree skips the test
// where it cannot be made.
func Tree(t testing.TB, name, suite, packages string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip("a Debian tree has no place: ", err)
	}
	sum := sha256.Sum256([]byte(packages))
	dir := filepath.Join(cache, "vmgo-test", name+"-"+suite+"-"+hex.EncodeToString(sum[:4]))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), " "+dir+".new/") {
		t.Fatalf("file systems are mounted in %s.new, %v: unmount them first", dir, err)
	}
	if err := os.RemoveAll(dir + ".new"); err != nil {
		t.Fatal(err)
	}
	cmd := Mmdebstrap("--variant=minbase", "--include="+packages, "--aptopt=Acquire::Retries 3",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		suite, dir+".new")
	cmd.ExtraFiles = []*os.File{lock} // held until mmdebstrap ends, should this process be killed
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no Debian %s from this machine's apt sources: %v\n%s", suite, err, out)
	}
	if err := os.Rename(dir+".new", dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Mmdebstrap returns a command that runs mmdebstrap in a mount namespace of its
// own. As root it mounts /proc, /sys and /dev/shm in the tree that it makes, and
// leaves them there when it is killed: whoever then removed the tree would empty
// the machine's own.
func Mmdebstrap(args ...string) *exec.Cmd {
	if os.Getuid() != 0 {
		return exec.Command("mmdebstrap", args...) // makes namespaces by itself
	}
	return exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "--", "mmdebstrap"}, args...)...)
}
