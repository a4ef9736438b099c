package fsx

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestIsSet(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"user.x": true, "trusted.x": true, "security.capability": true, "system.posix_acl_access": true, "system.posix_acl_default": true,
		"user.overlay.origin": false, "trusted.overlay.opaque": false, "security.selinux": false, "security.ima": false, "btrfs.compression": false,
	} {
		if isSet(name) != want {
			t.Errorf("%s: not %t", name, want)
		}
	}
}

func TestAttributes_ofFileSystemsWithout(t *testing.T) {
	t.Parallel()
	for result, want := range map[error]error{nil: nil, unix.ENOTSUP: nil, unix.ENOSYS: nil, unix.EIO: unix.EIO} {
		if names, err := attributes(func([]byte) (int, error) { return 0, result }); len(names) > 0 || err != want {
			t.Errorf("%v: %q, %v", result, names, err)
		}
	}
	names, err := attributes(func(buf []byte) (int, error) { return copy(buf, "user.a\x00user.b\x00"), nil })
	if err != nil || !slices.Equal(names, []string{"user.a", "user.b"}) {
		t.Errorf("%q, %v", names, err)
	}
	for result, understood := range map[error]bool{unix.ENODATA: true, unix.ENOTSUP: true, unix.ENOSYS: true, unix.EACCES: false} {
		if acl := readACL(func([]byte) (int, error) { return 0, result }); (acl == nil) != understood {
			t.Errorf("%v: the ACL is %v", result, acl)
		}
	}
}

// Attributes are set where they are missing or have another value, and only there:
// a user may not be allowed to set the label that a file has already.
func TestCopyXattrs(t *testing.T) {
	t.Parallel()
	d, at := testDir(t)
	for _, name := range []string{"from", "to", "same", "other", "plain"} {
		must(t, os.WriteFile(at(name), nil, 0o644))
	}
	if err := unix.Setxattr(at("from"), "user.x", []byte("1"), 0); err != nil {
		t.Skipf("this file system has no attributes of users: %v", err)
	}
	must(t, unix.Setxattr(at("same"), "user.x", []byte("1"), 0), unix.Setxattr(at("other"), "user.x", []byte("2"), 0))
	must(t, CopyXattrs(at("from"), at("to")), CopyXattrs(at("from"), at("other")), CopyXattrs(at("none"), at("to")))
	for _, name := range []string{"to", "other"} {
		value := make([]byte, 9)
		if n, err := unix.Getxattr(at(name), "user.x", value); err != nil || string(value[:n]) != "1" {
			t.Errorf("%s has %q, %v", name, value[:max(n, 0)], err)
		}
	}
	for name, want := range map[string]bool{"to": true, "plain": false} {
		f, err := d.Open(name)
		must(t, err)
		defer f.Close()
		if f.HasAttributes() != want {
			t.Errorf("that %s has attributes is not %t", name, want)
		}
	}
	var failure *fs.PathError
	if err := CopyXattrs(at("from"), at("none")); !errors.As(err, &failure) || failure.Path != at("from") {
		t.Errorf("to a file that is not there: %v", err)
	}
	must(t, os.Mkdir(at("closed"), 0o700), os.WriteFile(at("closed/file"), nil, 0o644))
	asNobody(t, func() {
		here := "/proc/self/fd/" + strconv.Itoa(d.fd) // what is above it may be closed to others
		if err := CopyXattrs(here+"/from", here+"/same"); err != nil {
			t.Errorf("to another user's file that has it: %v", err)
		}
		if err := CopyXattrs(here+"/closed/file", here+"/same"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("of a file that cannot be looked at: %v", err)
		}
	})
}

func TestGivesACLs(t *testing.T) {
	t.Parallel()
	_, at := testDir(t)
	must(t, os.Mkdir(at("with"), 0o755), os.Mkdir(at("without"), 0o755))
	acl := ACLOf([3]uint32{1, 7, 1<<32 - 1}, [3]uint32{4, 5, 1<<32 - 1}, [3]uint32{32, 5, 1<<32 - 1})
	if err := unix.Setxattr(at("with"), defaultACL, acl, 0); err != nil {
		t.Skipf("no ACLs here: %v", err)
	}
	for name, want := range map[string]bool{"with": true, "without": false, "none": false} {
		if GivesACLs(at(name)) != want {
			t.Errorf("%s: not %t", name, want)
		}
	}
}

// A directory finds out whether files get their modes by themselves. The test changes the
// umask of the whole process, so it is not parallel and restores it.
func TestDir_Fill(t *testing.T) {
	for mask, exact := range map[int]bool{0: true, 0o022: true, 0o027: false, 0o077: false} {
		d, at := testDir(t)
		old := unix.Umask(mask)
		d.Fill()
		err := errors.Join(d.Create("file", 0o755, nil), d.Mkdir("dir", 0o755))
		d.exact = true // no file gets its mode by another system call then
		err = errors.Join(err, d.Create("as made", 0o777, nil), d.Mkdir("dir as made", 0o777))
		found := d.modesArrive()
		unix.Umask(old)
		if err != nil || found != exact {
			t.Errorf("umask %o: modes arrive: %v, %v", mask, found, err)
		}
		for name, want := range map[string]fs.FileMode{"file": 0o755, "dir": 0o755, "as made": 0o777 &^ fs.FileMode(mask), "dir as made": 0o777 &^ fs.FileMode(mask)} {
			if info, err := os.Lstat(at(name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %o: %s has %v, %v", mask, name, info.Mode(), err)
			}
		}
		if names, err := d.Names(); err != nil || len(names) != 4 {
			t.Errorf("umask %o: left behind: %q, %v", mask, names, err)
		}
	}
}

// aMachine is the files beneath a directory.
type aMachine string

func (m aMachine) Path(path string) string                  { return filepath.Join(string(m), path) }
func (m aMachine) Lstat(path string) (fs.FileInfo, error)   { return os.Lstat(m.Path(path)) }
func (m aMachine) LinkOwner(string, fs.FileInfo) (int, int) { return 7, 8 }
func (m aMachine) LinkText(path string) string {
	target, _ := os.Readlink(m.Path(path))
	return target
}

func TestLookIn(t *testing.T) {
	t.Parallel()
	_, at := testDir(t)
	must(t, os.Mkdir(at("dir"), 0o755), os.Mkdir(at("open"), 0o755), os.Chmod(at("open"), 0o775|fs.ModeSticky), os.Symlink("dir", at("link")), unix.Mkfifo(at("pipe"), 0o600))
	for name, want := range map[string]Entry{
		"/dir":  {Mode: fs.ModeDir | 0o755, UID: 7, GID: 8},
		"/open": {Mode: fs.ModeDir | fs.ModeSticky | 0o775, UID: 7, GID: 8},
		"/link": {Mode: fs.ModeSymlink | 0o777, UID: 7, GID: 8, Target: "dir"},
	} {
		e, err := LookIn(aMachine(at(".")), name)
		if err != nil || e.Path != name || e.Mode != want.Mode || e.Target != want.Target || e.UID != 7 || e.GID != 8 || e.ACL != nil {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		here, err := Look(at(name))
		if err != nil || here.Mode != want.Mode || here.Target != want.Target || here.UID != os.Geteuid() {
			t.Errorf("%s, looked at by Look: %+v, %v", name, here, err)
		}
	}
	if _, err := LookIn(aMachine(at(".")), "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	if e, err := Look(at("pipe")); err != nil || e.Mode.IsRegular() || e.Mode.IsDir() {
		t.Errorf("a pipe: %+v, %v", e, err)
	}
	acl := ACLOf([3]uint32{1, 7, 1<<32 - 1}, [3]uint32{2, 7, 4242}, [3]uint32{4, 5, 1<<32 - 1}, [3]uint32{16, 7, 1<<32 - 1}, [3]uint32{32, 5, 1<<32 - 1})
	if err := unix.Setxattr(at("open"), accessACL, acl, 0); err != nil {
		t.Skipf("no ACLs here: %v", err)
	}
	if e, err := LookIn(aMachine(at(".")), "/open"); err != nil || !slices.Equal(e.ACL, acl) {
		t.Errorf("the ACL is %v, %v", e.ACL, err)
	}
}

// ACLOf is the value of system.posix_acl_access: tag, permissions and id of each entry.
func ACLOf(entries ...[3]uint32) []byte {
	data := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range entries {
		data = binary.LittleEndian.AppendUint16(data, uint16(e[0]))
		data = binary.LittleEndian.AppendUint16(data, uint16(e[1]))
		data = binary.LittleEndian.AppendUint32(data, e[2])
	}
	return data
}
