package project_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/project"
)

// At each level of a deep tree, from the bottom up as in a walk: what is not there is
// missing, and whatever is there is not, however it is reached.
func TestNear(t *testing.T) {
	t.Parallel()
	top := tree(t, files{"there": "", "real/in-real": ""})
	links := map[string]string{"dangling": "nowhere", "linked": "real", "loop": "loop"}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	deep := top + strings.Repeat("/level", 100) + "/" + strings.Repeat("n", 255) + strings.Repeat("/level", 20)
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	var near project.Near
	defer near.Close()
	looks := 0
	for dir := deep; len(dir) > 512; dir = filepath.Dir(dir) {
		for name, missing := range map[string]bool{"nothing": true, "file": false, "fifo": false, "dir": false, "dangling": true, "linked/in-real": false, "linked/nothing": true, "loop/x": false} {
			path := filepath.Join(dir, name)
			switch first, _, _ := strings.Cut(name, "/"); {
			case first == "file":
				must(t, os.WriteFile(path, nil, 0o600))
			case first == "fifo":
				must(t, syscall.Mkfifo(path, 0o600))
			case first == "dir":
				must(t, os.Mkdir(path, 0o700))
			case links[first] != "":
				_ = os.Remove(filepath.Join(dir, first))
				target := links[first]
				if target != first {
					target = filepath.Join(top, target)
				}
				must(t, os.Symlink(target, filepath.Join(dir, first)))
			}
			if got := near.Missing(path); got != missing {
				t.Fatalf("%s at %d bytes: %v", name, len(path), got)
			}
			looks++
		}
	}
	if looks < 300 {
		t.Errorf("%d looks", looks)
	}
	for _, path := range []string{top + "/nothing", "/", deep + "/gone/since/x", deep + "/level/" + strings.Repeat("x/", 2500)} {
		_ = near.Missing(path) // no certainty is needed, and nothing breaks
	}
}

// A pin at any level of a deep tree is found, with others absent on the way to it.
func TestWalk_deep(t *testing.T) {
	t.Parallel()
	top := tree(t, files{".git/": ""})
	deep := top + strings.Repeat("/level", 200)
	must(t, os.MkdirAll(deep, 0o755))
	for _, at := range []int{200, 199, 150, 120, 90, 40, 3, 0} {
		pin := top + strings.Repeat("/level", at) + "/.go-version"
		must(t, os.WriteFile(pin, []byte("1.22.5\n"), 0o600))
		survey, err := project.Walk(deep, project.Options{})
		if err != nil || survey.Requirement.Origin.Path != pin || len(survey.Steps) < 200-at {
			t.Errorf("level %d: %s, %d steps, %v", at, survey.Requirement.Origin, len(survey.Steps), err)
		}
		must(t, os.Remove(pin))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
