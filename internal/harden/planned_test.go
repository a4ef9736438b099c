package harden

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

// noted is an item that wants one file, and tells what it was asked for.
func noted(id string, ask func(m *Machine), wants ...Want) Item {
	return Item{ID: id, What: "does " + id, On: Profiles(), Desired: func(m *Machine) (Desired, error) {
		ask(m)
		return Desired{Wants: wants}, nil
	}}
}

func TestItemsLearnTheProfileTheUserAndTheOriginal(t *testing.T) {
	var profile Profile
	var user string
	var original Value
	ask := func(m *Machine) {
		profile, user = m.Profile, m.User
		original = m.baseline[cellKey{Mode, "/opt/go/1.22.5"}]
	}
	m := testMachine(t, fakeRoot(t))
	want := Want{Kind: Mode, Target: "/opt/go/1.22.5", Value: Value{Present: true, Mode: 0o755, UID: m.Owner, GID: m.Group}}
	e := &Engine{Machine: m, Items: []Item{noted("asks", ask, want)}}
	_, err := e.Apply(t.Context(), Selection{Profile: CI, User: "ann"}, nil, nil)
	must(t, err)
	for name, c := range map[string]struct {
		sel     Selection
		profile Profile
		user    string
	}{
		"remembered": {Selection{}, CI, "ann"},
		"given":      {Selection{Profile: Server, User: "bob"}, Server, "bob"},
	} {
		_, err := e.Plan(c.sel)
		must(t, err)
		if profile != c.profile || user != c.user || original.Mode != 0o700 {
			t.Errorf("%s: the item is told of profile %s, user %q and mode %04o", name, profile, user, original.Mode)
		}
	}
	e.Items[0].Desired = func(m *Machine) (Desired, error) {
		want.Value.Mode = 0o555
		return Desired{Wants: []Want{want}}, nil
	}
	_, err = e.Apply(t.Context(), Selection{User: "bob"}, nil, nil)
	must(t, err)
	if led, err := m.loadLedger(); err != nil || led.Items[0].User != "bob" {
		t.Errorf("the ledger remembers user %q, %v", led.Items[0].User, err)
	}
}

func TestEveryVerbRefusesALedgerOrJournalThatCannotBeRead(t *testing.T) {
	verbs := map[string]func(e *Engine) error{
		"plan":      func(e *Engine) error { _, err := e.Plan(Selection{}); return err },
		"plan undo": func(e *Engine) error { _, err := e.PlanUndo(nil); return err },
		"apply":     func(e *Engine) error { _, err := e.Apply(context.Background(), Selection{}, nil, nil); return err },
		"undo":      func(e *Engine) error { _, err := e.Undo(context.Background(), nil, nil); return err },
	}
	for name, act := range verbs {
		for _, file := range []string{ledgerFile, journalFile} {
			for text, want := range map[string]string{"{}{": "cannot be read", "DIR": "not a regular file"} {
				m := made(t, true, map[string]string{file: text})
				if err := act(&Engine{Machine: m, Items: fakeItems()}); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s with %s for %s says %v, want %q", name, text, file, err, want)
				}
				if _, err := os.Lstat(m.Host.Path(file)); err != nil {
					t.Errorf("%s with %s for %s: %v", name, text, file, err)
				}
			}
		}
	}
}

func TestOnlyKnownItemsCanBeNamed(t *testing.T) {
	e := &Engine{Machine: testMachine(t, fakeRoot(t)), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{Only: []string{"mode"}}, nil, nil)
	must(t, err)
	e.Items = e.Items[:1] // mode is of another version now
	for id, want := range map[string]diag.Code{"alpha": "", "mode": "", "beta": diag.Usage} {
		_, planErr := e.Plan(Selection{Only: []string{id}})
		_, undoErr := e.PlanUndo([]string{id})
		for verb, err := range map[string]error{"plan": planErr, "plan undo": undoErr} {
			if got := diag.CodeOf(err); (err != nil) != (want != "") || err != nil && got != want {
				t.Errorf("%s of %s says %v", verb, id, err)
			}
		}
	}
}

func TestItemsOfAnotherVersionAreShown(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{Only: []string{"mode", "beta"}}, nil, nil)
	must(t, err)
	e.Items = nil
	must(t, os.Chmod(root+"/opt/go/1.22.5", 0o711))
	shown, err := e.Status(Selection{Only: []string{"beta"}})
	must(t, err)
	undo, err := e.PlanUndo(nil)
	must(t, err)
	for name, items := range map[string][]ItemStatus{"status": shown, "plan undo": undo.Items} {
		slices.SortFunc(items, func(a, b ItemStatus) int { return strings.Compare(a.ID, b.ID) })
		if len(items) != 2 || items[0].State != Applied || items[0].What != "does beta" || items[1].State != Drifted || items[1].Reason != "/opt/go/1.22.5 was changed" {
			t.Errorf("%s shows %+v", name, items)
		}
	}
}

func TestPlanOfUndoShowsWhatGoes(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{Profile: CI}, nil, nil)
	must(t, err)
	must(t, os.Chmod(root+"/opt/go/1.22.5", 0o711))
	plan, err := e.PlanUndo(nil)
	must(t, err)
	if plan.Profile != CI || len(plan.Items) != len(e.Items) {
		t.Fatalf("profile %s, items %+v", plan.Profile, plan.Items)
	}
	mode, unit := plan.Items[0], plan.Items[1]
	if mode.ID != "mode" || !mode.Selected || mode.State != Drifted || mode.Reason != "/opt/go/1.22.5 was changed" || !slices.Equal(mode.Commands, []string{"chmod 0700 /opt/go/1.22.5"}) {
		t.Errorf("the drifted item is %+v", mode)
	}
	if unit.ID != "unit" || !unit.Selected || unit.State != Applied || unit.Effect != "none" || unit.Reason != "" || len(unit.Changes) == 0 || len(unit.Commands) == 0 {
		t.Errorf("the item is %+v", unit)
	}
	if note := "mode /opt/go/1.22.5 was changed by others after vmgo wrote it"; !slices.Equal(plan.Notes, []string{note}) {
		t.Errorf("notes %q, want %q", plan.Notes, note)
	}
}

func TestPlanShowsEveryStepAndWhoWantsIt(t *testing.T) {
	e := &Engine{Machine: testMachine(t, fakeRoot(t)), Items: fakeItems()}
	plan, err := e.Plan(Selection{})
	must(t, err)
	i := slices.IndexFunc(plan.Changes, func(c Change) bool { return c.Kind == File && strings.HasPrefix(c.Target, "/etc/sysctl.d/") })
	if items := plan.Changes[i].Items; !slices.Equal(items, []string{"alpha", "beta"}) {
		t.Errorf("the shared file is wanted by %q", items)
	}
	for _, item := range plan.Items[:2] {
		if len(item.Changes) != 1 || len(item.Commands) != 1 {
			t.Errorf("%s shows %+v, %q", item.ID, item.Changes, item.Commands)
		}
	}
	shown := 0
	_, err = e.Apply(t.Context(), Selection{}, nil, func(p Plan) error { shown += len(p.Changes); return nil })
	if err != nil || shown != len(plan.Changes) {
		t.Errorf("apply shows %d changes of %d, %v", shown, len(plan.Changes), err)
	}
}

func TestUnitsStartAfterTheirFilesExist(t *testing.T) {
	m := testMachine(t, fakeRoot(t))
	item := noted("unit", func(*Machine) {}, Want{Kind: Unit, Target: "clockd.service", Value: Value{Present: true}}, m.file("/etc/systemd/system/clockd.service", "[Unit]\n"))
	plan, err := (&Engine{Machine: m, Items: []Item{item}}).Plan(Selection{})
	must(t, err)
	if last := plan.Changes[len(plan.Changes)-1]; last.Kind != Unit {
		t.Errorf("the plan is %+v", plan.Changes)
	}
}

// A failed reload is a warning: the files have changed by then.
func TestCommandThatFailsIsAWarning(t *testing.T) {
	m := testMachine(t, fakeRoot(t))
	run := m.Host.Run
	m.Host.Run = func(cmd *exec.Cmd) error {
		if slices.Contains(cmd.Args, "daemon-reload") {
			return errors.New("no bus")
		}
		return run(cmd)
	}
	item := noted("file", func(*Machine) {}, m.file("/etc/systemd/system/clockd.service", "[Unit]\n"))
	res, err := (&Engine{Machine: m, Items: []Item{item}}).Apply(t.Context(), Selection{}, nil, nil)
	if err != nil || !slices.Equal(res.Warnings, []string{"systemctl daemon-reload: no bus"}) {
		t.Errorf("apply says %v, warns of %q", err, res.Warnings)
	}
}
