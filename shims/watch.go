package shims

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/shell"
)

// The shell decides at each prompt, with builtins only, whether the answer that
// it has still holds. So it is told everything that the answer came from: files
// that were read (not modified since), files that were looked for (still not
// there), stores (nothing installed or removed).
//
// Times tell less than they seem to. What is written within one tick of the
// kernel's clock gets one time; so an answer that rests on something changed
// just now is given with the advice to ask again. That is judged by the time of
// the inode's last change, which nobody can set back.

// ticks bound how long two writes may get the same time.
const (
	fineTick   = 20 * time.Millisecond // jiffies are at most 10 ms
	coarseTick = 2100 * time.Millisecond
)

// watcher collects what an answer depends on.
type watcher struct {
	stamps  *stamps
	started time.Time
	coarse  bool
	list    []shell.Watch
	seen    map[string]bool
	unsure  bool // something changed while or just before it was read
}

// watches gives what the shell is to compare, or nil if only another run of
// the program can tell.
func (p Process) watches(s Situation, started time.Time, coarse bool) []shell.Watch {
	w := watcher{stamps: p.newStamps(s.Layout), started: started, coarse: coarse, seen: map[string]bool{}}
	w.list = []shell.Watch{}
	inside := false // a go.mod or go.work asks for something: where the repository ends matters
	for _, step := range s.Resolution.Steps {
		path := step.Origin.Path
		if path == "" || step.Origin.Kind == project.SystemGo || step.Origin.Kind == project.MachineDefault {
			continue
		}
		module := step.Origin.Kind == project.GoMod || step.Origin.Kind == project.GoWork
		inside = inside || module && step.Verdict != project.Absent
		switch {
		case step.Verdict != project.Absent:
			w.same(path, true)
		case module && pinned(s):
			// It could not change the choice.
		default:
			w.absent(path)
		}
	}
	if inside || !pinned(s) {
		w.repository(s, p.Dir)
	}
	for _, path := range s.Resolution.Watch {
		if !isAbove(path, p.Dir) {
			w.same(path, false)
		}
	}
	for _, path := range append(s.Layout.Stores(s.Settings.Root), s.Layout.SettingsFiles()...) {
		w.same(path, false)
	}
	if w.unsure {
		return nil
	}
	return w.list
}

// pinned says whether a file for version managers decides here.
func pinned(s Situation) bool {
	for _, step := range s.Resolution.Steps {
		if step.Origin.Kind == project.GoVersion || step.Origin.Kind == project.ToolVersions {
			if step.Verdict == project.Decided || step.Verdict == project.Passed {
				return true
			}
		}
	}
	return false
}

// isAbove says whether dir is path, or lies beneath it. Such directories are
// those of the walk; what could appear in them is among the steps.
func isAbove(path, dir string) bool {
	return path == dir || strings.HasPrefix(dir, strings.TrimRight(path, "/")+"/")
}

// repository watches for the .git that bounds what the walk takes as one
// project.
func (w *watcher) repository(s Situation, dir string) {
	for _, path := range s.Resolution.Watch {
		if !isAbove(path, dir) {
			continue
		}
		git := filepath.Join(path, ".git")
		if exists(git) {
			w.add(shell.Watch{Path: git, Kind: shell.Present})
			return
		}
		w.absent(git)
	}
}

// absent expects that there is no such file.
func (w *watcher) absent(path string) {
	if _, err := os.Stat(path); err == nil {
		w.unsure = true // it appeared after it was looked for
	}
	w.add(shell.Watch{Path: path, Kind: shell.Absent})
}

// same expects that the file stays as it is. read says that it was there when
// it was read.
func (w *watcher) same(path string, read bool) {
	if path == "" || w.seen[path] {
		return
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		w.unsure = w.unsure || read && err == syscall.ENOENT
		w.add(shell.Watch{Path: path, Kind: shell.Absent})
		return
	}
	tick := fineTick
	if w.coarse || stat.Mtim.Nsec == 0 {
		tick = coarseTick // also file systems that keep whole seconds
	}
	if changed := time.Unix(stat.Ctim.Unix()); w.started.Sub(changed) < tick {
		w.unsure = true
		return
	}
	stamp, ok := w.stamps.of(stat.Mtim)
	if !ok {
		w.unsure = true
		return
	}
	w.add(shell.Watch{Path: path, Kind: shell.Same, Stamp: stamp})
}

func (w *watcher) add(watch shell.Watch) {
	if !w.seen[watch.Path] {
		w.seen[watch.Path] = true
		w.list = append(w.list, watch)
	}
}
