package harden

import (
	"os"
	"slices"
	"testing"
)

// What an image or a machine without systemd does not have is neither set nor
// undone there; a directory is wanted once, however many files lie in it.
func TestTransition_leavesOutWhatTheMachineHasNot(t *testing.T) {
	present := Value{Present: true, Text: "1", Mode: 0o644}
	wants := []Want{
		{Kind: Sysctl, Target: "vm.swappiness", Value: present}, {Kind: Unit, Target: "a.service", Value: present},
		{Kind: File, Target: "/etc/d/a", Value: present}, {Kind: File, Target: "/etc/d/b", Value: present},
	}
	for name, c := range map[string]struct {
		live    bool
		systemd string
		want    []Kind
	}{
		"with systemd":    {true, "/run/systemd/system/.keep", []Kind{Sysctl, Unit, Dir, Dir, File, File}},
		"without systemd": {true, "/etc/.keep", []Kind{Sysctl, Dir, Dir, File, File}},
		"an image":        {false, "/run/systemd/system/.keep", []Kind{Dir, Dir, File, File}},
	} {
		m := made(t, c.live, map[string]string{c.systemd: "", "/proc/sys/vm/swappiness": "1\n"})
		var kinds []Kind
		for _, w := range m.expand(wants) {
			kinds = append(kinds, w.Kind)
		}
		if !slices.Equal(kinds, c.want) {
			t.Errorf("%s: wants %v, not %v", name, kinds, c.want)
		}
		tr := newTransition(m, ledger{Items: []entry{{ID: "item"}}, Records: []record{
			{Kind: Sysctl, Target: "vm.swappiness", Items: []string{"item"}, Original: Value{Present: true, Text: "60"}, Written: present},
			{Kind: Unit, Target: "a.service", Items: []string{"item"}, Original: present},
		}})
		must(t, tr.release("item", nil))
		var undone []Kind
		for _, change := range tr.changes {
			undone = append(undone, change.Kind)
		}
		slices.Sort(undone)
		expected := slices.DeleteFunc(slices.Clone(c.want), func(k Kind) bool { return !k.runtime() })
		if slices.Sort(expected); !slices.Equal(undone, expected) {
			t.Errorf("%s: undoes %v, not %v", name, undone, expected)
		}
	}
}

// Only what an item changes is recorded: an undo must not touch the rest.
func TestTransition_recordsOnlyWhatItChanges(t *testing.T) {
	m := made(t, true, map[string]string{"/etc/d/file": "text\n"})
	now, err := m.read(File, "/etc/d/file")
	must(t, err)
	must(t, os.Chmod(m.Host.Path("/etc/d"), 0o700))
	dir := Want{Kind: Dir, Target: "/etc/d", Value: Value{Present: true, Mode: 0o755, UID: m.Owner, GID: m.Group}}
	same, other := now, now
	other.Text = "other\n"
	for name, c := range map[string]struct {
		wants   []Want
		records int
	}{
		"a directory that is there":            {[]Want{dir}, 0},
		"a file that already has the contents": {[]Want{{Kind: File, Target: "/etc/d/file", Value: same}}, 0},
		"a shared file":                        {[]Want{{Kind: File, Target: "/etc/d/file", Value: same, Shared: true}}, 1},
		"a file that is not":                   {[]Want{{Kind: File, Target: "/etc/d/file", Value: other}}, 1},
	} {
		tr := newTransition(m, ledger{})
		for range 2 { // an item that is applied again is listed once
			must(t, tr.apply(Item{ID: "item", What: "w"}, Wish{Wants: c.wants}))
		}
		if len(tr.led.Records) != c.records {
			t.Errorf("%s: records %+v", name, tr.led.Records)
			continue
		}
		for _, r := range tr.led.Records {
			if !slices.Equal(r.Items, []string{"item"}) || !r.Original.Same(now) {
				t.Errorf("%s: recorded %+v", name, r)
			}
		}
		if changes := min(c.records, 1); len(tr.changes) > changes || c.records == 0 && len(tr.changes) > 0 {
			t.Errorf("%s: changes %+v", name, tr.changes)
		}
	}
	// Nor is a directory of our own that is there made again.
	tr := newTransition(m, ledger{Records: []record{{Kind: Dir, Target: "/etc/d", Items: []string{"item"}, Written: dir.Value}}})
	if must(t, tr.want("other", dir)); len(tr.changes) > 0 || !slices.Equal(tr.led.Records[0].Items, []string{"item", "other"}) {
		t.Errorf("changes %+v, records %+v", tr.changes, tr.led.Records)
	}
}

// The mode of a file that is gone cannot be restored, and is forgotten.
func TestTransition_forgetsTheModeOfWhatIsGone(t *testing.T) {
	m := made(t, true, map[string]string{"/etc/.keep": ""})
	value := Value{Present: true, Mode: 0o700}
	tr := newTransition(m, ledger{Records: []record{{Kind: Mode, Target: "/gone", Items: []string{"item"}, Original: value, Written: Value{Present: true, Mode: 0o755}}}})
	if must(t, tr.release("item", nil)); len(tr.changes) > 0 || len(tr.notes) > 0 || len(tr.led.Records) > 0 {
		t.Errorf("changes %+v, notes %q, records %+v", tr.changes, tr.notes, tr.led.Records)
	}
}

// The copies of originals stay as long as the ledger names one, and the ledger as
// long as there is anything in it.
func TestTidy_keepsWhatIsStillNeeded(t *testing.T) {
	original := Value{Present: true, Text: "o", Mode: 0o644}
	for name, c := range map[string]struct {
		led             ledger
		original, state bool
	}{
		"nothing":             {ledger{}, false, false},
		"an item":             {ledger{Items: []entry{{ID: "item"}}}, false, true},
		"a record":            {ledger{Records: []record{{Kind: File, Target: "/etc/a", Original: original}}}, true, true},
		"a file made by vmgo": {ledger{Records: []record{{Kind: File, Target: "/etc/a"}}}, false, true},
		"the mode of a file":  {ledger{Records: []record{{Kind: Mode, Target: "/etc/a", Original: original}}}, false, true},
	} {
		m := made(t, true, map[string]string{originalsDir + "/etc/a": "o", ledgerFile: "{}"})
		must(t, m.tidy(c.led, func(string) {}))
		_, originalErr := os.Lstat(m.Host.Path(originalsDir + "/etc/a"))
		_, ledgerErr := os.Lstat(m.Host.Path(ledgerFile))
		if (originalErr == nil) != c.original || (ledgerErr == nil) != c.state {
			t.Errorf("%s: original %v, ledger %v", name, originalErr, ledgerErr)
		}
	}
}

// Only what was there before vmgo has an original to keep.
func TestBackup_keepsFilesThatWereThere(t *testing.T) {
	m := made(t, true, map[string]string{"/etc/.keep": ""})
	must(t, os.MkdirAll(m.Host.Path(StateDir), 0o755))
	must(t, m.backup(ledger{Records: []record{
		{Kind: File, Target: "/etc/new"}, {Kind: Mode, Target: "/etc/mode", Original: Value{Present: true}},
		{Kind: File, Target: "/etc/old", Original: Value{Present: true, Text: "old\n", Mode: 0o640, UID: m.Owner, GID: m.Group}},
	}}, func(string) {}))
	for path, want := range map[string]bool{"/etc/new": false, "/etc/mode": false, "/etc/old": true} {
		if _, err := os.Lstat(m.Host.Path(originalsDir + path)); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}
