package harden

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
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
		m := made(t, c.live, map[string]string{c.systemd: "", "/proc/sys/vm/swappiness": "1\n", "/etc/x": "w\n"})
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
			{Kind: File, Target: "/etc/x", Items: []string{"item"}, Written: Value{Present: true, Text: "w\n"}},
		}})
		must(t, tr.release("item", nil))
		var undone []Kind
		for _, change := range tr.changes {
			undone = append(undone, change.Kind)
		}
		slices.Sort(undone)
		expected := append(slices.DeleteFunc(slices.Clone(c.want), func(k Kind) bool { return !k.runtime() }), File)
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
			must(t, tr.apply(Item{ID: "item", What: "w"}, Desired{Wants: c.wants}))
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
		{Kind: File, Target: "/etc/older", Original: Value{Present: true, Text: "older\n", Mode: 0o640, UID: m.Owner, GID: m.Group}},
	}}, func(string) {}))
	for path, want := range map[string]bool{"/etc/new": false, "/etc/mode": false, "/etc/old": true, "/etc/older": true} {
		if _, err := os.Lstat(m.Host.Path(originalsDir + path)); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A copy is kept of what others wrote, be it a file or a link, and of nothing else.
func TestMove_keepsWhatOthersWrote(t *testing.T) {
	ours, theirs := Value{Present: true, Text: "ours", Mode: 0o644}, Value{Present: true, Text: "theirs", Mode: 0o600}
	for name, c := range map[string]struct {
		kind         Kind
		now, written Value
		kept         bool
	}{
		"a file":           {File, theirs, ours, true},
		"a link":           {Link, theirs, ours, true},
		"a mode":           {Mode, theirs, ours, false},
		"ours":             {File, ours, ours, false},
		"removed":          {File, Absent(), ours, false},
		"never written":    {File, theirs, Absent(), false},
		"a thousand times": {File, theirs, ours, true},
	} {
		m := made(t, true, map[string]string{"/etc/.keep": ""})
		tr := newTransition(m, ledger{})
		full := name == "a thousand times"
		for n := 0; full && n < 1000; n++ {
			write(t, m.Host.Root+"/etc/x"+strings.TrimPrefix("."+strconv.Itoa(n), ".0")+".vmgo-kept", "")
		}
		r := record{Kind: c.kind, Target: "/etc/x", Written: c.written}
		err := tr.move("item", &r, c.now, Value{Present: true, Text: "new", Mode: 0o644}, nil)
		if full {
			if err == nil || len(tr.changes) > 0 {
				t.Errorf("%s: %v, %+v", name, err, tr.changes)
			}
			write(t, m.Host.Root+"/etc/x", "theirs")
			tr.led.add(record{Kind: File, Target: "/etc/x", Items: []string{"item"}, Written: ours})
			if err := tr.want("item", Want{Kind: File, Target: "/etc/x", Value: ours}); err == nil {
				t.Error("it is wanted all the same")
			}
			tr.led.find(cellKey{File, "/etc/x"}).Written = ours
			if err := tr.release("item", nil); err == nil {
				t.Error("it is released all the same")
			}
			continue
		}
		if err != nil || len(tr.changes) != 1 || (tr.changes[0].Keep != "") != c.kept {
			t.Errorf("%s: %v, %+v", name, err, tr.changes)
		}
	}
}

// Where something of another kind has taken the place of a cell, what vmgo made
// is theirs now; what was there before vmgo cannot be restored, which is said.
func TestRelease_ofWhatIsOfAnotherKind(t *testing.T) {
	for name, c := range map[string]struct {
		original Value
		fails    bool
	}{"made by vmgo": {Absent(), false}, "there before": {Value{Present: true, Text: "o", Mode: 0o644}, true}} {
		m := made(t, true, map[string]string{"/etc/x": "DIR"})
		led := ledger{Records: []record{{Kind: File, Target: "/etc/x", Items: []string{"item"}, Original: c.original, Written: Value{Present: true, Text: "w"}}}}
		tr := newTransition(m, led)
		if err := tr.apply(Item{ID: "item"}, Desired{}); (err != nil) != c.fails || len(tr.changes) > 0 || !c.fails && len(tr.notes) != 1 {
			t.Errorf("%s: %v, %+v, notes %q", name, err, tr.changes, tr.notes)
		}
	}
	m := made(t, true, map[string]string{"/etc/x": "DIR"})
	tr := newTransition(m, ledger{})
	if err := tr.apply(Item{ID: "item"}, Desired{Wants: []Want{{Kind: File, Target: "/etc/x", Value: Value{Present: true}}}}); err == nil {
		t.Errorf("a directory is wanted as a file: %+v", tr.changes)
	}
}

// A directory that only changed its mode goes without a word.
func TestRelease_ofADirectory(t *testing.T) {
	m := made(t, true, map[string]string{"/etc/d": "DIR"})
	must(t, os.Chmod(m.Host.Path("/etc/d"), 0o711))
	tr := newTransition(m, ledger{Records: []record{{Kind: Dir, Target: "/etc/d", Items: []string{"item"}, Written: Value{Present: true, Mode: 0o755, UID: m.Owner, GID: m.Group}}}})
	if must(t, tr.release("item", nil)); len(tr.changes) != 1 || tr.changes[0].To.Present || len(tr.notes) > 0 {
		t.Errorf("changes %+v, notes %q", tr.changes, tr.notes)
	}
}

// A step that changes nothing is none.
func TestMove_toWhatIsThere(t *testing.T) {
	m := made(t, true, map[string]string{"/etc/.keep": ""})
	tr := newTransition(m, ledger{})
	there := Value{Present: true, Text: "x"}
	r := record{Kind: File, Target: "/etc/x", Written: Value{Present: true, Text: "before"}}
	if must(t, tr.move("item", &r, there, there, nil)); len(tr.changes)+len(tr.steps) > 0 || r.Written != there {
		t.Errorf("changes %+v, steps %+v, record %+v", tr.changes, tr.steps, r)
	}
}

// A cell goes back to what was there before vmgo, whatever others made of it, and stays
// as it is while another item wants it.
func TestRelease_restores(t *testing.T) {
	value := func(text string) Value { return Value{Present: true, Text: text, Mode: 0o644} }
	for name, c := range map[string]struct {
		now                        string
		items                      []string
		original, written, restore Value
	}{
		"as it was written":              {"w\n", []string{"item"}, value("o\n"), value("w\n"), value("o\n")},
		"with a line of theirs":          {"w\nx\n", []string{"item"}, value("o\n"), value("w\n"), value("o\nx\n")},
		"theirs":                         {"x\n", []string{"item"}, value("o\n"), value("w\n"), value("o\n")},
		"made by vmgo, a line of theirs": {"w\nx\n", []string{"item"}, Absent(), value("w\n"), Absent()},
		"wanted by another":              {"w\n", []string{"other", "item"}, value("o\n"), value("w\n"), value("")},
	} {
		m := made(t, true, map[string]string{"/etc/x": c.now})
		tr := newTransition(m, ledger{Records: []record{{Kind: File, Target: "/etc/x", Items: c.items, Original: c.original, Written: c.written}}})
		must(t, tr.release("item", nil))
		if len(c.items) > 1 {
			if len(tr.changes) > 0 || len(tr.led.Records) != 1 {
				t.Errorf("%s: changes %+v, records %+v", name, tr.changes, tr.led.Records)
			}
			continue
		}
		if len(tr.changes) != 1 || !tr.changes[0].To.Same(c.restore) || len(tr.led.Records) > 0 {
			t.Errorf("%s: changes %+v, want %+v", name, tr.changes, c.restore)
		}
	}
}

// The state directory goes with what was made for it, as far as that is empty, and what
// is gone already is no reason to stop.
func TestTidy_removesWhatWasMade(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		left  string
	}{
		"all of it":          {map[string]string{"/var/.keep": "", ledgerFile: "{}"}, "/var"},
		"no state directory": {map[string]string{"/var/.keep": "", "/var/lib/vmgo": "DIR"}, "/var"},
		"one that is in use": {map[string]string{"/var/.keep": "", ledgerFile: "{}", "/var/lib/vmgo/other": ""}, "/var/lib/vmgo"},
	} {
		m := made(t, true, c.files)
		must(t, m.tidy(ledger{Above: "/var"}, func(string) {}))
		deepest := "/"
		for _, dir := range []string{"/var", "/var/lib", "/var/lib/vmgo", StateDir} {
			if _, err := os.Lstat(m.Host.Path(dir)); err == nil {
				deepest = dir
			}
		}
		if deepest != c.left {
			t.Errorf("%s: %s is left, want %s", name, deepest, c.left)
		}
	}
	m := made(t, true, map[string]string{"/var/lib/vmgo": "DIR"})
	must(t, os.Chmod(m.Host.Path("/var/lib"), 0o555))
	t.Cleanup(func() { _ = os.Chmod(m.Host.Path("/var/lib"), 0o755) })
	root, err := os.Open(m.Host.Root)
	must(t, err)
	defer root.Close()
	m.Host.Root = "/proc/self/fd/" + strconv.Itoa(int(root.Fd())) // what is above it may be closed to others
	asNobody(func() {
		if err := m.tidy(ledger{}, func(string) {}); !errors.Is(err, os.ErrPermission) || !strings.HasSuffix(err.Error(), "/vmgo: permission denied") {
			t.Errorf("a directory that may not be removed: %v", err)
		}
	})
}

// Who may not read the record is told that root may.
func TestLoadLedger_ofRoot(t *testing.T) {
	m := made(t, true, map[string]string{ledgerFile: "{}"})
	must(t, os.Chmod(m.Host.Path(ledgerFile), 0))
	asNobody(func() {
		if _, err := m.loadLedger(); err == nil || !strings.Contains(err.Error(), "only root may read") {
			t.Errorf("a ledger of root's: %v", err)
		}
	})
}

// asNobody calls f in a thread that, if it is root's, has no more rights in the file
// system than nobody.
func asNobody(f func()) {
	var thread sync.WaitGroup
	thread.Go(func() {
		runtime.LockOSThread() // for good: the thread ends with this function
		_ = syscall.Setfsuid(65534)
		f()
	})
	thread.Wait()
}
