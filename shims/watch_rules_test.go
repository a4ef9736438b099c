package shims

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/shell"
)

// watching is a directory of files, an answer about a directory in it, and what is watched.
type watching struct {
	t    *testing.T
	top  string
	dir  string
	s    here.Situation
	data bool
}

// newWatching has an answer that rests on 1.22.5 in a store that is there.
func newWatching(t *testing.T) *watching {
	t.Helper()
	w := &watching{t: t, top: t.TempDir()}
	w.dir = w.top + "/p"
	v, err := gover.Parse("1.22.5")
	if err != nil {
		t.Fatal(err)
	}
	store := w.top + "/store"
	w.write("store/1.22.5/bin/go", "store/.vmgo/receipts/1.22.5.json")
	w.s = here.Situation{
		Layout:     dirs.Layout{Cache: w.top + "/cache", SystemStore: store},
		Resolution: resolve.Resolution{GOROOT: installed.GOROOT(store, v), Requirement: project.Requirement{Selector: gover.ExactSelector(v)}},
	}
	return w
}

func (w *watching) write(names ...string) {
	w.t.Helper()
	for _, name := range names {
		path := filepath.Join(w.top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("text"), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
}

// step adds one thing that was looked at.
func (w *watching) step(kind project.Kind, name string, verdict project.Verdict) {
	path := name
	if name != "" {
		path = w.top + "/" + name
	}
	w.s.Resolution.Steps = append(w.s.Resolution.Steps, project.Step{Origin: project.Origin{Kind: kind, Path: path}, Verdict: verdict})
}

// list returns what is watched, or "asks again".
func (w *watching) list() (list, remark string) {
	later := time.Now().Add(time.Hour) // nothing changed just now
	p := Process{Dir: w.dir, Now: func() time.Time { return later }, PID: 1}
	watches, remark := p.watches(w.s, later, false, w.data)
	if watches == nil {
		return "asks again", remark
	}
	names := map[shell.Kind]string{shell.Same: "same", shell.Present: "there", shell.Absent: "not", shell.Holding: "holding", shell.Listing: "listing", shell.Leading: "leading"}
	var words []string
	for _, watch := range watches {
		words = append(words, names[watch.Kind]+" "+strings.TrimPrefix(watch.Path, w.top+"/"))
	}
	return strings.Join(words, ", "), remark
}

const installedOne = "there store/1.22.5, there store/.vmgo/receipts/1.22.5.json"

func TestWatches_whatAnAnswerRestsOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files string
		steps []string // kind, path, verdict
		want  string
	}{
		"a pin": {"p/.go-version", []string{".go-version p/.go-version decided"}, "same p/.go-version, " + installedOne},
		"files that are looked for": {"", []string{".go-version p/.go-version absent", "go.mod p/go.mod absent"},
			"not p/.go-version, not p/go.mod, " + installedOne},
		"twice the same": {"p/go.mod", []string{"go.mod p/go.mod decided", "go.mod p/go.mod passed", "go.work p/go.work absent", "go.work p/go.work absent"},
			"same p/go.mod, not p/go.work, " + installedOne},
		"what is no file":       {"", []string{"VMGO_VERSION  absent", "system bin/go decided", "machine-default store/default passed"}, installedOne},
		"a file that has gone":  {"p/go.mod", []string{".go-version p/.go-version decided", "go.mod p/go.mod passed"}, "asks again"},
		"modules above the pin": {"p/.go-version", []string{".go-version p/.go-version decided", "go.mod p/go.mod absent", "go.mod go.mod absent", "go.work go.work absent"}, "same p/.go-version, not p/go.mod, " + installedOne},
		"pins above the pin":    {"p/.go-version", []string{".go-version p/.go-version decided", ".tool-versions .tool-versions absent"}, "same p/.go-version, not .tool-versions, " + installedOne},
		"modules above a pin that is outside of the repository": {".go-version p/.git/HEAD", []string{".go-version .go-version decided", "go.mod ../go.mod absent"},
			"there p/.git, same .go-version, not ../go.mod, " + installedOne},
		"modules above a pin of the repository": {".go-version .git/HEAD", []string{".go-version .go-version decided", "go.mod ../go.mod absent"},
			"not p/.git, same .go-version, " + installedOne},
	} {
		w := newWatching(t)
		w.write(strings.Fields(c.files)...)
		for _, step := range c.steps {
			words := strings.Split(step, " ")
			w.step(project.Kind(words[0]), words[1], project.Verdict(words[2]))
		}
		if got, _ := w.list(); !sameWords(got, c.want) {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}

// sameWords reports whether two lists have the same elements.
func sameWords(a, b string) bool {
	count := map[string]int{}
	for _, word := range strings.Split(a, ", ") {
		count[word]++
	}
	for _, word := range strings.Split(b, ", ") {
		count[word]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// For one release it is watched alone, in each store before the one that has it; for any
// other requirement the stores are.
func TestWatches_stores(t *testing.T) {
	t.Parallel()
	v, _ := gover.Parse("1.22.5")
	series := project.Requirement{Selector: gover.PrefixSelector(v)}
	exact := project.Requirement{Selector: gover.ExactSelector(v)}
	minimum, fallback := exact, exact
	minimum.Minimum, fallback.Fallbacks = true, []gover.Selector{exact.Selector}
	all := "not own, not own/.vmgo/receipts, same store, same store/.vmgo/receipts"
	for name, c := range map[string]struct {
		requirement project.Requirement
		files       string
		data        bool
		want        string
	}{
		"exact":                 {exact, "", false, "not own/1.22.5, " + installedOne},
		"without a receipt":     {exact, "own/1.22.5/bin/go", false, "there own/1.22.5, not own/.vmgo/receipts/1.22.5.json, " + installedOne},
		"a series":              {series, "", false, all},
		"a go line":             {minimum, "", false, all},
		"a release or another":  {fallback, "", false, all},
		"a series, as data":     {series, "", true, "not own, not own/.vmgo/receipts, listing store, leading store/default, listing store/.vmgo/receipts"},
		"a release, as data":    {exact, "", true, "not own/1.22.5, " + installedOne},
		"what a resolver names": {exact, "config/default", false, "not own/1.22.5, " + installedOne},
	} {
		w := newWatching(t)
		w.write(strings.Fields(c.files)...)
		if err := os.Symlink("1.22.5", w.top+"/store/default"); err != nil {
			t.Fatal(err)
		}
		w.s.Layout.UserStore, w.s.Layout.Config, w.data = w.top+"/own", w.top+"/config", c.data
		w.s.Resolution.Requirement = c.requirement
		w.s.Resolution.Watch = []string{w.dir, w.top, w.top + "/own", w.top + "/store", w.s.Layout.UserDefault()}
		// A settings file that is not there is watched in any case.
		if got, _ := w.list(); !sameWords(got, c.want+", not config/env") {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}

func TestWatches_asData(t *testing.T) {
	t.Parallel()
	w := newWatching(t)
	w.write("p/.go-version")
	w.step(project.GoVersion, "p/.go-version", project.Decided)
	w.data = true
	if got, _ := w.list(); !sameWords(got, "holding p/.go-version, "+installedOne) {
		t.Error(got)
	}
	if err := errors.Join(os.Remove(w.top+"/p/.go-version"), syscall.Mkfifo(w.top+"/p/.go-version", 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.list(); got != "asks again" { // what cannot be held cannot be compared
		t.Error(got)
	}
	w.data, w.s.Layout.Cache = false, "" // no place for stamps
	if got, _ := w.list(); got != "asks again" {
		t.Error(got)
	}
}

func TestWatches_boundsWhatIsCompared(t *testing.T) {
	t.Parallel()
	for files, want := range map[int]bool{maxSame: true, maxSame + 1: false} {
		w := newWatching(t)
		for n := range files {
			name := "p/" + strconv.Itoa(n)
			w.write(name)
			w.step(project.ToolVersions, name, project.Ignored)
			w.step(project.ToolVersions, name, project.Ignored) // counts once
		}
		if got, _ := w.list(); (got != "asks again") != want {
			t.Errorf("%d files: %s", files, got)
		}
	}
}

// Of what is looked for above a very deep directory, the near and the short are watched.
func TestWatches_boundsHowDeep(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", shell.MaxSpelled-10)
	for name, c := range map[string]struct {
		below   string // the directory, beneath /LONG
		path    string
		watched bool
	}{
		"a level too many":        {strings.Repeat("/d", maxLevels+1), "/" + long + "/.go-version", false},
		"as many as are watched":  {strings.Repeat("/d", maxLevels), "/" + long + "/.go-version", true},
		"a short path":            {strings.Repeat("/d", maxLevels+1), "/.go-version", true},
		"the longest short path":  {strings.Repeat("/d", maxLevels+1), "/" + long + "/12345678", true},
		"the shortest long path":  {strings.Repeat("/d", maxLevels+1), "/" + long + "/123456789", false},
		"not above the directory": {strings.Repeat("/d", maxLevels+1), "/" + long + "y/.go-version", true},
	} {
		w := newWatching(t)
		w.dir = "/" + long + c.below
		w.s.Resolution.Steps = []project.Step{{Origin: project.Origin{Kind: project.GoVersion, Path: c.path}, Verdict: project.Absent}}
		list, remark := w.list()
		if strings.Contains(list, "not "+c.path) != c.watched || strings.Contains(remark, "at once in the 128 directories") == c.watched {
			t.Errorf("%s: %.99s, remark %q", name, list, remark)
		}
	}
}

// The kernel resolves levels times depth names at a prompt, however deep the directory is.
func TestLevels(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]int{1: maxLevels, 512: maxLevels, 1024: maxLevels / 2, 2048: maxLevels / 4} {
		if got := levels(strings.Repeat("/d", depth)); got != want {
			t.Errorf("%d levels: %d are watched, want %d", depth, got, want)
		}
	}
}

func TestBoundsOf(t *testing.T) {
	t.Parallel()
	for steps, want := range map[string]bounds{
		"":                                       {},
		".go-version /a/b decided":               {pin: "/a/b"},
		".tool-versions /a/b passed":             {pin: "/a/b"},
		".tool-versions /a/b ignored":            {},
		".go-version /a/b absent":                {},
		"user-default /a/b decided":              {},
		"go.mod /a/b decided":                    {module: "/a/b"},
		"go.work /a/b ignored":                   {module: "/a/b"},
		"go.mod /a/b absent":                     {},
		"go.mod /a/b passed, go.work /a decided": {module: "/a"},
		"go.work /a decided, go.mod /a/b passed": {module: "/a"},
		".go-version /a/b decided, go.mod /a/b/c passed, go.mod /a ignored": {pin: "/a/b", module: "/a"},
	} {
		var list []project.Step
		for step := range strings.SplitSeq(steps, ", ") {
			if words := strings.Fields(step); len(words) > 0 {
				list = append(list, project.Step{Origin: project.Origin{Kind: project.Kind(words[0]), Path: words[1] + "/file"}, Verdict: project.Verdict(words[2])})
			}
		}
		if got := boundsOf(list); got != want {
			t.Errorf("%s: %+v, want %+v", steps, got, want)
		}
	}
}

// A new .git beneath what decided would end the walk there.
func TestWatches_repository(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files, kind, file string
		want              string
	}{
		"outside any project":      {"", "", "", ""},
		"a repository alone":       {".git/HEAD", "", "", "there .git"},
		"a module":                 {"m/go.mod", "go.mod", "m/go.mod", "not m/a/b/.git, not m/a/.git"},
		"a module in a repository": {".git/HEAD m/go.mod", "go.mod", "m/go.mod", "not m/a/b/.git, not m/a/.git, there .git"},
		"a repository in a module": {"m/a/.git/HEAD m/go.mod", "go.mod", "m/go.mod", "not m/a/b/.git, there m/a/.git"},
		"a pin":                    {".git/HEAD m/.go-version", ".go-version", "m/.go-version", "not m/a/b/.git, not m/a/.git"},
	} {
		w := newWatching(t)
		w.dir = w.top + "/m/a/b"
		w.write(strings.Fields(c.files)...)
		want := installedOne
		if c.file != "" {
			w.step(project.Kind(c.kind), c.file, project.Decided)
			want += ", same " + c.file
		}
		if c.want != "" {
			want += ", " + c.want
		}
		if got, _ := w.list(); !sameWords(got, want) {
			t.Errorf("%s:\n%s, want\n%s", name, got, want)
		}
	}
}
