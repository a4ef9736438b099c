package harden

import (
	"os"
	"strings"
	"testing"
)

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
	after := snapshot(t, root)
	after["/etc/sysctl.d"] = before["/etc/sysctl.d"] // the test has just changed its time
	if got := differences(before, after); len(got) > 0 {
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

func TestWithdraw(t *testing.T) {
	const original = "\t/dev/a swap swap sw 0 0\n/dev/b / ext4 x 0 1\n/dev/c none swap sw 0 0"
	written, _ := withoutSwap(original)
	for name, c := range map[string]struct{ current, want string }{
		"as written":        {written, original},
		"between the lines": {strings.Replace(written, "/dev/b /", "/dev/b2 /", 1), strings.Replace(original, "/dev/b /", "/dev/b2 /", 1)},
		"at the end":        {written + "/dev/d /d ext4 x 0 2\n", original + "\n/dev/d /d ext4 x 0 2\n"},
		"at the beginning":  {"# mine\n" + written, "# mine\n" + original},
		"in a line of ours": {strings.Replace(written, "/dev/c", "/dev/e", 1), ""},
		"a marker gone":     {strings.Replace(written, BlockEnd+"\n", "", 1), ""},
	} {
		got, ok := withdraw(c.current, written, original)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, ok, c.want)
		}
	}
}

// What somebody has put in the place of a file or link of vmgo's stays theirs,
// and nothing else is kept from being reverted.
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
	after := snapshot(t, root)
	after["/etc"] = before["/etc"] // the test has just changed its time
	if got := differences(before, after); len(got) > 0 {
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
	if s := res.Plan.Items[0]; s.State != Blocked || !strings.Contains(s.Reason, "already exists") {
		t.Errorf("state %s, reason %q", s.State, s.Reason)
	}
	if got := differences(before, snapshot(t, root)); len(got) > 0 {
		t.Errorf("apply changed %q", got)
	}
}
