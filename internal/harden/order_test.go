package harden

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func commandsOf(t *testing.T, root string) string {
	t.Helper()
	log, err := os.ReadFile(commandLog(root))
	must(t, err)
	return string(log)
}

func TestSystemdReadsItsFilesAnewBeforeAUnitStarts(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{Only: []string{"unit"}}, nil, nil)
	must(t, err)
	reload, start := "systemctl daemon-reload\n", "systemctl start clockd.service\n"
	if log := commandsOf(t, root); strings.Count(log, reload) != 1 || strings.Index(log, reload) > strings.Index(log, start) {
		t.Errorf("apply ran\n%s", log)
	}
	plan, err := e.PlanUndo(nil)
	must(t, err)
	if first := plan.Changes[0]; first.Kind != Unit || first.To.Present {
		t.Errorf("undo removes the files of a unit that still runs: %+v", plan.Changes)
	}
}

func TestSystemdIsToldOfItsOwnFilesOnly(t *testing.T) {
	for target, want := range map[string]int{"/etc/systemd/system.conf.d/x.conf": 1, "/etc/fstab": 1, "/etc/sysctl.d/x.conf": 0} {
		m := testMachine(t, fakeRoot(t))
		for _, kind := range []Kind{File, Link} {
			if got := m.commands([]Change{{Kind: kind, Target: target}}); len(got) != want {
				t.Errorf("after a change of the %s %s systemd is told %q", kind, target, got)
			}
		}
		if got := m.commands([]Change{{Kind: Mode, Target: target}}); len(got) != 0 {
			t.Errorf("after a change of the mode of %s systemd is told %q", target, got)
		}
	}
}

// A swap file that is gone keeps nothing else from being undone; on the way
// there the same failure ends the apply.
func TestSwapThatCannotBeSwitched(t *testing.T) {
	fstab := "/swapfile none swap sw 0 0\n"
	m := made(t, true, map[string]string{
		"/proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n", "/etc/fstab": fstab, "/var/lib": "DIR",
		"/proc/swaps": noSwap + "/swapfile file 2097148 0 -2\n",
	})
	run, failing := m.Host.Run, "swapoff"
	m.Host.Run = func(cmd *exec.Cmd) error {
		if filepath.Base(cmd.Args[0]) == failing {
			return errors.New("cannot find the device")
		}
		return run(cmd)
	}
	e := &Engine{Machine: m, Items: Catalogue()}
	if _, err := e.Apply(t.Context(), Selection{Only: []string{"swap-off"}}, nil, nil); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("swapoff fails, and apply says %v", err)
	}
	failing = "swapon"
	_, err := e.Apply(t.Context(), Selection{Only: []string{"swap-off"}}, nil, nil)
	must(t, err)
	res, err := e.Undo(t.Context(), nil, nil)
	if err != nil || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "swapon /swapfile: cannot find the device") {
		t.Errorf("undo says %v, and warns of %q", err, res.Warnings)
	}
	if text, err := os.ReadFile(m.Host.Root + "/etc/fstab"); err != nil || string(text) != fstab {
		t.Errorf("after undo fstab is %q, %v", text, err)
	}
}

// A unit whose condition does not hold "starts" without an error.
func TestUnitThatDoesNotStart(t *testing.T) {
	root := fakeRoot(t)
	m := testMachine(t, root)
	run := m.Host.Run
	m.Host.Run = func(cmd *exec.Cmd) error {
		if slices.Contains(cmd.Args, "start") {
			return nil
		}
		return run(cmd)
	}
	before := snapshot(t, root)
	_, err := (&Engine{Machine: m, Items: fakeItems()}).Apply(t.Context(), Selection{Only: []string{"unit"}}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "clockd.service did not start") {
		t.Errorf("apply says %v", err)
	}
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("the failed apply left %q", got)
	}
}

// What two items want alike stays until the last of them is undone.
func TestUndoLeavesWhatAnotherItemWants(t *testing.T) {
	root := fakeRoot(t)
	mode, other := fakeItems()[4], fakeItems()[4]
	other.ID, other.Desired = "other", func(m *Machine) (Desired, error) {
		w, err := mode.Desired(m)
		w.Wants = append(w.Wants, Want{Kind: Sysctl, Target: "vm.swappiness", Value: Value{Present: true, Text: "10"}})
		return w, err
	}
	e := &Engine{Machine: testMachine(t, root), Items: []Item{mode, other}}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	for _, c := range []struct {
		undo string
		want os.FileMode
	}{{"mode", 0o755}, {"other", 0o700}} {
		_, err := e.Undo(t.Context(), []string{c.undo}, nil)
		must(t, err)
		if info, err := os.Stat(root + "/opt/go/1.22.5"); err != nil || info.Mode().Perm() != c.want {
			t.Errorf("after undo of %s the mode is %v, want %v", c.undo, info.Mode(), c.want)
		}
	}
}
