package fsx_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
)

func TestAttributes_areThoseThatSomebodySet(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if names, err := fsx.Attributes(f); err != nil || len(names) != 0 {
		t.Errorf("a new file has %q, %v", names, err)
	}
	if err := syscall.Setxattr(path, "user.vmgo", []byte("x"), 0); err != nil {
		t.Skipf("this file system has no attributes of users: %v", err)
	}
	want := []string{"user.vmgo"}
	if os.Geteuid() == 0 {
		// cap_sys_admin, effective and permitted: struct vfs_cap_data of capabilities(7)
		capability := []byte{1, 0, 0, 2, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		if err := syscall.Setxattr(path, "security.capability", capability, 0); err != nil {
			t.Fatal(err)
		}
		want = append([]string{"security.capability"}, want...)
		if err := syscall.Setxattr(path, "security.selinux", []byte("system_u:object_r:etc_t:s0\x00"), 0); err != nil {
			t.Logf("no label of SELinux to leave out: %v", err)
		}
	}
	names, err := fsx.Attributes(f)
	slices.Sort(names)
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("it has %q, %v, want %q", names, err, want)
	}
}

// On overlayfs a file that was copied up has attributes of the file system's own,
// which are counted and not listed.
func TestCopyXattrs_onOverlay(t *testing.T) {
	const inside = "VMGO_TEST_IN_NAMESPACE"
	if os.Geteuid() != 0 {
		t.Skip("only root can mount an overlay")
	}
	if os.Getenv(inside) == "" {
		cmd := exec.Command("unshare", "--mount", os.Args[0], "-test.run=^TestCopyXattrs_onOverlay$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Skipf("no mounts here: %v", err)
	}
	defer func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"lower/file", "upper/new"} {
		if err := os.WriteFile(at(name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount("overlay", at("merged"), "overlay", 0, "lowerdir="+at("lower")+",upperdir="+at("upper")+",workdir="+at("work")); err != nil {
		t.Skipf("no overlay here: %v", err)
	}
	if err := os.Chmod(at("merged/file"), 0o600); err != nil { // copies it up
		t.Fatal(err)
	}
	if err := fsx.CopyXattrs(at("merged/file"), at("merged/new")); err != nil {
		t.Error(err)
	}
}
