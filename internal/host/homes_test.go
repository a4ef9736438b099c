package host_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

func TestHomes_thatExist(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"etc", "root", "home/a b"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	passwd := "root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/x\na:x:1000:1000::/home/a b:/bin/sh\n" +
		"b:x:1001:1000::/home/a b:/bin/sh\nnobody:x:65534:65534::/:/x\nbroken\nrel:x:1:1::home:/x\n"
	if err := os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(passwd), 0o644); err != nil {
		t.Fatal(err)
	}
	want := []host.Home{{filepath.Join(root, "home/a b"), 1000, 1000}, {filepath.Join(root, "home/a b"), 1001, 1000}, {filepath.Join(root, "root"), 0, 0}}
	if got, err := host.Homes(root); err != nil || !slices.Equal(got, want) {
		t.Errorf("Homes = %v, %v, want %v", got, err, want)
	}
	if got, err := host.Homes(t.TempDir()); err != nil || got != nil {
		t.Errorf("without passwd: %v, %v", got, err)
	}
	if err := errors.Join(os.Remove(filepath.Join(root, "etc/passwd")), os.Mkdir(filepath.Join(root, "etc/passwd"), 0o755)); err != nil {
		t.Fatal(err)
	}
	if got, err := host.Homes(root); err == nil {
		t.Errorf("from a directory: %v", got)
	}
}

// Users of a directory service have homes, and no line in /etc/passwd.
func TestHomes_ofADirectoryService(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give directories to others")
	}
	t.Parallel()
	root := t.TempDir()
	for dir, uid := range map[string]int{
		"etc": 0, "home/ann": 1000, "home/ldap": 20001, "home/EXAMPLE": 0, "home/EXAMPLE/sssd": 20002, "home/EXAMPLE/daemon": 999,
		"export/users/bob": 1001, "export/users/gone": 1002, "srv/data": 20003, "home/ldap/src": 20001, "home/lost+found": 0,
	} {
		path := filepath.Join(root, dir)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chown(path, uid, uid)); err != nil {
			t.Fatal(err)
		}
	}
	passwd := "ann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/export/users/bob:/bin/sh\nd:x:998:998::/srv/d:/x\ntop:x:1003:1003::/data:/x\n"
	if err := errors.Join(os.Symlink("ann", filepath.Join(root, "home/link")), os.Lchown(filepath.Join(root, "home/link"), 20001, 20001),
		os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(passwd), 0o644)); err != nil {
		t.Fatal(err)
	}
	var got []string
	homes, err := host.Homes(root)
	for _, home := range homes {
		got = append(got, strings.TrimPrefix(home.Dir, root)+" "+strconv.Itoa(home.UID))
	}
	want := []string{"/export/users/bob 1001", "/export/users/gone 1002", "/home/EXAMPLE/sssd 20002", "/home/ann 1000", "/home/ldap 20001"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Homes = %q, %v", got, err)
	}
}

// What is read with the rights of a user is not read with ours, and ours are
// those of before.
func TestHome_As(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() error {
		_, err := os.ReadFile(secret)
		return err
	}
	inside := errors.New("not called")
	err := host.Home{Dir: "/", UID: 1001, GID: 1001}.As(func() { inside = open() })
	switch {
	case os.Getuid() != 0:
		if err == nil {
			t.Error("somebody else than root became another user")
		}
	case err != nil || !errors.Is(inside, fs.ErrPermission):
		t.Errorf("%v, inside %v", err, inside)
	}
	if err := open(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
