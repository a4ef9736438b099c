package harden

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A user who owns a directory can put a link in its place after vmgo has looked. What
// the link leads to must not get the owner, mode and time that were meant for his.
func TestLinksPutInTheWayAreNotFollowed(t *testing.T) {
	const uid = 12345
	for name, c := range map[string]struct {
		dir, file string // the directory that is swapped, what is changed in it
		want      func(m *Machine) Want
	}{
		"a mode in the store": {"/opt/go/1.22.5/src", "shadow", func(m *Machine) Want {
			return Want{Kind: Mode, Target: "/opt/go/1.22.5/src/shadow", Value: Value{Present: true, Mode: 0o644, UID: m.Owner, GID: m.Group}}
		}},
		"a directory of a user": {"/home/dev/.cache", "go-build", func(m *Machine) Want {
			return Want{Kind: Dir, Target: "/home/dev/.cache/go-build", Value: Value{Present: true, Mode: 0o700, UID: uid, GID: uid}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getuid() != 0 {
				t.Skip("only root could be made to change what is another's")
			}
			root := fakeRoot(t)
			victim := root + "/victim" // within, as the machine itself would follow the link
			must(t, os.Mkdir(victim, 0o755))
			must(t, os.MkdirAll(root+c.dir, 0o755))
			if c.file == "shadow" {
				must(t, os.WriteFile(root+c.dir+"/"+c.file, nil, 0o600))
				must(t, os.WriteFile(victim+"/"+c.file, nil, 0o600))
			} else {
				must(t, os.Mkdir(victim+"/"+c.file, 0o711))
			}
			must(t, os.Chtimes(victim, time.Time{}, time.Unix(1e9, 0)))
			before := snapshot(t, victim)
			e := &Engine{Machine: testMachine(t, root), Items: []Item{{ID: "mean", On: Profiles(), Desired: func(m *Machine) (Desired, error) {
				return Desired{Wants: []Want{c.want(m)}}, nil
			}}}}
			swapped := false
			e.Trace = func(point string) {
				if point == "change" && !swapped {
					swapped = true
					must(t, os.Rename(root+c.dir, filepath.Dir(root+c.dir)+"/moved"))
					must(t, os.Symlink("/victim", root+c.dir))
					must(t, os.Chown(filepath.Dir(root+c.dir), uid, uid))
				}
			}
			if _, err := e.Apply(t.Context(), Selection{}, nil, nil); err == nil || !swapped {
				t.Errorf("swapped %v, apply says %v", swapped, err)
			}
			if got := differences(before, snapshot(t, victim)); len(got) > 0 {
				t.Errorf("what the link leads to was changed: %q", got)
			}
		})
	}
}
