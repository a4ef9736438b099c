package harden

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

// What goes between the look at a cell and its change stays gone, and keeps
// nothing else from being undone.
func TestUndoOfWhatGoesMeanwhile(t *testing.T) {
	const dir = "/etc/systemd/system.conf.d"
	for name, c := range map[string]struct {
		item    string
		atPoint func(root string) error
		left    string // what must be there afterwards
	}{
		"a file in a directory": {"unit", func(root string) error {
			if _, err := os.Lstat(root + dir + "/60-vmgo.conf"); err == nil {
				return nil // not yet the turn of the directory
			}
			return os.WriteFile(root+dir+"/theirs.conf", nil, 0o644)
		}, dir + "/theirs.conf"},
		"what has a mode": {"mode", func(root string) error { return os.RemoveAll(root + "/opt/go/1.22.5") }, ""},
	} {
		root := fakeRoot(t)
		e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
		_, err := e.Apply(t.Context(), Selection{Only: []string{c.item}}, nil, nil)
		must(t, err)
		done := false
		e.Trace = func(point string) {
			if _, err := os.Lstat(root + dir); point == "change" && !done && (err == nil || c.item == "mode") {
				done = c.item == "mode"
				must(t, c.atPoint(root))
			}
		}
		_, err = e.Undo(t.Context(), nil, nil)
		if err != nil {
			t.Errorf("%s: undo says %v", name, err)
		}
		if _, err := os.Lstat(root + c.left); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(root + ledgerFile); err == nil {
			t.Errorf("%s: the ledger is left", name)
		}
	}
}

func TestApplyFailsWhereTheFileOfAModeGoesMeanwhile(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems(), Trace: func(point string) {
		if point == "change" {
			_ = os.RemoveAll(root + "/opt/go/1.22.5")
		}
	}}
	_, err := e.Apply(t.Context(), Selection{Only: []string{"mode"}}, nil, nil)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "nothing was changed: chmod 0755 /opt/go/1.22.5") {
		t.Errorf("apply says %v", err)
	}
}

// interrupted leaves a machine with the journal of an apply that never began.
func interrupted(t *testing.T, e *Engine) {
	t.Helper()
	stop := errors.New("stop")
	defer func() {
		if got := recover(); got != stop {
			t.Fatalf("the apply was not stopped: %v", got)
		}
		e.Trace = nil
	}()
	e.Trace = func(point string) {
		if point == "journaled" {
			panic(stop)
		}
	}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	t.Fatal(err)
}

func TestInterruptedTransitionIsNamedAndFinished(t *testing.T) {
	root := fakeRoot(t)
	before := timeless(t, root)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	interrupted(t, e)
	note := "an apply was interrupted; the next apply or undo finishes it first"
	for verb, look := range map[string]func() (Plan, error){
		"plan":      func() (Plan, error) { return e.Plan(Selection{}) },
		"plan undo": func() (Plan, error) { return e.PlanUndo(nil) },
	} {
		plan, err := look()
		if err != nil || !slices.Equal(plan.Notes, []string{note}) || len(plan.Changes)+len(plan.Commands) > 0 {
			t.Errorf("%s: %+v, %v", verb, plan, err)
		}
	}
	run := e.Machine.Host.Run
	e.Machine.Host.Run = func(cmd *exec.Cmd) error {
		if slices.Contains(cmd.Args, "start") {
			return errors.New("no such unit")
		}
		return run(cmd)
	}
	res, err := e.Undo(t.Context(), nil, nil)
	if err != nil || res.Finished != verbApply || len(res.Warnings) == 0 || !strings.Contains(res.Warnings[len(res.Warnings)-1], "the interrupted apply was reverted: systemctl start clockd.service: no such unit") {
		t.Errorf("undo says %v, finished %q, warns of %q", err, res.Finished, res.Warnings)
	}
	if got := differences(before, timeless(t, root)); len(got) > 0 {
		t.Errorf("left %q", got)
	}
}

func TestStateDirectoryThatCannotBeMade(t *testing.T) {
	root := fakeRoot(t)
	write(t, root+"/var/lib/vmgo", "a file\n")
	before := snapshot(t, root)
	_, err := (&Engine{Machine: testMachine(t, root), Items: fakeItems()}).Apply(t.Context(), Selection{}, nil, nil)
	if err == nil || diag.CodeOf(err) == diag.DiskFull || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("apply says %v", err)
	}
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("changed %q", got)
	}
}

func TestUndoRemovesStagesOfItsOwnState(t *testing.T) {
	root := fakeRoot(t)
	before := snapshot(t, root)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	write(t, stagePath(root+ledgerFile), "half")
	write(t, root+StateDir+"/.old.vmgo-stage", "half")
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("undo left %q", got)
	}
}

func TestUndoRemovesNoDirectoryThatOthersUse(t *testing.T) {
	const dir = "/etc/systemd/system.conf.d"
	for name, c := range map[string]struct {
		change func(root string)
		stays  bool
	}{
		"theirs":      {func(root string) { write(t, root+dir+"/theirs.conf", "") }, true},
		"a kept copy": {func(root string) { write(t, root+dir+"/60-vmgo.conf", "theirs\n") }, true},
		"a stage":     {func(root string) { write(t, stagePath(root+dir+"/60-vmgo.conf"), "") }, false},
		"nothing":     {func(string) {}, false},
	} {
		root := fakeRoot(t)
		e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
		_, err := e.Apply(t.Context(), Selection{}, nil, nil)
		must(t, err)
		c.change(root)
		plan, err := e.PlanUndo(nil)
		must(t, err)
		note := dir + " is kept: it has files that vmgo did not make"
		if slices.Contains(plan.Notes, note) != c.stays {
			t.Errorf("%s: notes %q", name, plan.Notes)
		}
		if goes := slices.ContainsFunc(plan.Changes, func(c Change) bool { return c.Target == dir }); goes == c.stays {
			t.Errorf("%s: the plan is %+v", name, plan.Changes)
		}
		_, err = e.Undo(t.Context(), nil, nil)
		must(t, err)
		if _, err := os.Lstat(root + dir); (err == nil) != c.stays {
			t.Errorf("%s: the directory: %v", name, err)
		}
	}
}

// What is seen in a mount point lies in the mount, which goes first.
func TestOccupied_looksBeneathAMountThatGoes(t *testing.T) {
	m := made(t, true, map[string]string{"/cache/object": ""})
	gone := Change{Kind: Unit, Target: "cache.mount"}
	for name, c := range map[string]struct {
		change Change
		want   bool
	}{
		"the mount goes":     {gone, false},
		"the mount starts":   {Change{Kind: Unit, Target: "cache.mount", To: Value{Present: true}}, true},
		"another mount goes": {Change{Kind: Unit, Target: "other.mount"}, true},
		"a file of its name": {Change{Kind: File, Target: "cache.mount"}, true},
		"the file goes":      {Change{Kind: File, Target: "/cache/object"}, false},
		"the file changes":   {Change{Kind: File, Target: "/cache/object", To: Value{Present: true}}, true},
		"another file goes":  {Change{Kind: File, Target: "/cache/other"}, true},
		"its mode goes":      {Change{Kind: Mode, Target: "/cache/object"}, true},
		"a copy is kept":     {Change{Kind: File, Target: "/cache/object", Keep: "/cache/object.vmgo-kept"}, true},
		"one is elsewhere":   {Change{Kind: File, Target: "/cache/object", Keep: "/other/object.vmgo-kept"}, false},
	} {
		tr := newTransition(m, ledger{})
		tr.set("item", c.change)
		if got := tr.occupied("/cache"); got != c.want {
			t.Errorf("%s: occupied is %v", name, got)
		}
	}
}

func TestDriftIsKeptUnderAFreeName(t *testing.T) {
	root := fakeRoot(t)
	path := "/etc/sysctl.d/60-vmgo.conf"
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	for _, text := range []string{"", "first\n", "second\n"} {
		if text != "" {
			write(t, root+path, text)
		}
		_, err := e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
		must(t, err)
	}
	for kept, want := range map[string]string{path + ".vmgo-kept": "first\n", path + ".1.vmgo-kept": "second\n"} {
		if text, err := os.ReadFile(root + kept); err != nil || string(text) != want {
			t.Errorf("%s is %q, %v", kept, text, err)
		}
	}
}

// In one plan two items may write a drifted file: the copy is made once, of the text before both.
func TestDriftIsKeptOnceForAllItems(t *testing.T) {
	root := fakeRoot(t)
	path := "/etc/sysctl.d/60-vmgo.conf"
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	write(t, root+path, "mine\n")
	plan, err := e.PlanUndo(nil)
	must(t, err)
	i := slices.IndexFunc(plan.Changes, func(c Change) bool { return c.Target == path })
	if c := plan.Changes[i]; c.Keep != path+".vmgo-kept" || c.From.Text != "mine\n" || c.To.Present {
		t.Errorf("the change is %+v", c)
	}
	notes := []string{"file " + path + " was changed by others after vmgo wrote it"}
	if !slices.Equal(plan.Notes, notes) {
		t.Errorf("notes %q, want %q", plan.Notes, notes)
	}
}

func TestLedgerFindsWhatWasAddedAndForgetsWhatWasSwept(t *testing.T) {
	key := func(name string) cellKey { return cellKey{File, name} }
	var led ledger
	for _, name := range []string{"a", "b", "c"} {
		if led.find(key(name)) != nil {
			t.Errorf("%s is there", name)
		}
		led.add(record{Kind: File, Target: name, Items: []string{"item"}, Parts: map[string]string{"item": name}})
		if r := led.find(key(name)); r == nil || r.Target != name {
			t.Errorf("%s: %+v", name, r)
		}
	}
	led.Items = []entry{{ID: "item"}}
	other := led.clone()
	other.Items[0].ID, other.Records[0].Target, other.Records[1].Items[0], other.Records[1].Parts["item"] = "x", "x", "x", "x"
	other.add(record{Kind: File, Target: "d"})
	if led.Items[0].ID != "item" || led.Records[0].Target != "a" || led.Records[1].Items[0] != "item" || led.Records[1].Parts["item"] != "b" || led.find(key("d")) != nil {
		t.Errorf("a change of the clone changes %+v", led)
	}
	led.Records[0].Items = nil
	led.sweep()
	if r := led.find(key("c")); led.find(key("a")) != nil || r == nil || r.Target != "c" {
		t.Errorf("after the sweep: %+v", led.Records)
	}
}

// What an image's journal asks of the running machine is left out; a command that is none of ours is refused.
func TestConfine(t *testing.T) {
	for name, c := range map[string]struct {
		live  bool
		check []string
		left  int
		fails bool
	}{
		"running":         {true, []string{"any"}, 2, false},
		"an image":        {false, visudo(), 1, false},
		"no judge":        {false, nil, 1, false},
		"a foreign judge": {false, []string{"any"}, 1, true},
	} {
		j := journal{Commands: [][]string{{"systemctl"}}, Changes: []Change{{Kind: Sysctl}, {Kind: File, Check: c.check}}}
		err := (&Machine{Live: c.live}).confine(&j)
		if (err != nil) != c.fails || len(j.Changes) != c.left || (len(j.Commands) > 0) != c.live {
			t.Errorf("%s: %v, %+v", name, err, j)
		}
	}
}
