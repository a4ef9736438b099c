package harden

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
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

func TestDriftIsReportedAndKept(t *testing.T) {
	root := fakeRoot(t)
	before := snapshot(t, root)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	edited := "vm.swappiness = 1 # mine\n"
	must(t, os.WriteFile(root+"/etc/sysctl.d/60-vmgo.conf", []byte(edited), 0o644))
	must(t, os.WriteFile(root+"/proc/sys/vm/swappiness", []byte("1\n"), 0o644))

	items, err := e.Status(Selection{})
	must(t, err)
	for _, s := range items {
		want := Applied
		if s.ID == "alpha" || s.ID == "beta" {
			want = Drifted
		}
		if s.State != want {
			t.Errorf("%s is %s (%s), want %s", s.ID, s.State, s.Reason, want)
		}
	}
	// A blanket apply leaves the edit alone, naming the item puts ours back.
	res, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	if len(res.Plan.Changes) != 0 {
		t.Errorf("a blanket apply would change drifted cells: %+v", res.Plan.Changes)
	}
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	kept, err := os.ReadFile(root + "/etc/sysctl.d/60-vmgo.conf.vmgo-kept")
	if err != nil || string(kept) != edited {
		t.Errorf("kept %q, %v", kept, err)
	}
	must(t, os.Remove(root+"/etc/sysctl.d/60-vmgo.conf.vmgo-kept"))
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("undo left %q", got)
	}
}

func TestNamingADriftedItemWritesItAgain(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
	must(t, err)
	path := root + "/etc/sysctl.d/60-vmgo.conf"
	ours, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, []byte("mine\n"), 0o600))
	_, err = e.Apply(t.Context(), Selection{Only: []string{"alpha"}}, nil, nil)
	must(t, err)
	if now, _ := os.ReadFile(path); string(now) != string(ours) {
		t.Errorf("the file is %q", now)
	}
	if kept, _ := os.ReadFile(path + ".vmgo-kept"); string(kept) != "mine\n" {
		t.Errorf("kept %q", kept)
	}
}

// What only root may read is in no file that others may read, and in no diff.
func TestPasswordsOfFstabStayHidden(t *testing.T) {
	const password = "hunter2"
	root := fakeRoot(t)
	must(t, os.WriteFile(root+"/etc/fstab", []byte("/dev/vdb none swap sw 0 0\n//nas/s /s cifs username=u,password="+password+",ro 0 0\n"), 0o600))
	must(t, os.Chmod(root+"/etc/fstab", 0o600))
	readable := map[string]bool{}
	look := func(string) {
		for _, path := range []string{ledgerFile, journalFile, originalsDir + "/etc/fstab"} {
			text, _ := os.ReadFile(root + path)
			if info, err := os.Stat(root + path); err == nil && info.Mode().Perm()&0o077 != 0 && strings.Contains(string(text), password) {
				readable[path] = true
			}
		}
	}
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems(), Trace: look}
	res, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	look("")
	page, err := e.Report(res.Plan)
	must(t, err)
	for _, item := range res.Plan.Items {
		for _, c := range item.Changes {
			page = append(page, c.Diff...)
		}
	}
	if strings.Contains(string(page), password) || !strings.Contains(string(page), "password=***,ro") {
		t.Errorf("the diffs show the password, or not its line:\n%s", page)
	}
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	if len(readable) > 0 {
		t.Errorf("others may read %v", readable)
	}
	// Where there is nothing to hide, users may see how things stand.
	root = fakeRoot(t)
	e = &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err = e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	if info, err := os.Stat(root + ledgerFile); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the ledger has mode %v, %v", info.Mode(), err)
	}
}

func TestUndoKeepsForeignEditsOfFstab(t *testing.T) {
	root := fakeRoot(t)
	original, err := os.ReadFile(root + "/etc/fstab")
	must(t, err)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err = e.Apply(t.Context(), Selection{Only: []string{"fstab"}}, nil, nil)
	must(t, err)
	applied, err := os.ReadFile(root + "/etc/fstab")
	must(t, err)
	more := "/dev/vdc /data ext4 defaults 0 2\n"
	must(t, os.WriteFile(root+"/etc/fstab", []byte(string(applied)+more), 0o644))
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	if now, _ := os.ReadFile(root + "/etc/fstab"); string(now) != string(original)+more {
		t.Errorf("fstab is %q", now)
	}
}

// What somebody has put in the place of a file or link of vmgo's stays theirs,
// and keeps nothing else from being taken back.
func TestUndoLeavesWhatIsOfAnotherKind(t *testing.T) {
	const file, link = "/etc/systemd/system.conf.d/60-vmgo.conf", "/etc/systemd/system/sysinit.target.wants/clockd.service"
	root := fakeRoot(t)
	before := snapshot(t, root)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	must(t, os.Remove(root+file))
	must(t, os.Symlink("/dev/null", root+file))
	must(t, os.Remove(root+link))
	must(t, os.WriteFile(root+link, []byte("theirs"), 0o644))
	res, err := e.Undo(t.Context(), nil, nil)
	must(t, err)
	if notes := strings.Join(res.Plan.Notes, "\n"); !strings.Contains(notes, file+" is not a regular file any more") || !strings.Contains(notes, link+" is not a link any more") {
		t.Errorf("notes %q", notes)
	}
	if target, _ := os.Readlink(root + file); target != "/dev/null" {
		t.Errorf("their link leads to %q", target)
	}
	if text, _ := os.ReadFile(root + link); string(text) != "theirs" {
		t.Errorf("their file is %q", text)
	}
	for _, path := range []string{"/etc/systemd/system.conf.d", "/etc/systemd/system"} {
		must(t, os.RemoveAll(root+path))
	}
	must(t, os.RemoveAll(root+"/etc/systemd"))
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("undo left %q", got)
	}
}

func TestUndoKeepsALinkThatLeadsElsewhere(t *testing.T) {
	const link = "/etc/systemd/system/sysinit.target.wants/clockd.service"
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	must(t, os.Remove(root+link))
	must(t, os.Symlink("/elsewhere", root+link))
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	if target, _ := os.Readlink(root + link + ".vmgo-kept"); target != "/elsewhere" {
		t.Errorf("the kept link leads to %q", target)
	}
	if _, err := os.Lstat(root + link); err == nil {
		t.Error("the link that vmgo had made a place for is still there")
	}
}

func TestForeignFileIsNeverOverwritten(t *testing.T) {
	root := fakeRoot(t)
	write(t, root+"/etc/sysctl.d/60-vmgo.conf", "somebody else's\n")
	before := snapshot(t, root)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()[:1]}
	res, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	if s := res.Plan.Items[0]; s.State != Blocked || !strings.Contains(s.Reason, "exists already") {
		t.Errorf("state %s, reason %q", s.State, s.Reason)
	}
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("apply changed %q", got)
	}
}

func TestSavedPlanIsRefusedOnAChangedMachine(t *testing.T) {
	changes := map[string]func(root string) error{
		"a file":    func(root string) error { return os.WriteFile(root+"/etc/fstab", []byte("new\n"), 0o644) },
		"a sysctl":  func(root string) error { return os.WriteFile(root+"/proc/sys/vm/swappiness", []byte("30\n"), 0o644) },
		"a mode":    func(root string) error { return os.Chmod(root+"/opt/go/1.22.5", 0o711) },
		"ours":      func(root string) error { return os.WriteFile(root+"/etc/sysctl.d/60-vmgo.conf", nil, 0o644) },
		"a new dir": func(root string) error { return os.MkdirAll(root+"/etc/systemd/system.conf.d", 0o755) },
	}
	for name, change := range changes {
		root := fakeRoot(t)
		e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
		plan, err := e.Plan(Selection{})
		must(t, err)
		data, err := json.Marshal(plan)
		must(t, err)
		var saved Plan
		must(t, json.Unmarshal(data, &saved))
		must(t, change(root))
		before := snapshot(t, root)
		_, err = e.Apply(t.Context(), Selection{}, &saved, nil)
		var d *diag.Error
		if !errors.As(err, &d) || !strings.Contains(d.Msg, "has changed since") {
			t.Errorf("%s changed: apply says %v", name, err)
		}
		if got := differences(before, snapshot(t, root)); len(got) > 0 {
			t.Errorf("%s changed: refused, but changed %q", name, got)
		}
	}
}

func TestFailureTakesEverythingBack(t *testing.T) {
	root := fakeRoot(t)
	before := snapshot(t, root)
	items := fakeItems()
	items = append(items, Item{ID: "bad", On: Profiles(), Wish: func(m *Machine) (Wish, error) {
		return Wish{Wants: []Want{{Kind: File, Target: "/etc/sudoers.d/60-vmgo", Check: []string{"false", "{}"},
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

func TestImageGetsFilesAndNoRuntimeChanges(t *testing.T) {
	root := fakeRoot(t)
	m := testMachine(t, root)
	m.Live = false
	e := &Engine{Machine: m, Items: fakeItems()}
	res, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	if slices.ContainsFunc(res.Plan.Changes, func(c Change) bool { return c.Kind.runtime() }) || len(res.Plan.Commands) > 0 {
		t.Errorf("an image has runtime changes: %+v", res.Plan)
	}
	if now, _ := os.ReadFile(root + "/proc/sys/vm/swappiness"); string(now) != "60\n" {
		t.Errorf("swappiness is %q", now)
	}
}

func TestImageLinksStayInside(t *testing.T) {
	root := fakeRoot(t)
	outside := t.TempDir()
	must(t, os.RemoveAll(root+"/etc/sysctl.d"))
	must(t, os.Symlink("/../../../../../.."+outside, root+"/etc/sysctl.d"))
	must(t, os.MkdirAll(root+outside, 0o755))
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()[:1]}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("apply wrote outside of the image: %v", entries)
	}
	if _, err := os.Stat(root + outside + "/60-vmgo.conf"); err != nil {
		t.Error(err)
	}
}

// A journal in an image is finished, but nothing of it reaches the machine that
// works on the image: no command, no unit, no swap, no path above the root.
func TestImageJournalStaysInside(t *testing.T) {
	root := fakeRoot(t)
	above := filepath.Dir(root)
	must(t, os.Chmod(above, 0o755))
	log := above + "/commands.log"
	fresh := Value{Present: true, Text: "x\n", Mode: 0o644, UID: os.Getuid(), GID: os.Getgid()}
	j := journal{Format: formatNow, Verb: verbApply, Ledger: ledger{Format: formatNow}, Commands: [][]string{{"systemctl", "daemon-reload"}}, Changes: []Change{
		{Kind: File, Target: "/etc/new", To: fresh},
		{Kind: Mode, Target: "/..", From: Value{Present: true, Mode: 0o755, UID: os.Getuid(), GID: os.Getgid()},
			To: Value{Present: true, Mode: 0o711, UID: os.Getuid(), GID: os.Getgid()}},
		{Kind: Unit, Target: "clockd.service", To: Value{Present: true}},
		{Kind: Swap, Target: "/dev/vdb", From: Value{Present: true, Text: autoPriority}},
	}}
	m := testMachine(t, root)
	m.Live = false
	e := &Engine{Machine: m, Items: fakeItems()}
	must(t, os.MkdirAll(root+StateDir, 0o755))
	must(t, m.save(journalFile, &j))
	res, err := e.Undo(t.Context(), nil, nil)
	must(t, err)
	if res.Finished != verbApply || len(res.Warnings) > 0 {
		t.Errorf("finished %q, warnings %q", res.Finished, res.Warnings)
	}
	if text, _ := os.ReadFile(root + "/etc/new"); string(text) != fresh.Text {
		t.Errorf("the file of the journal is %q", text)
	}
	if ran, err := os.ReadFile(log); err == nil {
		t.Errorf("commands ran on this machine: %s", ran)
	}
	if info, err := os.Stat(above); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the directory above the image has mode %v, %v", info.Mode(), err)
	}
	j.Changes[0].Check = []string{"sh", "-c", "true"}
	must(t, os.MkdirAll(root+StateDir, 0o755))
	must(t, m.save(journalFile, &j))
	if _, err := e.Undo(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "none of vmgo's") {
		t.Errorf("a judge of somebody else's: %v", err)
	}
	if ran, err := os.ReadFile(log); err == nil {
		t.Errorf("commands ran on this machine: %s", ran)
	}
}

func TestReadPlan_refusesWhatCannotHaveBeenTyped(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                           "holds no plan",
		`[1`:                           "holds no plan",
		`{"format":1}`:                 "holds no plan",
		`{"format":1,"verb":"undo"}`:   "plan of an undo",
		`{"format":99,"verb":"apply"}`: "format 99",
		`{"format":1,"verb":"apply","profile":"laptop"}`:                                    "no profile",
		`{"format":1,"verb":"apply","service":{"name":"../x","memory":99999999}}`:           "no name of a service",
		`{"format":1,"verb":"apply","service":{"name":"x","sandbox":true,"write":["/\n"]}}`: "absolute directory",
	} {
		if _, err := ReadPlan([]byte(text)); diag.CodeOf(err) != diag.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if p, err := ReadPlan([]byte(`{"format":1,"verb":"apply","service":{"name":"x","memory":99999999}}`)); err != nil || p.Service.Name != "x.service" {
		t.Errorf("a good plan: %+v, %v", p, err)
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
	if unit.State != Blocked || !strings.Contains(unit.Reason, "systemctl gave no answer within 50ms") {
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
	write(t, root+ledgerFile, `{"format":99}`)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	if _, err := e.Apply(t.Context(), Selection{}, nil, nil); err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("apply says %v", err)
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
	items := append(fakeItems(), Item{ID: "bad", Wish: func(m *Machine) (Wish, error) {
		want := m.file("/etc/zzz", "x\n")
		want.Check = []string{"false"}
		return Wish{Wants: []Want{want}}, nil
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

func TestProfileIsRemembered(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	for _, profile := range []Profile{CI, Dev} { // the second has nothing to change
		_, err := e.Apply(t.Context(), Selection{Profile: profile}, nil, nil)
		must(t, err)
		plan, err := e.Plan(Selection{})
		must(t, err)
		if plan.Profile != profile {
			t.Errorf("after apply with %s the profile is %s", profile, plan.Profile)
		}
	}
}
