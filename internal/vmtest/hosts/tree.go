package hosts

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

const (
	suite    = "bookworm"
	packages = "ca-certificates,curl,dbus,iproute2,openssh-server,procps,python3,sudo,systemd-sysv,zstd"
)

// tree returns the Debian tree that the hosts share.
func tree(t testing.TB) string {
	t.Helper()
	return Tree(t, "hosts", suite, packages)
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
	if err := os.RemoveAll(dir + ".new"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("mmdebstrap", "--variant=minbase", "--include="+packages, "--aptopt=Acquire::Retries 3",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		suite, dir+".new")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no Debian %s from this machine's apt sources: %v\n%s", suite, err, out)
	}
	if err := os.Rename(dir+".new", dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
