package project_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/project"
)

func TestBadFiles(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("#", 10<<20)
	for _, test := range []struct {
		name, file, content string
		line                string // what stands between path and reason
		want                string
	}{
		{"junk", ".go-version", "\n\njunk\n", ":3: ", "not a version"},
		{"traversal", ".go-version", "../../etc\n", ":1: ", "not a version"},
		{"nul", ".go-version", "1.22.5\x00", ":1: ", "control character"},
		{"empty", ".go-version", "", ": ", "has no version"},
		{"just too large", ".go-version", "1.22.5\n" + strings.Repeat("\n", 4<<10), ": ", "larger than 4 KiB"},
		{"huge", ".go-version", big, ": ", "larger than 4 KiB"},
		{"huge", ".tool-versions", big, ": ", "larger than 4 KiB"},
		{"ref", ".tool-versions", "nodejs 1\ngolang ref:main", ":2: ", "not a release"},
		{"huge", "go.mod", big, ": ", "larger than 1 MiB"},
		{"huge", "go.work", big, ": ", "larger than 1 MiB"},
		{"bad go line", "go.mod", "module m\ngo latest", ":2: ", "is not a version"},
		{"bad toolchain line", "go.mod", "module m\ntoolchain go1.x", ":2: ", "is not a release"},
		{"unparsable", "go.mod", "module m\nrequire (\n", ":2: ", "not closed"},
		{"unparsable", "go.work", "use \"x\n", ":1: ", "not closed"},
	} {
		t.Run(test.name+" "+test.file, func(t *testing.T) {
			t.Parallel()
			top := tree(t, files{".git/": "", test.file: test.content})
			survey, err := project.Walk(top, project.Options{})
			path := filepath.Join(top, test.file)
			if diag.CodeOf(err) != diag.BadVersionFile || !strings.HasPrefix(err.Error(), path+test.line) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
			if !survey.Requirement.IsZero() {
				t.Errorf("beside the error it decided %s", survey.Requirement.Origin)
			}
			if !slices.Contains(survey.Watch, path) || !slices.Contains(survey.Watch, top) {
				t.Errorf("the repair would not be noticed: %q", survey.Watch)
			}
			if i := slices.IndexFunc(survey.Steps, func(s project.Step) bool { return s.Verdict == project.Bad }); i < 0 || survey.Steps[i].Origin.Path != path {
				t.Errorf("no step says so: %+v", survey.Steps)
			}
		})
	}
}

func TestLargestFiles(t *testing.T) {
	t.Parallel()
	top := tree(t, files{
		".git/": "", "a/.go-version": "1.22.5\n" + strings.Repeat("#", 4<<10-len("1.22.5\n")),
		"b/go.mod": "go 1.22\n//" + strings.Repeat("x", 1<<20-len("go 1.22\n//")),
	})
	for dir, want := range map[string]string{"a": "1.22.5", "b": "go 1.22"} {
		survey, err := project.Walk(filepath.Join(top, dir), project.Options{})
		if err != nil || survey.Requirement.Origin.Requirement != want {
			t.Errorf("%s: %q, %v", dir, survey.Requirement.Origin.Requirement, err)
		}
	}
}

func TestNotRegularFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".go-version", ".tool-versions", "go.work", "go.mod"} {
		for kind, make := range map[string]func(path string) error{
			"a directory": func(path string) error { return os.Mkdir(path, 0o755) },
			"a fifo":      func(path string) error { return syscall.Mkfifo(path, 0o644) },
			"a device":    func(path string) error { return os.Symlink("/dev/zero", path) },
			"too many":    func(path string) error { return os.Symlink(filepath.Base(path), path) },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				top := tree(t, files{".git/": ""})
				if err := make(filepath.Join(top, name)); err != nil {
					t.Fatal(err)
				}
				_, err := project.Walk(top, project.Options{})
				if diag.CodeOf(err) != diag.BadVersionFile || !strings.Contains(err.Error(), filepath.Join(top, name)+": ") || !strings.Contains(err.Error(), kind) {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

// TestGrowingFile reads a regular file that says it is empty and is not.
func TestGrowingFile(t *testing.T) {
	t.Parallel()
	top := tree(t, files{".git/": ""})
	if err := os.Symlink("/proc/self/smaps", filepath.Join(top, ".go-version")); err != nil {
		t.Fatal(err)
	}
	_, err := project.Walk(top, project.Options{})
	if diag.CodeOf(err) != diag.BadVersionFile || !strings.Contains(err.Error(), "larger than 4 KiB") {
		t.Errorf("%v", err)
	}
}
