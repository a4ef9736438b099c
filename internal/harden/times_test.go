package harden

import (
	"os"
	"testing"
	"time"
)

// TestUndo_restoresTimesOfDirectories: what others did to a directory since stays visible.
func TestUndo_restoresTimesOfDirectories(t *testing.T) {
	const dir, above = "/etc/sysctl.d", "/var/lib"
	old, later := time.Unix(1e9, 7), time.Unix(11e8, 8)
	modified := func(root, dir string) time.Time {
		info, err := os.Stat(root + dir)
		must(t, err)
		return info.ModTime()
	}
	for _, theirs := range []bool{false, true} {
		root := fakeRoot(t)
		for _, d := range []string{dir, above} {
			must(t, os.Chtimes(root+d, old, old))
		}
		engine := func() *Engine { return &Engine{Machine: testMachine(t, root), Items: fakeItems()} }
		_, err := engine().Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
		must(t, err)
		if modified(root, dir).Equal(old) {
			t.Fatal("the item writes nothing there")
		}
		want := old
		if theirs {
			want = later
			for _, d := range []string{dir, above} {
				must(t, os.Chtimes(root+d, later, later))
			}
		}
		// A second item has a part of the same file, and goes first.
		_, err = engine().Apply(t.Context(), Selection{Only: []string{"beta"}}, nil, nil)
		must(t, err)
		_, err = engine().Undo(t.Context(), []string{"beta"}, nil)
		must(t, err)
		if modified(root, dir).Equal(want) {
			t.Error("our file is still there, and the time says that it is not")
		}
		_, err = engine().Undo(t.Context(), nil, nil)
		must(t, err)
		for _, d := range []string{dir, above} {
			if got := modified(root, d); !got.Equal(want) {
				t.Errorf("changed by others: %v: %s is of %v, want %v", theirs, d, got, want)
			}
		}
	}
}
