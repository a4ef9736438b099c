package shims

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/shell"
)

// The shell decides at each prompt, with builtins only, whether its last answer
// is still valid. So it gets everything that the answer depends on: files
// that were read (not modified since), files that were looked for (still not
// there), stores (nothing installed or removed).
//
// Times are coarse: what is written within one tick of the kernel's clock gets one time,
// so an answer that depends on a change of just now tells the shell to ask again. That is
// decided by the time of the inode's last change, which nobody can set back.

// ticks bound how long two writes may have the same time.
const (
	fineTick   = 20 * time.Millisecond // jiffies are at most 10 ms
	coarseTick = 2100 * time.Millisecond
)

// watcher collects what an answer depends on.
type watcher struct {
	stamps  *stamps
	dir     string
	started time.Time
	coarse  bool
	data    bool // the shell compares what files hold
	list    []shell.Watch
	known   map[string]bool // the paths of list
	same    int             // how many of them are compared with a stamp
	tooDeep bool            // some levels are not watched
	unsure  bool            // something changed while or just before it was read
}

// maxLevels bounds how many directories above the working directory are
// watched for new files, besides those near the root, which cost little.
const maxLevels = 128

// levels returns that bound for a directory. The shell looks by absolute paths, which
// the kernel resolves level by level: beneath maxDepth the time of a prompt is kept.
func levels(dir string) int {
	const maxDepth = 512
	return maxLevels * maxDepth / max(strings.Count(dir, "/"), maxDepth)
}

// maxSame bounds how many files an answer has compared with stamps. A tree that
// has a .tool-versions without a line for Go at every level can have more: there
// the program runs at each prompt.
const maxSame = 64

// watches returns what the shell compares, or nil if only another run of the program
// can decide, and a remark about what is not compared.
func (p Process) watches(s here.Situation, started time.Time, coarse, data bool) (list []shell.Watch, remark string) {
	w := watcher{
		dir: p.Dir, stamps: p.newStamps(s.Layout), started: started, coarse: coarse, data: data,
		list: make([]shell.Watch, 0, 64), known: make(map[string]bool, 64),
	}
	b := boundsOf(s.Resolution.Steps)
	nested := w.repository(b, p.Dir)
	for _, step := range s.Resolution.Steps {
		path := step.Origin.Path
		switch {
		case path == "" || step.Origin.Kind == project.SystemGo || step.Origin.Kind == project.MachineDefault:
		case step.Verdict != project.Absent:
			w.unmodified(path, true)
		case isModule(step) && !nested && !isAbove(b.pin, filepath.Dir(path)):
			// Above a pin of the same repository a go.mod changes nothing.
		default:
			w.absent(path)
		}
	}
	skip := append(w.stores(s), s.Layout.UserDefault()) // where it matters it is among the steps
	for _, path := range append(s.Resolution.Watch, s.Layout.SettingsFiles()...) {
		if !isAbove(path, p.Dir) && !slices.Contains(skip, path) {
			w.unmodified(path, false)
		}
	}
	if w.unsure {
		return nil, ""
	}
	if w.tooDeep {
		remark = "this directory is very deep: new version files are noticed at once in the " + strconv.Itoa(levels(p.Dir)) +
			" directories above it and near the root, in the others after the next cd"
	}
	return w.list, remark
}

// stores watches for installs, uninstalls and other defaults, and returns the stores. For one
// certain release, only its directory and its receipt are watched, which together make it installed.
// One that is the default is not certain.
func (w *watcher) stores(s here.Situation) []string {
	stores := s.Layout.Stores(s.Settings.Root)
	r := s.Resolution
	exact := r.Requirement.Selector.Kind() == gover.Exact && !r.Requirement.Minimum && len(r.Requirement.Fallbacks) == 0 &&
		r.Requirement.Origin.Kind != project.MachineDefault
	for _, store := range stores {
		version := r.Requirement.Selector.Version()
		goroot, receipt := installed.GOROOT(store, version), installed.Receipt(store, version)
		switch {
		case !exact:
			w.unmodified(store, false)
			w.leading(installed.DefaultLink(store))
			w.unmodified(filepath.Dir(receipt), false)
		case goroot == r.GOROOT:
			w.add(shell.Watch{Path: goroot, Kind: shell.Present})
			w.add(shell.Watch{Path: receipt, Kind: shell.Present})
			return stores
		case here.Exists(goroot):
			w.add(shell.Watch{Path: goroot, Kind: shell.Present})
			w.absent(receipt)
		default:
			w.absent(goroot)
		}
	}
	return stores
}

// bounds returns the directories that decide where a repository ends.
type bounds struct {
	pin    string // that of the file for version managers that was found; empty is above all
	module string // the topmost one with a go.mod or go.work
}

func boundsOf(steps []project.Step) (b bounds) {
	for _, step := range steps {
		dir := filepath.Dir(step.Origin.Path)
		kind, verdict := step.Origin.Kind, step.Verdict
		switch {
		case verdict == project.Absent:
		case isModule(step):
			if b.module == "" || len(dir) < len(b.module) {
				b.module = dir
			}
		case (kind == project.GoVersion || kind == project.ToolVersions) && verdict != project.Ignored:
			b.pin = dir
		}
	}
	return b
}

func isModule(step project.Step) bool {
	return step.Origin.Kind == project.GoMod || step.Origin.Kind == project.GoWork
}

// isAbove reports whether dir is path or a directory in it.
func isAbove(path, dir string) bool {
	return path == dir || strings.HasPrefix(dir, strings.TrimRight(path, "/")+"/")
}

// repository watches for the .git that bounds what the walk takes as one
// project. A new one between here and the pin would end the walk earlier; an
// existing one would, if removed, let the walk go farther. nested reports that a pin is outside of the repository.
func (w *watcher) repository(b bounds, dir string) (nested bool) {
	top := b.pin
	if top == "" {
		top = b.module
	}
	var near project.Near
	defer near.Close()
	for ; filepath.IsAbs(dir); dir = filepath.Dir(dir) {
		if isAbove(dir, b.pin) {
			return false
		}
		git := filepath.Join(dir, ".git")
		if !near.Missing(git) && here.Exists(git) {
			w.add(shell.Watch{Path: git, Kind: shell.Present})
			return true
		}
		if top != "" && !isAbove(dir, top) {
			w.absent(git)
		}
		if dir == "/" {
			break
		}
	}
	return false
}

// absent expects that there is no such file. One that has appeared since it was
// looked for is found by the shell at its next prompt.
func (w *watcher) absent(path string) {
	if len(path) > shell.MaxSpelled && isAbove(filepath.Dir(path), w.dir) &&
		strings.Count(w.dir, "/")-strings.Count(path, "/") >= levels(w.dir) {
		w.tooDeep = true
		return
	}
	w.add(shell.Watch{Path: path, Kind: shell.Absent})
}

// unmodified expects that the file is not changed. read reports that it existed when it was
// read.
func (w *watcher) unmodified(path string, read bool) {
	if w.known[path] {
		return
	}
	var held shell.Watch
	if w.data { // before the look at the times, which are of it then
		held = holding(path)
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		w.unsure = w.unsure || read && err == syscall.ENOENT
		w.add(shell.Watch{Path: path, Kind: shell.Absent})
		return
	}
	w.same++
	if w.isRecent(stat) || w.same > maxSame {
		w.unsure = true
		return
	}
	if !w.data {
		stamp, ok := w.stamps.of(stat.Mtim)
		held = shell.Watch{Path: path, Kind: shell.Same, Stamp: stamp}
		w.unsure = w.unsure || !ok
	}
	w.unsure = w.unsure || held.Path == ""
	w.add(held)
}

// isRecent reports whether something changed so recently that its times cannot tell
// whether it did so again.
func (w *watcher) isRecent(stat syscall.Stat_t) bool {
	tick := fineTick
	if w.coarse || stat.Mtim.Nsec == 0 {
		tick = coarseTick // also file systems that keep whole seconds
	}
	changed := time.Unix(stat.Ctim.Unix())
	return w.started.Sub(changed) < tick
}

func (w *watcher) add(watch shell.Watch) {
	if !w.known[watch.Path] {
		w.known[watch.Path] = true
		w.list = append(w.list, watch)
	}
}
