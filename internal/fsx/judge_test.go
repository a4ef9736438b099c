package fsx_test

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
)

// paths is a machine of these entries.
type paths map[string]fsx.Entry

func (p paths) look(path string) (fsx.Entry, error) {
	if e, ok := p[path]; ok {
		e.Path = path
		return e, nil
	}
	return fsx.Entry{}, &fs.PathError{Op: "lstat", Path: path, Err: fs.ErrNotExist}
}

const dir = fs.ModeDir | 0o755

func linkTo(target string, uid int) fsx.Entry {
	return fsx.Entry{Mode: fs.ModeSymlink | 0o777, Target: target, UID: uid}
}

// annsMachine has a shared directory, links of ann's and of another user's, and
// links that lead up.
func annsMachine() paths {
	return paths{
		"/": {Mode: dir}, "/srv": {Mode: dir}, "/srv/go": {Mode: dir, UID: 1000}, "/srv/go/a": {Mode: dir, UID: 1000}, "/srv/go/bad": {Mode: dir, UID: 1001},
		"/srv/go/up": linkTo("..", 1000), "/srv/go/top": linkTo("/", 1000), "/srv/go/away": linkTo("/new/x", 1000), "/srv/go/away up": linkTo("../new", 1000),
		"/srv/bad": {Mode: dir, UID: 1001}, "/srv/theirs": linkTo("go", 1001),
		"/tmp": {Mode: dir | fs.ModeSticky | 0o022}, "/tmp/anns": linkTo("/srv/go", 1000), "/tmp/theirs": linkTo("/srv/go", 1001),
		"/group": {Mode: dir | fs.ModeSticky | 0o020, GID: 50}, "/group/theirs": linkTo("/srv/go", 1001),
	}
}

// A survey names the directory as it is without links, and judges what is within that
// one: the last one on the way need not be it.
func TestOwners_Survey(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct{ real, unsafe string }{
		"/srv/go":         {"/srv/go", "/srv/go/bad"},
		"/srv/go/a":       {"/srv/go/a", ""},
		"/srv/go/up":      {"/srv", "/srv/bad"},
		"/srv/go/a/..":    {"/srv/go", "/srv/go/bad"},
		"/srv/go/top":     {"/", ""},
		"/srv/go/away":    {"/new/x", ""},
		"/srv/go/away up": {"/srv/new", ""},
		"/srv/go/new/x":   {"/srv/go/new/x", ""},
		"/srv/theirs":     {"/srv/go", "/srv/go/bad"}, // who may not write in /srv has not made it
		"/tmp/anns/a":     {"/srv/go/a", ""},
		"/tmp/theirs/a":   {"/srv/go/a", "/tmp/theirs"},
		"/group/theirs/a": {"/srv/go/a", "/group/theirs"},
		"/tmp":            {"/tmp", "/tmp"},
		"/tmp/new":        {"/tmp/new", ""},
		"/srv/bad/new":    {"/srv/bad/new", "/srv/bad"},
	} {
		real, unsafe, err := ann.Survey(path, []string{"a", "bad"}, annsMachine().look)
		var got []string
		for _, u := range unsafe {
			got = append(got, u.Path)
		}
		if err != nil || real != want.real || strings.Join(got, " ") != want.unsafe {
			t.Errorf("%s is %s, unsafe are %q, %v; want %+v", path, real, got, err, want)
		}
	}
	machine := annsMachine()
	broken := func(path string) (fsx.Entry, error) {
		if strings.HasSuffix(path, "/a") || path == "/tmp" {
			return fsx.Entry{}, syscall.EIO
		}
		return machine.look(path)
	}
	for _, path := range []string{"/srv/go", "/tmp"} {
		if _, _, err := ann.Survey(path, []string{"a"}, broken); err != syscall.EIO {
			t.Errorf("%s: what cannot be looked at: %v", path, err)
		}
	}
	if _, _, err := fsx.Chain("/", func(string) (fsx.Entry, error) { return fsx.Entry{}, syscall.EIO }); err != syscall.EIO {
		t.Errorf("a root that cannot be looked at: %v", err)
	}
}

// As many links are followed as the kernel follows.
func TestChain_links(t *testing.T) {
	t.Parallel()
	machine := paths{"/": {Mode: dir}, "/0": {Mode: dir}}
	for n := 1; n <= 41; n++ {
		machine["/"+strconv.Itoa(n)] = linkTo(strconv.Itoa(n-1), 0)
	}
	if _, _, err := fsx.Chain("/40", machine.look); err != nil {
		t.Error(err)
	}
	if _, _, err := fsx.Chain("/41", machine.look); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("41 links: %v", err)
	}
}

// What to do about a directory depends on whose it is and who asks.
func TestOwners_foreign(t *testing.T) {
	t.Parallel()
	root := fsx.Owners{PrivateGroup: func(int) bool { return false }}
	for _, c := range []struct {
		o    fsx.Owners
		uid  int
		want string
	}{
		{root, 1001, "who can change what root puts there"}, {root, 65534, "root_squash"},
		{ann, 1001, "neither to root nor to you (user 1000)"}, {ann, 65534, "neither to root nor to you (user 1000)"},
	} {
		if u := c.o.Directory(fsx.Entry{Path: "/d", Mode: dir, UID: c.uid}, false); u == nil || !u.Owner || !strings.Contains(u.Reason, c.want) {
			t.Errorf("user %d of %d: %v", c.uid, c.o.UID, u)
		}
	}
}
