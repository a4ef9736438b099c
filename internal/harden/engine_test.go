package harden

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

func TestApplyTwiceThenUndo(t *testing.T) {
	root := fakeRoot(t)
	before := snapshot(t, root)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	plan, err := e.Plan(Selection{})
	must(t, err)
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Fatalf("plan changed the machine: %q", got)
	}
	res, err := e.Apply(t.Context(), Selection{}, &plan, nil)
	must(t, err)
	if len(res.Plan.Changes) == 0 || len(res.Warnings) > 0 {
		t.Fatalf("apply made %d changes, warnings %q", len(res.Plan.Changes), res.Warnings)
	}
	for path, want := range map[string]string{
		"/proc/sys/vm/swappiness":                                 "10\n",
		"/proc/sys/fs/inotify/max_user_watches":                   "524288\n",
		"/etc/sysctl.d/60-vmgo.conf":                              ownHeader + "\n# item: alpha\nvm.swappiness = 10\n\n# item: beta\nfs.inotify.max_user_watches = 524288\n",
		"/etc/systemd/system/sysinit.target.wants/clockd.service": "",
		"/var/lib/vmgo/harden/originals/etc/fstab":                "# fstab\nUUID=1 / ext4 defaults 0 1\n/dev/vdb none swap sw 0 0\n",
		"/run/units-active/clockd.service":                        "",
		"/etc/systemd/system.conf.d/60-vmgo.conf":                 "[Manager]\n",
	} {
		data, err := os.ReadFile(root + path)
		if err != nil && !strings.Contains(path, ".wants/") || string(data) != want {
			t.Errorf("%s is %q (%v), want %q", path, data, err, want)
		}
	}
	applied := snapshot(t, root)
	res, err = e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	if len(res.Plan.Changes) != 0 {
		t.Errorf("the second apply would change %+v", res.Plan.Changes)
	}
	if got := differences(applied, snapshot(t, root)); len(got) > 0 {
		t.Errorf("the second apply changed %q", got)
	}
	for _, s := range res.Plan.Items {
		if s.State != Applied {
			t.Errorf("%s is %s (%s) after apply", s.ID, s.State, s.Reason)
		}
	}
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("undo left %q", got)
	}
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("the second undo left %q", got)
	}
}

func TestUndoOfOneItemLeavesTheOthers(t *testing.T) {
	for _, order := range [][]string{{"alpha", "beta"}, {"beta", "alpha"}} {
		root := fakeRoot(t)
		before := snapshot(t, root)
		e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
		for _, id := range []string{"alpha", "beta"} {
			_, err := e.Apply(t.Context(), Selection{Only: []string{id}}, nil, nil)
			must(t, err)
		}
		_, err := e.Undo(t.Context(), order[:1], nil)
		must(t, err)
		text, err := os.ReadFile(root + "/etc/sysctl.d/60-vmgo.conf")
		must(t, err)
		if strings.Contains(string(text), order[0]) || !strings.Contains(string(text), order[1]) {
			t.Errorf("after undo of %s the file is %q", order[0], text)
		}
		_, err = e.Undo(t.Context(), order[1:], nil)
		must(t, err)
		if got := differences(before, snapshot(t, root)); len(got) > 0 {
			t.Errorf("undo left %q", got)
		}
	}
}

func TestFailureTakesEverythingBack(t *testing.T) {
	root := fakeRoot(t)
	before := snapshot(t, root)
	items := fakeItems()
	items = append(items, Item{ID: "bad", On: Profiles(), Desired: func(m *Machine) (Desired, error) {
		return Desired{Wants: []Want{{Kind: File, Target: "/etc/sudoers.d/60-vmgo", Check: []string{"false", "{}"},
			Value: Value{Present: true, Text: "x\n", Mode: 0o440, UID: m.Owner, GID: m.Group}}}}, nil
	}})
	e := &Engine{Machine: testMachine(t, root), Items: items}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("apply says %v", err)
	}
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("the failed apply left %q", got)
	}
}

func TestReplacedFileKeepsModeOwnerAndAttributes(t *testing.T) {
	root := fakeRoot(t)
	fstab := root + "/etc/fstab"
	must(t, os.Chmod(fstab, 0o640))
	if err := syscall.Setxattr(fstab, "user.vmgo", []byte("label"), 0); err != nil {
		t.Skip("this file system has no user attributes: ", err)
	}
	if os.Getuid() == 0 {
		must(t, os.Chown(fstab, 0, 4))
		if err := syscall.Setxattr(fstab, "security.selinux", []byte("system_u:object_r:etc_t:s0\x00"), 0); err != nil {
			t.Log("no SELinux label could be set: ", err)
		}
	}
	before := snapshot(t, root)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{Only: []string{"fstab"}}, nil, nil)
	must(t, err)
	was, now := strings.Fields(before["/etc/fstab"]), strings.Fields(snapshot(t, root)["/etc/fstab"])
	if was[0] != now[0] || was[1] != now[1] || was[3] != now[3] || was[2] == now[2] {
		t.Errorf("fstab was %q, is %q", was, now)
	}
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("undo left %q", got)
	}
}

func TestInterruptedApplyTakesBackWhatItDid(t *testing.T) {
	for point := 1; ; point++ {
		root := fakeRoot(t)
		before := snapshot(t, root)
		ctx, cancel := context.WithCancel(t.Context())
		left := point
		e := &Engine{Machine: testMachine(t, root), Items: fakeItems(), Trace: func(string) {
			if left--; left == 0 {
				cancel()
			}
		}}
		_, err := e.Apply(ctx, Selection{}, nil, nil)
		if err == nil {
			if left > 0 {
				break // it came to its end before that point
			}
			continue // cancelled after the last change: done is done
		}
		if got := differences(before, snapshot(t, root)); len(got) > 0 {
			t.Fatalf("stopped at point %d, apply left %q", point, got)
		}
	}
}

// A systemctl that never ends keeps status waiting for a while only.
func TestStatusEndsWhatHangs(t *testing.T) {
	bin := t.TempDir()
	must(t, os.WriteFile(bin+"/systemctl", []byte("#!/bin/sh\nexec sleep 1000\n"), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	m := testMachine(t, fakeRoot(t))
	m.Host.Run = func(cmd *exec.Cmd) error { return cmd.Run() }
	m.patience = 50 * time.Millisecond
	items, err := (&Engine{Machine: m, Items: fakeItems()}).Status(Selection{})
	must(t, err)
	unit := items[slices.IndexFunc(items, func(s ItemStatus) bool { return s.ID == "unit" })]
	if unit.State != Blocked || !strings.Contains(unit.Reason, "systemctl did not answer within 50ms") {
		t.Errorf("the item is %s: %s", unit.State, unit.Reason)
	}
}

func TestOnlyOneAtATime(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems(), What: "vmgo harden apply"}
	var inner error
	e.Trace = func(point string) {
		if point == "journaled" {
			second := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
			_, inner = second.Undo(t.Context(), nil, nil)
			plan, err := second.Plan(Selection{})
			if err != nil || plan.Interrupted != verbApply || len(plan.Changes) > 0 {
				t.Errorf("with a journal lying there, the plan is %+v, %v", plan, err)
			}
		}
	}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	if diag.CodeOf(inner) != diag.StoreBusy || !strings.Contains(inner.Error(), "vmgo harden apply") {
		t.Errorf("the second says %v", inner)
	}
}

func TestLedgerOfAnotherFormatIsRefused(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	for _, file := range []string{ledgerFile, journalFile} {
		write(t, root+file, `{"format":99,"verb":["of","another","type"],"changes":1,"ledger":1}`)
		if _, err := e.Apply(t.Context(), Selection{}, nil, nil); diag.CodeOf(err) != diag.NewerFormat || !strings.Contains(err.Error(), "format 99") {
			t.Errorf("%s: apply says %v", file, err)
		}
		must(t, os.Remove(root+file))
	}
	if _, err := ReadPlan([]byte(`{"format":99,"verb":"apply","changes":1}`)); diag.CodeOf(err) != diag.NewerFormat {
		t.Errorf("a plan: %v", err)
	}
	write(t, root+ledgerFile, `{}`) // of before there was a number
	if _, err := e.Apply(t.Context(), Selection{}, nil, nil); err != nil {
		t.Errorf("without a number: %v", err)
	}
}

func TestValueKeepsBytesThatAreNoText(t *testing.T) {
	v := Value{Present: true, Text: "a\xff\xfe\n", Mode: 0o4755, UID: 1, GID: 2, MTime: 3}
	data, err := json.Marshal(v)
	must(t, err)
	var back Value
	must(t, json.Unmarshal(data, &back))
	if back != v {
		t.Errorf("%+v became %s and %+v", v, data, back)
	}
}

func TestFailureTakesKeptCopiesBackToo(t *testing.T) {
	root := fakeRoot(t)
	items := append(fakeItems(), Item{ID: "bad", Desired: func(m *Machine) (Desired, error) {
		want := m.file("/etc/zzz", "x\n")
		want.Check = []string{"false"}
		return Desired{Wants: []Want{want}}, nil
	}})
	e := &Engine{Machine: testMachine(t, root), Items: items}
	_, err := e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
	must(t, err)
	must(t, os.WriteFile(root+"/etc/sysctl.d/60-vmgo.conf", []byte("mine\n"), 0o600))
	before := timeless(t, root)
	if _, err := e.Apply(t.Context(), Selection{Only: []string{"alpha", "bad"}}, nil, nil); err == nil {
		t.Fatal("apply succeeded")
	}
	if got := differences(before, timeless(t, root)); len(got) > 0 {
		t.Errorf("the failed apply left %q", got)
	}
}
