package harden

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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
	if ran, err := os.ReadFile(commandLog(root)); err == nil {
		t.Errorf("commands ran on this machine: %s", ran)
	}
	if info, err := os.Stat(above); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the directory above the image has mode %v, %v", info.Mode(), err)
	}
	j.Changes[0].Check = []string{"sh", "-c", "true"}
	must(t, os.MkdirAll(root+StateDir, 0o755))
	must(t, m.save(journalFile, &j))
	if _, err := e.Undo(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "vmgo does not know") {
		t.Errorf("a judge of somebody else's: %v", err)
	}
	if ran, err := os.ReadFile(commandLog(root)); err == nil {
		t.Errorf("commands ran on this machine: %s", ran)
	}
}
