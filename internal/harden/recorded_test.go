package harden

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gobin/gather"
)

// recordedTree is a home directory with a file, permissions and programs to change.
func recordedTree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for path, mode := range map[string]os.FileMode{
		"home/.bashrc": 0o600, "home/p/bin/tool": 0o755, "home/p/bin/both": 0o755, "home/p/bin/linux_arm64/tool": 0o755, "home/go/bin/both": 0o700,
	} {
		path = filepath.Join(root, path)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte("before of "+path[len(root):]+"\xff\n"), mode))
	}
	must(t, os.MkdirAll(root+"/home/go/bin/linux_arm64", 0o755))
	must(t, os.MkdirAll(root+"/home/state", 0o700))
	must(t, os.Chmod(root+"/home/go", 0o777|os.ModeSetgid))
	must(t, os.Symlink(root+"/home/go/bin", root+"/home/gobin"))
	return root
}

// homeOf is a snapshot without the times of directories: those that programs pass
// through change.
func homeOf(t *testing.T, root string) map[string]string {
	t.Helper()
	snap := snapshot(t, root)
	for path, text := range snap {
		if strings.HasPrefix(text, "d") {
			snap[path] = strings.Join(strings.Fields(text)[:2], " ")
		}
	}
	return snap
}

// recordedEngine is a new process that changes such a home directory.
func recordedEngine(t *testing.T, root string, trace func(string)) *Engine {
	t.Helper()
	m, err := Recorded(fakeHost(root), "/home/state/doctor/harden", "vmgo doctor --undo")
	must(t, err)
	own := func(text string, mode uint32) Value {
		return Value{Present: true, Text: text, Mode: mode, UID: m.Owner, GID: m.Group}
	}
	wants := func(*Machine) (Desired, error) {
		move := gather.Programs{Link: root + "/home/gobin"}
		for _, name := range []string{"tool", "linux_arm64/tool"} {
			move.Moves = append(move.Moves, gather.Move{From: root + "/home/p/bin/" + name, To: root + "/home/go/bin/" + name, Sum: sumOf(t, root, name)})
		}
		programs, err := ProgramsValue(move, true)
		return Desired{Wants: []Want{
			{Kind: File, Target: "/home/.bashrc", Value: own("after\n", 0o600), Foreign: true},
			{Kind: Mode, Target: "/home/go", Value: own("", 0o2775)},
			{Kind: Programs, Target: "/home/p/bin", Value: programs},
		}}, err
	}
	return &Engine{Machine: m, Items: []Item{{ID: "fix", Desired: wants}}, What: "test", Trace: trace}
}

// sumOf is the digest of a program, wherever it is.
func sumOf(t *testing.T, root, name string) string {
	t.Helper()
	for _, dir := range []string{"/home/p/bin/", "/home/go/bin/"} {
		if sum, err := fsx.Sum(root + dir + name); err == nil {
			return sum
		}
	}
	t.Fatal(name + " is lost")
	return ""
}

var errKilled = errors.New("killed")

// killedAt runs a verb that ends without a word at the given point; it reports whether
// there is one.
func killedAt(t *testing.T, root, verb string, point int) (killed bool) {
	t.Helper()
	engine := recordedEngine(t, root, func(string) {
		if point--; point == 0 {
			panic(errKilled)
		}
	})
	defer func() {
		if reason := recover(); reason != nil {
			if killed = reason == errKilled; !killed {
				panic(reason)
			}
		}
	}()
	runRecorded(t, engine, verb)
	return false
}

func runRecorded(t *testing.T, engine *Engine, verb string) {
	t.Helper()
	var err error
	if verb == verbUndo {
		_, err = engine.Undo(context.Background(), nil, nil)
	} else {
		_, err = engine.Apply(context.Background(), Selection{Only: []string{"fix"}}, nil, nil)
	}
	must(t, err)
}

// TestRecorded_killedAtEveryPoint: whatever point an apply or an undo comes to, an undo
// restores every byte, mode and time of the files.
func TestRecorded_killedAtEveryPoint(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{verbApply, verbUndo} {
		points := 0
		for killed := true; killed; points++ {
			root := recordedTree(t)
			before := homeOf(t, root)
			if verb == verbUndo {
				runRecorded(t, recordedEngine(t, root, nil), verbApply)
				if after := homeOf(t, root); after["/home/.bashrc"] == before["/home/.bashrc"] || after["/home/p/bin.before/both"] == "" {
					t.Fatalf("nothing was applied: %v", after)
				}
			}
			killed = killedAt(t, root, verb, points+1)
			runRecorded(t, recordedEngine(t, root, nil), verbUndo)
			if after := homeOf(t, root); !maps.Equal(before, after) {
				t.Errorf("%s killed at point %d: before and after undo\n%v\n%v", verb, points+1, before, after)
			}
		}
		if points < 10 {
			t.Errorf("%s has only %d points", verb, points)
		}
	}
}

// TestRecorded_programsHalfway: an interruption between two programs leaves the journal,
// by which the move is ended, and then undone.
func TestRecorded_programsHalfway(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{verbApply, verbUndo} {
		root := recordedTree(t)
		before := homeOf(t, root)
		if verb == verbUndo {
			runRecorded(t, recordedEngine(t, root, nil), verbApply)
		}
		changes := 0
		engine := recordedEngine(t, root, func(point string) {
			if point != "change" {
				return
			}
			if changes++; changes != map[string]int{verbApply: 3, verbUndo: 1}[verb] {
				return
			}
			// The change has begun: one program is moved, and then it ends.
			if verb == verbApply {
				must(t, os.Rename(root+"/home/p/bin/tool", root+"/home/go/bin/tool"))
			} else {
				must(t, os.Remove(root+"/home/p/bin"))
			}
			panic(errKilled)
		})
		func() {
			defer func() { _ = recover() }()
			runRecorded(t, engine, verb)
		}()
		if !slices.Contains(slices.Collect(maps.Keys(homeOf(t, root))), "/home/state/doctor/harden/journal.json") {
			t.Fatal(verb, ": no journal")
		}
		runRecorded(t, recordedEngine(t, root, nil), verbUndo)
		if after := homeOf(t, root); !maps.Equal(before, after) {
			t.Errorf("%s: before and after undo\n%v\n%v", verb, before, after)
		}
	}
}

// TestRecorded_changedPrograms: an undo does not move a program that is another one now,
// and touches nothing else.
func TestRecorded_changedPrograms(t *testing.T) {
	t.Parallel()
	root := recordedTree(t)
	runRecorded(t, recordedEngine(t, root, nil), verbApply)
	undo := recordedEngine(t, root, nil)
	must(t, os.WriteFile(root+"/home/go/bin/tool", []byte("newer\n"), 0o755))
	before := homeOf(t, root)
	_, err := undo.Undo(t.Context(), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "/home/go/bin/tool was changed since") {
		t.Error(err)
	}
	if after := homeOf(t, root); !maps.Equal(before, after) {
		t.Errorf("before and after\n%v\n%v", before, after)
	}
}

// TestChange_onlyFromItsValue: what an interrupted process has changed already is not
// changed again, nor a file of others, whatever its mode.
func TestChange_onlyFromItsValue(t *testing.T) {
	t.Parallel()
	root := recordedTree(t)
	e := recordedEngine(t, root, nil)
	runRecorded(t, e, verbApply)
	must(t, os.WriteFile(root+"/home/.bashrc", []byte("mine\n"), 0o600))
	must(t, os.Chmod(root+"/home/.bashrc", halfway))
	desired, err := e.Items[0].Desired(e.Machine)
	must(t, err)
	before := homeOf(t, root)
	for _, w := range desired.Wants {
		if w.Kind == Mode {
			continue
		}
		from := w.Value
		from.Present = false
		must(t, e.change(Change{Kind: w.Kind, Target: w.Target, From: from, To: w.Value}, false))
	}
	if after := homeOf(t, root); !maps.Equal(before, after) {
		t.Errorf("before and after\n%v\n%v", before, after)
	}
}
