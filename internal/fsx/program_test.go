package fsx_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
)

// What root runs must be root's: every directory on the way, every link, and the
// file; and what everybody runs must be within everybody's reach.
func TestOwners_program(t *testing.T) {
	t.Parallel()
	root := fsx.Owners{PrivateGroup: func(gid int) bool { return gid == 0 }}
	machine := map[string]fsx.Entry{}
	for _, e := range []fsx.Entry{
		{Path: "/", Mode: fs.ModeDir | 0o755}, {Path: "/bin", Mode: fs.ModeDir | 0o755}, {Path: "/bin/vmgo", Mode: 0o755},
		{Path: "/bin/open", Mode: 0o757}, {Path: "/bin/group", Mode: 0o775, GID: 50}, {Path: "/bin/rootgroup", Mode: 0o775},
		{Path: "/bin/mine", Mode: 0o700}, {Path: "/bin/dir", Mode: fs.ModeDir | 0o755}, {Path: "/bin/anns", Mode: 0o755, UID: 1000},
		{Path: "/bin/link", Mode: fs.ModeSymlink | 0o777, Target: "vmgo"},
		{Path: "/bin/away", Mode: fs.ModeSymlink | 0o777, Target: "/home/ann/vmgo"},
		{Path: "/bin/loop", Mode: fs.ModeSymlink | 0o777, Target: "loop"},
		{Path: "/bin/own", Mode: 0o755, GID: 50}, {Path: "/bin/up", Mode: fs.ModeSymlink | 0o777, Target: ".."}, {Path: "/vmgo", Mode: 0o755, UID: 1000},
		{Path: "/usr", Mode: fs.ModeSymlink, Target: "/bin"}, // its mode means nothing
		{Path: "/home", Mode: fs.ModeDir | 0o755}, {Path: "/home/ann", Mode: fs.ModeDir | 0o755, UID: 1000},
		{Path: "/home/ann/vmgo", Mode: 0o755}, {Path: "/home/ann/link", Mode: fs.ModeSymlink | 0o777, Target: "/bin/vmgo", UID: 1000},
		{Path: "/root", Mode: fs.ModeDir | 0o700}, {Path: "/root/vmgo", Mode: 0o755},
		{Path: "/shared", Mode: fs.ModeDir | 0o777}, {Path: "/shared/vmgo", Mode: 0o755},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777}, {Path: "/tmp/vmgo", Mode: 0o755}, {Path: "/tmp/anns", Mode: 0o755, UID: 1000},
	} {
		machine[e.Path] = e
	}
	look := func(path string) (fsx.Entry, error) {
		if e, ok := machine[path]; ok {
			return e, nil
		}
		return fsx.Entry{}, fs.ErrNotExist
	}
	for _, test := range []struct {
		path      string
		everybody bool
		want      string // part of the first reason
	}{
		{"/bin/vmgo", true, ""},
		{"/bin/link", true, ""},
		{"/bin/rootgroup", true, ""},
		{"/bin/own", true, ""},
		{"/usr/vmgo", true, ""},
		{"/bin/up/vmgo", false, "/vmgo belongs to user 1000"},
		{"/bin/open", false, "others may write to /bin/open"},
		{"/bin/group", false, "others may write to /bin/group"},
		{"/bin/dir", false, "not a regular file"},
		{"/bin/anns", false, "belongs to user 1000"},
		{"/bin/away", false, "/home/ann belongs to user 1000"},
		{"/home/ann/vmgo", false, "/home/ann belongs to user 1000"},
		{"/home/ann/link", false, "/home/ann belongs to user 1000"},
		{"/shared/vmgo", false, "every user may write in /shared"},
		{"/tmp/vmgo", false, ""},
		{"/tmp/anns", false, "belongs to user 1000"},
		{"/bin/mine", false, ""},
		{"/bin/mine", true, "other users may not run /bin/mine"},
		{"/root/vmgo", false, ""},
		{"/root/vmgo", true, "other users cannot reach what is in /root"},
	} {
		unsafe, err := root.Program(test.path, test.everybody, look)
		got := ""
		if len(unsafe) > 0 {
			got = unsafe[0].Reason
		}
		if err != nil || (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s, everybody %t: %q, %v; want %q", test.path, test.everybody, got, err, test.want)
		}
	}
	for _, path := range []string{"/bin/missing", "/missing/vmgo", "/bin/missing/vmgo", "/bin/loop"} {
		if _, err := root.Program(path, false, look); err == nil {
			t.Errorf("%s is no error", path)
		}
	}
	for dir, want := range map[string]bool{"/bin": true, "/root/bin": false, "/bin/new": true} {
		if fsx.OpenToAll(dir, look) != want {
			t.Errorf("OpenToAll(%s) is not %t", dir, want)
		}
	}
}
