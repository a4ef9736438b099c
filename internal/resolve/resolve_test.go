package resolve_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/resolve"
)

// write makes files beneath top; a name that ends in a slash is a directory, and
// a program (bin/go) is executable.
func write(t *testing.T, top string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(top, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		mode := os.FileMode(0o644)
		if strings.Contains(name, "bin/") {
			mode = 0o755
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func version(t testing.TB, s string) gover.Version {
	t.Helper()
	v, err := gover.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type files map[string]string

// A world is what one case of a table is about; the zero value is an empty
// repository "r" with nothing installed.
type world struct {
	files     files
	dir       string // beneath the top; "r" when empty
	variable  string
	machine   string // the machine's default
	installed string
	noSystem  bool
	gowork    string
}

// enter makes the world and resolves in it. The go of the system is 1.25.1.
func (w world) enter(t *testing.T, parser gover.RangeParser) (top string, in resolve.Input) {
	t.Helper()
	top = t.TempDir()
	write(t, top, files{"r/.git/": "", "sys/VERSION": "go1.25.1\ntime 2025-01-01T00:00:00Z\n", "sys/bin/go": "#!/bin/sh\n"})
	write(t, top, w.files)
	in = resolve.Input{
		Dir: filepath.Join(top, "r"), Version: w.variable, GOWORK: w.gowork, UserDefault: filepath.Join(top, "config/default"),
		Releases: newShelf(t, w.installed, w.machine), Stores: []string{"/store"},
		Path: filepath.Join(top, "sys/bin"), Ranges: parser,
	}
	if w.dir != "" {
		in.Dir = filepath.Join(top, w.dir)
	}
	if w.noSystem {
		in.Path = "/nonexistent"
	}
	return top, in
}

const many = "1.20 1.20.14 1.21.0 1.21.13 1.22.3 1.22.5 1.23rc1 1.24.2 1.25.0 1.26rc1"

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		world  world
		want   string // version, or "system"
		origin string // what decided, the top cut off
	}{
		// Precedence.
		{"variable first", world{files: files{"r/.go-version": "1.22.5"}, variable: "1.21.13", installed: many}, "1.21.13", "VMGO_VERSION"},
		{"variable with space", world{variable: " 1.22\n", installed: many}, "1.22.5", "VMGO_VERSION"},
		{"variable beats a bad file", world{files: files{"r/.go-version": "junk"}, variable: "1.21.13", installed: many}, "1.21.13", "VMGO_VERSION"},
		{"asdf: the first that is installed", world{files: files{"r/.tool-versions": "golang 1.22.9 1.99 1.21.13 system"}, installed: many}, "1.21.13", "/r/.tool-versions:1"},
		{"asdf: the first, though a later one is newer", world{files: files{"r/.tool-versions": "golang 1.21.13 1.22.5"}, installed: many}, "1.21.13", "/r/.tool-versions:1"},
		{"asdf: then system", world{files: files{"r/.tool-versions": "golang 1.22.9 system"}, installed: many}, "system", "/r/.tool-versions:1"},
		{"asdf: system first", world{files: files{"r/.tool-versions": "golang system 1.22.5"}, installed: many}, "system", "/r/.tool-versions:1"},
		{"asdf: no go of the system", world{files: files{"r/.tool-versions": "golang system 1.22.5"}, installed: many, noSystem: true}, "1.22.5", "/r/.tool-versions:1"},
		{"setup-go: a line", world{files: files{"r/.go-version": "1.22.x"}, installed: many}, "1.22.5", "/r/.go-version:1"},
		{"setup-go: newest of a major", world{files: files{"r/.go-version": "1.x"}, installed: many}, "1.25.0", "/r/.go-version:1"},
		{"goenv: several lines", world{files: files{"r/.go-version": "1.22.5\n1.24.2\n"}, installed: many}, "1.22.5", "/r/.go-version:1"},
		{"variable system", world{files: files{"r/.go-version": "1.22.5"}, variable: "system", installed: many}, "system", "VMGO_VERSION"},
		{"file before default", world{files: files{"r/.go-version": "1.22.5", "config/default": "1.21"}, installed: many}, "1.22.5", "/r/.go-version:1"},
		{"user's default before the machine's", world{files: files{"config/default": "1.21"}, machine: "1.22.3", installed: many}, "1.21.13", "/config/default:1"},
		{"machine's default", world{machine: "1.22.3", installed: many}, "1.22.3", "/store/default"},
		{"machine's default is a first release", world{machine: "1.20", installed: many}, "1.20", "/store/default"},
		{"user's default system", world{files: files{"config/default": "system"}, machine: "1.22.3", installed: many}, "system", "/config/default:1"},
		{"system at last", world{installed: many}, "system", "/sys/bin/go"},
		{"empty variable is none", world{variable: "", machine: "1.22.3", installed: many}, "1.22.3", "/store/default"},
		{"no directory", world{dir: "", machine: "1.22.3", installed: many}, "1.22.3", "/store/default"},
		// Selectors among what is installed.
		{"exact", world{files: files{"r/.go-version": "go1.22.3"}, installed: many}, "1.22.3", "/r/.go-version:1"},
		{"line", world{files: files{"r/.go-version": "1.22"}, installed: many}, "1.22.5", "/r/.go-version:1"},
		{"line of old", world{files: files{"r/.go-version": "1.20"}, installed: many}, "1.20.14", "/r/.go-version:1"},
		{"first release of old", world{files: files{"r/.go-version": "1.20.0"}, installed: many}, "1.20", "/r/.go-version:1"},
		{"latest", world{files: files{"r/.go-version": "latest"}, installed: many}, "1.25.0", "/r/.go-version:1"},
		{"stable", world{files: files{"r/.go-version": "stable"}, installed: many}, "1.25.0", "/r/.go-version:1"},
		{"oldstable", world{files: files{"r/.go-version": "oldstable"}, installed: many}, "1.24.2", "/r/.go-version:1"},
		{"range", world{files: files{"r/.go-version": ">=1.21 <1.23"}, installed: many}, "1.22.5", "/r/.go-version:1"},
		{"prerelease by name", world{files: files{"r/.go-version": "1.26rc1"}, installed: many}, "1.26rc1", "/r/.go-version:1"},
		{"system by file", world{files: files{"r/.go-version": "system"}, installed: many}, "system", "/r/.go-version:1"},
		{"toolchain line", world{files: files{"r/go.mod": "go 1.21\ntoolchain go1.22.3"}, installed: many}, "1.22.3", "/r/go.mod:2"},
		{"toolchain line of a first release", world{files: files{"r/go.mod": "toolchain go1.20"}, installed: many}, "1.20", "/r/go.mod:1"},
		// Minimums.
		{"newest patch", world{files: files{"r/go.mod": "go 1.22"}, installed: many}, "1.22.5", "/r/go.mod:1"},
		{"newest patch above a patch", world{files: files{"r/go.mod": "go 1.22.3"}, installed: many}, "1.22.5", "/r/go.mod:1"},
		{"newest patch, not the newer default", world{files: files{"r/go.mod": "go 1.22"}, machine: "1.25.0", installed: many}, "1.22.5", "/r/go.mod:1"},
		{"newest patch of old", world{files: files{"r/go.mod": "go 1.20"}, installed: many}, "1.20.14", "/r/go.mod:1"},
		{"no patch new enough: default", world{files: files{"r/go.mod": "go 1.22.9"}, machine: "1.25.0", installed: many}, "1.25.0", "/r/go.mod:1"},
		{"no such line: user's default", world{files: files{"r/go.mod": "go 1.19", "config/default": "1.22"}, machine: "1.25.0", installed: many}, "1.22.5", "/r/go.mod:1"},
		{"default too old: smallest newer", world{files: files{"r/go.mod": "go 1.22.9"}, machine: "1.21.0", installed: many}, "1.24.2", "/r/go.mod:1"},
		{"default not installed: smallest newer", world{files: files{"r/go.mod": "go 1.22.9"}, machine: "1.25.7", installed: many}, "1.24.2", "/r/go.mod:1"},
		{"default unreadable: smallest newer", world{files: files{"r/go.mod": "go 1.22.9", "config/default": "junk"}, installed: many}, "1.24.2", "/r/go.mod:1"},
		{"no default: smallest newer", world{files: files{"r/go.mod": "go 1.19"}, installed: many}, "1.20", "/r/go.mod:1"},
		{"default system new enough", world{files: files{"r/go.mod": "go 1.23", "config/default": "system"}, installed: many}, "system", "/r/go.mod:1"},
		{"default system too old", world{files: files{"r/go.mod": "go 1.25.2", "config/default": "system"}, installed: "1.26.1"}, "1.26.1", "/r/go.mod:1"},
		{"no prerelease for a minimum", world{files: files{"r/go.mod": "go 1.23"}, installed: many}, "1.24.2", "/r/go.mod:1"},
		{"prerelease named by a minimum", world{files: files{"r/go.mod": "go 1.26rc1"}, installed: many}, "1.26rc1", "/r/go.mod:1"},
		{"release after the prerelease named", world{files: files{"r/go.mod": "go 1.23rc1"}, installed: many + " 1.23.1"}, "1.23.1", "/r/go.mod:1"},
		{"go.work decides", world{files: files{"r/go.work": "go 1.22", "r/go.mod": "go 1.20"}, installed: many}, "1.22.5", "/r/go.work:1"},
		{"GOWORK=off", world{files: files{"r/go.work": "go 1.22", "r/go.mod": "go 1.20"}, gowork: "off", installed: many}, "1.20.14", "/r/go.mod:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			top, in := test.world.enter(t, ranges.Parse)
			r, err := resolve.Resolve(in)
			if err != nil {
				t.Fatal(err)
			}
			if origin := strings.TrimPrefix(r.Requirement.Origin.String(), top); origin != test.origin {
				t.Errorf("decided by %s, want %s", origin, test.origin)
			}
			if test.want == "system" {
				if !r.System || r.SystemGo != top+"/sys/bin/go" || r.Version != version(t, "1.25.1") || r.GOROOT != top+"/sys" || r.Store != "" {
					t.Errorf("not the go of the system: %+v", r)
				}
			} else if r.System || r.Version.String() != test.want || r.GOROOT != "/store/"+test.want || r.Store != "/store" {
				t.Errorf("gives %s in %q, want %s", r.Version, r.GOROOT, test.want)
			}
			if !r.Installed {
				t.Error("not said to be installed")
			}
			checkSteps(t, r)
		})
	}
}

// checkSteps holds what is true of the steps and the watch list everywhere.
func checkSteps(t *testing.T, r resolve.Resolution) {
	t.Helper()
	decided := 0
	for _, step := range r.Steps {
		if step.Verdict == project.Decided {
			decided++
			if step.Origin != r.Requirement.Origin {
				t.Errorf("%+v is said to have decided, not %+v", step.Origin, r.Requirement.Origin)
			}
		}
		if step.Verdict == "" {
			t.Errorf("%+v has no verdict", step)
		}
	}
	if decided != 1 {
		t.Errorf("%d steps decided", decided)
	}
	if !slices.Contains(r.Watch, "/store") {
		t.Error("the store is not watched")
	}
	if !slices.ContainsFunc(r.Watch, func(path string) bool { return strings.HasSuffix(path, "config/default") }) {
		t.Error("the user's default is not watched")
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		world world
		code  diag.Code
		msg   string // the top cut off
		hint  string
	}{
		{"exact", world{files: files{"r/.go-version": "# x\n1.22.6"}, installed: many}, diag.NotInstalled, "go 1.22.6 is not installed, requested by /r/.go-version:2", "vmgo install 1.22.6"},
		{"exact with go", world{files: files{"r/.go-version": "go1.22.6"}, installed: many}, diag.NotInstalled, "go 1.22.6 is not installed", "vmgo install 1.22.6"},
		{"first release", world{files: files{"r/.go-version": "1.19.0"}, installed: many}, diag.NotInstalled, "go 1.19 is not installed", "vmgo install 1.19.0"},
		{"line", world{files: files{"r/.go-version": "1.19"}, installed: many}, diag.NotInstalled, "no release of go 1.19 is installed", "vmgo install 1.19"},
		{"line with its prerelease only", world{files: files{"r/.go-version": "1.23"}, installed: many}, diag.NotInstalled, "no release of go 1.23 is installed", "vmgo install 1.23"},
		{"latest", world{files: files{"r/.go-version": "latest"}, installed: ""}, diag.NotInstalled, "no installed release matches latest", "vmgo install latest"},
		{"oldstable", world{files: files{"r/.go-version": "oldstable"}, installed: "1.25.0"}, diag.NotInstalled, "no installed release matches oldstable", "vmgo install latest oldstable"},
		{"range", world{files: files{"r/.go-version": ">=1.27 <1.28"}, installed: many}, diag.NotInstalled, "no installed release matches >=1.27 <1.28", "vmgo install '>=1.27 <1.28'"},
		{"minimum", world{files: files{"r/go.mod": "module m\ngo 1.27.2"}, machine: "1.25.0", installed: many}, diag.NotInstalled, "no go 1.27.2 or newer is installed, requested by /r/go.mod:2", "vmgo install 1.27"},
		{"minimum of a prerelease", world{files: files{"r/go.mod": "go 1.27rc1"}, installed: many}, diag.NotInstalled, "no go 1.27rc1 or newer is installed", "vmgo install 1.27rc1"},
		{"toolchain of a first release", world{files: files{"r/go.mod": "toolchain go1.19"}, installed: many}, diag.NotInstalled, "go 1.19 is not installed", "vmgo install 1.19.0"},
		{"variable", world{variable: "1.19", installed: many}, diag.NotInstalled, "requested by VMGO_VERSION", "vmgo install 1.19"},
		{"user's default", world{files: files{"config/default": "1.19.1"}, machine: "1.22.5", installed: many}, diag.NotInstalled, "requested by /config/default:1", "vmgo install 1.19.1"},
		{"machine's default", world{machine: "1.22.9", installed: many}, diag.NotInstalled, "requested by /store/default", "vmgo install 1.22.9"},
		{"system by file, none there", world{files: files{"r/.go-version": "system"}, noSystem: true, installed: many}, diag.NotInstalled, "/r/.go-version:1 asks for it", "vmgo use latest"},
		{"nothing", world{noSystem: true, installed: many}, diag.NoRequirement, "PATH has no go", "vmgo use latest"},
		{"bad variable", world{variable: "go-1.22.5", installed: many}, diag.BadSelector, `VMGO_VERSION: not a version: "go-1.22.5"`, "did you mean 1.22.5?"},
		{"bad variable in a project", world{files: files{"r/.go-version": "1.22.5"}, variable: "../../etc", installed: many}, diag.BadSelector, "VMGO_VERSION: ", ""},
		{"asdf: none is installed", world{files: files{"r/.tool-versions": "golang 1.22.9 1.99"}, installed: many}, diag.NotInstalled, "go 1.22.9 is not installed, requested by ", "vmgo install 1.22.9"},
		{"a wildcard in a hint", world{files: files{"r/.go-version": "1.99.*"}, installed: many}, diag.NotInstalled, "no release of go 1.99", "vmgo install '1.99.*'"},
		{"bad file", world{files: files{"r/.go-version": "go-1.22.5"}, machine: "1.22.5", installed: many}, diag.BadVersionFile, "/r/.go-version:1: not a version", "did you mean 1.22.5?"},
		{"bad default", world{files: files{"config/default": "\x00"}, machine: "1.22.5", installed: many}, diag.BadVersionFile, "/config/default:1: ", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			top, in := test.world.enter(t, ranges.Parse)
			r, err := resolve.Resolve(in)
			if err == nil {
				t.Fatalf("gives %s", r.Version)
			}
			if msg := strings.ReplaceAll(err.Error(), top, ""); diag.CodeOf(err) != test.code || !strings.Contains(msg, test.msg) {
				t.Errorf("[%s] %s\nwant [%s] %s", diag.CodeOf(err), msg, test.code, test.msg)
			}
			if hints := strings.Join(diag.HintsOf(err), "\n"); !strings.Contains(hints, test.hint) || hints == "" {
				t.Errorf("hints %q, want %q", hints, test.hint)
			}
			if r.Installed || !r.Version.IsZero() || r.GOROOT != "" {
				t.Errorf("beside the error it gives %+v", r)
			}
			if len(r.Steps) == 0 || len(r.Watch) == 0 {
				t.Error("the steps or the watch list are missing")
			}
			if (test.code == diag.NotInstalled) == r.Requirement.IsZero() {
				t.Errorf("what was asked for: %+v", r.Requirement)
			}
		})
	}
}

func TestRangesNeedAParser(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]world{
		"file":                  {files: files{"r/.go-version": ">=1.21 <1.23"}, installed: many},
		"variable":              {variable: "^1.21", installed: many},
		"default":               {files: files{"config/default": "~1.22"}, installed: many},
		"default for a minimum": {files: files{"r/go.mod": "go 1.19", "config/default": "~1.22"}, installed: many},
	} {
		_, in := w.enter(t, nil)
		if _, err := resolve.Resolve(in); !errors.Is(err, gover.ErrNeedsRanges) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One that does not decide needs none.
	w := world{files: files{"r/.go-version": "1.22", "config/default": "~1.22"}, installed: many}
	_, in := w.enter(t, nil)
	if r, err := resolve.Resolve(in); err != nil || r.Version.String() != "1.22.5" {
		t.Errorf("%s, %v", r.Version, err)
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		world world
		want  string
	}{
		{"none", world{files: files{"r/.go-version": "1.22.5", "r/go.mod": "go 1.22"}, installed: many}, ""},
		{"pin below", world{files: files{"r/.go-version": "1.21", "r/go.mod": "module m\ngo 1.22"}, installed: many}, "go 1.21.13 (/r/.go-version:1) is older than what /r/go.mod:2 requires: go 1.22"},
		{"pin below by a patch", world{files: files{"r/.go-version": "1.22.3", "r/go.mod": "go 1.22.4"}, installed: many}, "go 1.22.3 (/r/.go-version:1) is older than what /r/go.mod:1 requires: go 1.22.4"},
		{"candidate reaches its language", world{files: files{"r/.go-version": "1.23rc1", "r/go.mod": "go 1.23"}, installed: many}, ""},
		{"candidate below its release", world{files: files{"r/.go-version": "1.23rc1", "r/go.mod": "go 1.23.0"}, installed: many}, "go 1.23rc1 (/r/.go-version:1) is older than what /r/go.mod:1 requires: go 1.23.0"},
		{"variable below", world{files: files{"r/go.mod": "go 1.22"}, variable: "1.21.0", installed: many}, "go 1.21.0 (VMGO_VERSION) is older than what /r/go.mod:1 requires: go 1.22"},
		{"the higher of two", world{files: files{"r/.go-version": "1.21.0", "r/go.mod": "go 1.22", "r/go.work": "go 1.23"}, installed: many}, "go 1.21.0 (/r/.go-version:1) is older than what /r/go.work:1 requires: go 1.23"},
		{"go.work too low for its module", world{files: files{"r/go.mod": "go 1.24", "r/go.work": "go 1.21"}, installed: many}, "go 1.21.13 (/r/go.work:1) is older than what /r/go.mod:1 requires: go 1.24"},
		{"only the go line counts", world{files: files{"r/.go-version": "1.21.13", "r/go.mod": "go 1.21\ntoolchain go1.22.5"}, installed: many}, ""},
		{"system below", world{files: files{"r/.go-version": "system", "r/go.mod": "go 1.26"}, installed: many}, "go 1.25.1 (/r/.go-version:1) is older than what /r/go.mod:1 requires: go 1.26"},
		{"bad go.mod beneath a pin", world{files: files{"r/.go-version": "1.21.0", "r/go.mod": "go x"}, installed: many}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			top, in := test.world.enter(t, nil)
			r, err := resolve.Resolve(in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, conflict := range r.Conflicts {
				got = append(got, strings.ReplaceAll(conflict.String(), top, ""))
			}
			if strings.Join(got, "\n") != test.want || len(got) > 1 {
				t.Errorf("got %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestProject(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		world world
		want  string
	}{
		{"file above", world{files: files{"r/.go-version": "1.22.5", "r/a/": ""}, dir: "r/a", installed: many}, "/r"},
		{"module", world{files: files{"r/a/go.mod": "go 1.22", "r/a/b/": ""}, dir: "r/a/b", installed: many}, "/r/a"},
		{"variable inside", world{files: files{"r/.go-version": "1.22.5", "r/a/": ""}, dir: "r/a", variable: "1.21", installed: many}, "/r"},
		{"variable outside", world{variable: "1.21", installed: many}, ""},
		{"default", world{machine: "1.22.5", installed: many}, ""},
		{"system", world{installed: many}, ""},
	} {
		top, in := test.world.enter(t, nil)
		r, err := resolve.Resolve(in)
		if err != nil || strings.TrimPrefix(r.Project, top) != test.want {
			t.Errorf("%s: %q, %v; want %q", test.name, r.Project, err, test.want)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	w := world{files: files{"r/go.mod": "go 1.22.9", "config/default": "1.24"}, installed: many}
	top, in := w.enter(t, nil)
	r, err := resolve.Resolve(in)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, step := range r.Steps {
		got = append(got, strings.TrimSpace(strings.ReplaceAll(step.Origin.String(), top, "")+" "+string(step.Verdict)+" "+step.Note))
	}
	want := []string{
		"VMGO_VERSION absent", "/r/.go-version absent", "/r/.tool-versions absent", "/r/go.work absent",
		"/r/go.mod:1 decided the default is new enough: 1.24.2", "/.go-version absent", "/.tool-versions absent",
		"/config/default:1 passed",
	}
	// What stands above the temporary directory is not ours to say.
	got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, filepath.Dir(top)) || strings.HasPrefix(s, "/tmp") })
	want = slices.DeleteFunc(want, func(s string) bool { return strings.HasPrefix(s, "/.") })
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
