package host_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
