package host

import (
	"errors"
	"os"
	"testing"
)

func TestHost_privateGroup(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	const passwd = `root:x:0:0:root:/root:/bin/bash
ann:x:1000:1000::/home/ann:/bin/bash
bob:x:1001:1001::/home/bob:/bin/bash
eve:x:1002:1001::/home/eve:/bin/bash
joe:x:1003:100::/home/joe:/bin/bash
kim:x:1004:2004::/home/kim:/bin/bash
`
	const group = `root:x:0:
ann:x:1000:ann
bob:x:1001:
users:x:100:
devs:x:1005:ann
kim:x:2004:joe
max:x:1007:joe
`
	err := errors.Join(os.Mkdir(root+"/etc", 0o755), os.WriteFile(root+"/etc/passwd", []byte(passwd), 0o644), os.WriteFile(root+"/etc/group", []byte(group), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	h := Host{Root: root}
	for _, c := range []struct {
		what     string
		uid, gid int
		want     bool
	}{
		{"her own", 1000, 1000, true},
		{"root's", 1000, 0, true},
		{"another user's", 1000, 1001, false},
		{"own, with another's primary", 1001, 1001, false},
		{"a common one", 1003, 100, false},
		{"alone in it, but it is not of that name", 1000, 1005, false},
		{"own, with a member", 1004, 2004, false},
		{"no account, same number", 5000, 5000, true},
		{"no account, another number", 5000, 5001, false},
		{"no account, a group with a member", 1007, 1007, false},
		{"root and a user's", 0, 1000, false},
		{"root and its own", 0, 0, true},
	} {
		if got := h.PrivateGroup(c.uid, c.gid); got != c.want {
			t.Errorf("%s: PrivateGroup(%d, %d) = %v", c.what, c.uid, c.gid, got)
		}
	}
	if got := (Host{Root: t.TempDir()}).PrivateGroup(0, 0); !got {
		t.Error("root's group is not private where there are no files")
	}
}
