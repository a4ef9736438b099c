package fsx_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vmgo/vmgo/internal/fsx"
)

// ann is user 1000 with the private group 1000.
var ann = fsx.Owners{
	UID: 1000, PrivateGroup: func(gid int) bool { return gid == 1000 || gid == 0 },
	Unmapped: func(uid int) bool { return uid == 70000 },
}

const none = 1<<32 - 1

func TestOwners_directory(t *testing.T) {
	t.Parallel()
	const sticky = fs.ModeSticky
	for name, c := range map[string]struct {
		entry    fsx.Entry
		ancestor bool
		reason   string // a part of it, empty if the directory is safe
	}{
		"ann's":                   {entry: fsx.Entry{Mode: fs.ModeDir | 0o755, UID: 1000, GID: 1000}},
		"root's":                  {entry: fsx.Entry{Mode: fs.ModeDir | 0o755}},
		"another's":               {entry: fsx.Entry{Mode: fs.ModeDir | 0o755, UID: 1001}, reason: "belongs to user 1001"},
		"another's above":         {entry: fsx.Entry{Mode: fs.ModeDir | 0o755, UID: 1001}, ancestor: true, reason: "belongs to user 1001"},
		"another's sticky":        {entry: fsx.Entry{Mode: fs.ModeDir | sticky | 0o777, UID: 1001}, ancestor: true, reason: "belongs to user 1001"},
		"outside the namespace":   {entry: fsx.Entry{Mode: fs.ModeDir | 0o755, UID: 70000}, ancestor: true},
		"not for the store":       {entry: fsx.Entry{Mode: fs.ModeDir | 0o755, UID: 70000}, reason: "belongs to user 70000"},
		"open":                    {entry: fsx.Entry{Mode: fs.ModeDir | 0o757, UID: 1000}, reason: "every user may write"},
		"open above":              {entry: fsx.Entry{Mode: fs.ModeDir | 0o757, UID: 1000}, ancestor: true, reason: "every user may write"},
		"sticky":                  {entry: fsx.Entry{Mode: fs.ModeDir | sticky | 0o777}, reason: "every user may write"},
		"sticky above":            {entry: fsx.Entry{Mode: fs.ModeDir | sticky | 0o777}, ancestor: true},
		"private group":           {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 1000}},
		"group":                   {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 50}, reason: "group 50 may write"},
		"sticky group":            {entry: fsx.Entry{Mode: fs.ModeDir | sticky | 0o775, UID: 1000, GID: 50}, reason: "group 50 may write"},
		"ACL of a user":           {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 1000, ACL: fsx.ACLOf([3]uint32{1, 7, none}, [3]uint32{2, 7, 1001}, [3]uint32{4, 5, none}, [3]uint32{16, 7, none}, [3]uint32{32, 5, none})}, reason: "an ACL lets user 1001"},
		"ACL of a reader":         {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 50, ACL: fsx.ACLOf([3]uint32{1, 7, none}, [3]uint32{2, 5, 1001}, [3]uint32{4, 5, none}, [3]uint32{16, 7, none}, [3]uint32{32, 5, none})}},
		"ACL of a group":          {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 1000, ACL: fsx.ACLOf([3]uint32{4, 5, none}, [3]uint32{8, 6, 50})}, reason: "an ACL lets group 50"},
		"ACL of the own group":    {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 50, ACL: fsx.ACLOf([3]uint32{4, 7, none})}, reason: "an ACL lets group 50"},
		"ACL of ann":              {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, GID: 0, ACL: fsx.ACLOf([3]uint32{2, 7, 1000}, [3]uint32{4, 7, none})}},
		"ACL that makes no sense": {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 1000, ACL: []byte{1}}, reason: "an ACL lets somebody"},
		"ACL of a private group":  {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 50, ACL: fsx.ACLOf([3]uint32{4, 5, none}, [3]uint32{8, 7, 1000})}},
		"empty ACL":               {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 1000, ACL: []byte{}}, reason: "an ACL lets somebody"},
		"ACL that ends early":     {entry: fsx.Entry{Mode: fs.ModeDir | 0o775, UID: 1000, GID: 1000, ACL: fsx.ACLOf([3]uint32{4, 5, none})[:9]}, reason: "an ACL lets somebody"},
		"masked ACL":              {entry: fsx.Entry{Mode: fs.ModeDir | 0o755, UID: 1000, GID: 1000, ACL: fsx.ACLOf([3]uint32{2, 7, 1001})}},
		"link":                    {entry: fsx.Entry{Mode: fs.ModeSymlink | 0o777, UID: 1000}, reason: "is a link"},
		"file":                    {entry: fsx.Entry{Mode: 0o644, UID: 1000}, reason: "is not a directory"},
	} {
		c.entry.Path = "/srv/a b"
		u := ann.Directory(c.entry, c.ancestor)
		switch {
		case u == nil && c.reason != "":
			t.Errorf("%s: nothing to say, want %q", name, c.reason)
		case u != nil && (c.reason == "" || !strings.Contains(u.Reason, c.reason)):
			t.Errorf("%s: %q, want %q", name, u.Reason, c.reason)
		case u != nil && (!strings.Contains(u.Fix, "'/srv/a b'") || u.Path != "/srv/a b"):
			t.Errorf("%s: fix %q of %q", name, u.Fix, u.Path)
		}
	}
	root := fsx.Owners{PrivateGroup: func(int) bool { return false }}
	if u := root.Directory(fsx.Entry{Path: "/mnt", Mode: fs.ModeDir | 0o755, UID: 65534}, false); u == nil || !strings.Contains(u.Reason, "root_squash") {
		t.Errorf("root's files as nobody's: %v", u)
	}
}

// TestChain_everyNameOnTheWay has links to relative and absolute targets, one
// that leads up, and names that are missing.
func TestChain_everyNameOnTheWay(t *testing.T) {
	t.Parallel()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.MkdirAll(top+"/a/b", 0o755), os.MkdirAll(top+"/c/d", 0o755), os.Symlink("../../c", top+"/a/b/up"),
		os.Symlink(top+"/a/b/up", top+"/c/d/far"), os.Symlink("loop", top+"/loop"), os.WriteFile(top+"/file", nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	way, missing, err := fsx.Chain(top+"/c/d/far/d/new/er", fsx.Look)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range way {
		if rel, ok := strings.CutPrefix(e.Path, top); ok {
			got = append(got, rel)
		}
	}
	if want := " /c /c/d /c/d/far  /a /a/b /a/b/up /c /c/d"; strings.Join(got, " ") != want || strings.Join(missing, "/") != "new/er" {
		t.Errorf("the way is %q, want %q; missing %q", strings.Join(got, " "), want, missing)
	}
	if _, _, err := fsx.Chain(top+"/loop/x", fsx.Look); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a loop: %v", err)
	}
	if _, _, err := fsx.Chain(top+"/file/x", fsx.Look); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file on the way: %v", err)
	}
}

// TestLook_readsTheACL asks the kernel: an ACL entry for another user shows as
// the write permission of the group.
func TestLook_readsTheACL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	entries := fsx.ACLOf([3]uint32{1, 7, none}, [3]uint32{2, 7, 4242}, [3]uint32{4, 5, none}, [3]uint32{16, 7, none}, [3]uint32{32, 5, none})
	if err := unix.Setxattr(dir, "system.posix_acl_access", entries, 0); err != nil {
		t.Skipf("no ACLs in %s: %v", dir, err)
	}
	d, err := fsx.OpenTrusted(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	open, openErr := d.Entry()
	byPath, pathErr := fsx.Look(dir)
	if err := errors.Join(openErr, pathErr); err != nil {
		t.Fatal(err)
	}
	o := fsx.Owners{UID: os.Geteuid(), PrivateGroup: func(int) bool { return true }}
	for _, e := range []fsx.Entry{open, byPath} {
		if u := o.Directory(e, false); u == nil || !strings.Contains(u.Reason, "an ACL lets user 4242") {
			t.Errorf("the verdict is %v", u)
		}
	}
}
