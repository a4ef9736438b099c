package harden

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The tests of crashes kill the program at the points that it reports: each step
// that leaves something on the disk must be one.
func TestEngine_reportsEveryStep(t *testing.T) {
	const path = "/etc/sysctl.d/60-vmgo.conf"
	root := fakeRoot(t)
	seen := map[string]bool{}
	e := &Engine{Machine: testMachine(t, root), Items: append(fakeItems(), Item{ID: "bad", Desired: func(m *Machine) (Desired, error) {
		want := m.file("/etc/zzz", "x\n")
		want.Check = []string{"false"}
		return Desired{Wants: []Want{want}}, nil
	}})}
	interrupted(t, e)
	e.Trace = func(point string) { seen[point] = true }
	_, err := e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
	must(t, err)
	write(t, root+path, "mine\n")
	_, err = e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
	must(t, err)
	if _, err := e.Apply(t.Context(), Selection{Only: []string{"bad"}}, nil, nil); err == nil {
		t.Error("a file that is refused was applied")
	}
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	_, err = e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	want := []string{"change", "changed", "command", "committed", "journal", "journal-removed", "journaled", "journaled-back", "kept", "kept-staged",
		"ledger", "ledger-removed", "locked", "original", "recovering", "staged", "state-dir", "state-dir-removed", "state-file-removed", "tidy"}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Errorf("reported\n%q, want\n%q", got, want)
	}
}

// An undo beside us removes the state directory: it is made again.
func TestLock_makesItsDirectoryAgain(t *testing.T) {
	root := fakeRoot(t)
	gone := false
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems(), Trace: func(point string) {
		if point == "state-dir" && !gone {
			gone = true
			must(t, os.Remove(root+StateDir))
		}
	}}
	if _, err := e.Apply(t.Context(), Selection{Only: []string{"mode"}}, nil, nil); err != nil || !gone {
		t.Errorf("gone %v, apply says %v", gone, err)
	}
	for name, spoil := range map[string]func() error{
		"removed each time":        func() error { return os.Remove(root + StateDir) },
		"a directory for its lock": func() error { return os.MkdirAll(root+lockFile+"/x", 0o755) },
	} {
		must(t, os.RemoveAll(root+StateDir))
		times := 0
		e.Trace = func(point string) {
			switch point {
			case "state-dir":
				times++
				must(t, spoil())
			case "locked":
				t.Errorf("%s: it goes on without its lock", name)
			}
		}
		_, err := e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "nothing was changed") || (times == 1) != (name != "removed each time") {
			t.Errorf("%s: %d times, apply says %v", name, times, err)
		}
	}
}

// A unit that was started and cannot be stopped keeps no file from its way back.
func TestFailure_whereAUnitCannotBeStopped(t *testing.T) {
	root := fakeRoot(t)
	m := testMachine(t, root)
	run := m.Host.Run
	m.Host.Run = func(cmd *exec.Cmd) error {
		if slices.Contains(cmd.Args, "stop") || slices.Contains(cmd.Args, "start") && slices.Contains(cmd.Args, "b.service") {
			return errors.New("no bus")
		}
		return run(cmd)
	}
	item := noted("units", func(*Machine) {}, m.file("/etc/new", "x\n"), Want{Kind: Unit, Target: "a.service", Value: Value{Present: true}}, Want{Kind: Unit, Target: "b.service", Value: Value{Present: true}})
	res, err := (&Engine{Machine: m, Items: []Item{item}}).Apply(t.Context(), Selection{}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "nothing was changed: systemctl start b.service") || !slices.Equal(res.Warnings, []string{"systemctl stop a.service: no bus"}) {
		t.Errorf("apply says %v, warns of %q", err, res.Warnings)
	}
	if _, err := os.Lstat(root + "/etc/new"); err == nil {
		t.Error("the file is left")
	}
}

// On a file system that is read-only nothing is even begun.
func TestApply_whereNothingCanBeWritten(t *testing.T) {
	root := fakeRoot(t)
	if err := syscall.Mount("vmgo-test", root+"/etc/sysctl.d", "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		t.Skip("a read-only file system takes the right to mount one: ", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(root+"/etc/sysctl.d", 0)) })
	begun := false
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems(), Trace: func(point string) { begun = begun || point == "journal" }}
	if _, err := e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil); err == nil || begun || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("begun %v, apply says %v", begun, err)
	}
}

// An apply whose originals cannot be kept changes nothing.
func TestApply_keepsTheOriginalsFirst(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	e.Trace = func(point string) {
		if point == "original" {
			write(t, stagePath(root+originalsDir+"/etc/fstab")+"/in-the-way", "")
		}
	}
	before, err := os.ReadFile(root + "/etc/fstab")
	must(t, err)
	if _, err := e.Apply(t.Context(), Selection{Only: []string{"fstab"}}, nil, nil); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("apply says %v", err)
	}
	if after, err := os.ReadFile(root + "/etc/fstab"); err != nil || string(after) != string(before) {
		t.Errorf("fstab is %q, %v", after, err)
	}
}

// What is left of the state, because it cannot be removed, is said.
func TestEngine_saysWhatItCannotRemove(t *testing.T) {
	for name, c := range map[string]struct {
		point, path string
		only        string
	}{
		"a journal":                  {"committed", journalFile, "alpha"},
		"a stage of the ledger":      {"ledger", StateDir + "/.ledger.json.vmgo-stage", "alpha"},
		"a journal of a way back":    {"committed", journalFile, "bad"},
		"a ledger":                   {"tidy", ledgerFile, "alpha"},
		"a file of the state":        {"ledger-removed", StateDir + "/.x.vmgo-stage", "alpha"},
		"a file after nothing to do": {"ledger-removed", StateDir + "/.x.vmgo-stage", ""},
	} {
		root := fakeRoot(t)
		e := &Engine{Machine: testMachine(t, root), Items: append(fakeItems(), Item{ID: "bad", Desired: func(m *Machine) (Desired, error) {
			want := m.file("/etc/zzz", "x\n")
			want.Check = []string{"false"}
			return Desired{Wants: []Want{want}}, nil
		}})}
		var err error
		if c.only == "alpha" {
			_, err = e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
			must(t, err)
		}
		e.Trace = func(point string) {
			if point == c.point {
				must(t, os.RemoveAll(root+c.path))
				write(t, root+c.path+"/in-the-way", "")
			}
		}
		if c.only == "bad" {
			_, err = e.Apply(t.Context(), Selection{Only: []string{"bad"}}, nil, nil)
		} else {
			_, err = e.Undo(t.Context(), nil, nil)
		}
		if !isNotEmpty(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What others have made of a cell meanwhile is left, and a change that fails for
// another reason than what is in a directory has failed.
func TestChange_meanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		kind      Kind
		meanwhile func(root string) error
		want      error
	}{
		"a file that is a full directory":           {File, func(root string) error { return os.MkdirAll(root+"/d/x/y", 0o755) }, syscall.ENOTEMPTY},
		"a directory whose parent is a file":        {Dir, func(root string) error { return os.WriteFile(root+"/d", nil, 0o600) }, syscall.ENOTDIR},
		"a directory that has a file of theirs now": {Dir, func(root string) error { return os.MkdirAll(root+"/d/x/y", 0o755) }, nil},
	} {
		m := made(t, true, map[string]string{"/d/x": map[Kind]string{File: "x", Dir: "DIR"}[c.kind]})
		from, err := m.read(c.kind, "/d/x")
		must(t, err)
		e := &Engine{Machine: m, Trace: func(point string) {
			if point == "change" {
				must(t, os.RemoveAll(m.Host.Root+"/d"))
				must(t, c.meanwhile(m.Host.Root))
			}
		}}
		err = e.change(Change{Kind: c.kind, Target: "/d/x", From: from}, false)
		if c.want == nil && err != nil || c.want != nil && (err == nil || !strings.Contains(err.Error(), c.want.Error())) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	m := made(t, true, map[string]string{"/f": "theirs\n"})
	must(t, (&Engine{Machine: m}).change(Change{Kind: File, Target: "/f", From: Value{Present: true, Text: "ours\n"}}, false))
	if text, err := os.ReadFile(m.Host.Root + "/f"); err != nil || string(text) != "theirs\n" {
		t.Errorf("a file that is neither the old nor the new one is %q, %v", text, err)
	}
	write(t, stagePath(m.Host.Root+"/f")+"/in-the-way", "")
	if err := (&Engine{Machine: m}).change(Change{Kind: File, Target: "/f"}, false); !isNotEmpty(err) {
		t.Errorf("what an earlier run left cannot be removed: %v", err)
	}
}
