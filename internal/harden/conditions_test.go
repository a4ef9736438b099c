package harden

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

func TestItemsAreRefusedWhereTheyCannotWork(t *testing.T) {
	const mounts = "1 0 8:1 / / rw - ext4 /dev/vda rw\n"
	for name, c := range map[string]struct {
		item  Item
		live  bool
		files map[string]string
		want  string
	}{
		"no place for GOTMPDIR": {tmpItem(), true, map[string]string{
			"/proc/self/mountinfo": mounts + "2 1 0:5 / /tmp rw,noexec - tmpfs tmpfs rw\n3 1 0:6 / /var/tmp rw,noexec - tmpfs tmpfs rw\n"},
			"blocked: /var/tmp is noexec too"},
		"/tmp is in fstab": {tmpItem(), true, map[string]string{"/proc/self/mountinfo": mounts, "/etc/fstab": "tmpfs /tmp tmpfs defaults 0 0\n"},
			"not applicable: /tmp is mounted by /etc/fstab, which is yours"},
		"another mount in fstab": {tmpItem(), true, map[string]string{"/proc/self/mountinfo": mounts, "/etc/fstab": "tmpfs /srv tmpfs defaults 0 0\n/tmp\n"},
			"not applicable: /tmp is a directory of the root file system, not a mount"},
		"the host's kernel": {swappinessItem(), true, map[string]string{
			"/proc/sys/vm/swappiness": "60\n", "/proc/self/mountinfo": mounts + "2 1 0:5 / /proc/sys ro - proc proc rw\n"},
			"blocked: the kernel's settings are read-only here"},
		"its own kernel": {swappinessItem(), true, map[string]string{
			"/proc/sys/vm/swappiness": "60\n", "/proc/self/mountinfo": mounts + "2 1 0:5 / /proc/sys rw - proc proc rw\n"}, "wanted"},
		"an image, whose mounts are not its own": {tmpItem(), false, map[string]string{
			"/proc/self/mountinfo":              mounts + "2 1 0:5 / /tmp rw,noexec - tmpfs tmpfs rw\n3 1 0:6 / /var/tmp rw,noexec - tmpfs tmpfs rw\n",
			"/usr/lib/systemd/system/tmp.mount": "", "/usr/lib/systemd/system/local-fs.target.wants/tmp.mount": ""}, "wanted"},
		"an image, whose kernel is not its own": {swappinessItem(), false, map[string]string{
			"/proc/sys/vm/swappiness": "60\n", "/proc/self/mountinfo": mounts + "2 1 0:5 / /proc/sys ro - proc proc rw\n"}, "wanted"},
	} {
		c.files["/tmp"], c.files["/var/tmp"] = "DIR", "DIR"
		if got := verdict(desiredOf(t, made(t, c.live, c.files), c.item)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWithoutSwap_touchesSwapLinesOnly(t *testing.T) {
	const text = "#/dev/vdb none swap sw 0 0\n# a comment swap\nshort swap\n\n/dev/vdc /swap ext4 defaults 0 0\n"
	if got, n := withoutSwap(text); got != text || n != 0 {
		t.Errorf("%d swap lines: %q", n, got)
	}
	if got, n := withoutSwap("/dev/vdb none swap"); n != 1 || got != BlockBegin+"\n# /dev/vdb none swap\n"+BlockEnd+"\n" {
		t.Errorf("%d swap lines: %q", n, got)
	}
}

func TestNewService_refuses(t *testing.T) {
	for _, s := range []Service{
		{Name: "a"}, {Name: "a/b", Sandbox: true}, {Name: "", Sandbox: true}, {Name: "a", Memory: minMemory - 1}, {Name: "a", Memory: -1},
		{Name: "a", CPUs: 0.001}, {Name: "a", CPUs: 5000}, {Name: "a", Sandbox: true, Write: []string{"var"}}, {Name: "a", Sandbox: true, Write: []string{"/%h"}},
		{Name: "a", User: true, Memory: minMemory, Sandbox: true}, {Name: "a", User: true, CPUs: 1, Observe: true},
	} {
		if _, err := NewService(s); diag.CodeOf(err) != diag.Usage {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if _, err := NewService(Service{Name: "a", User: true}); diag.CodeOf(err) != diag.Usage || strings.Contains(err.Error(), "sandbox") {
		t.Errorf("names flags that --user does not have: %v", err)
	}
	for _, s := range []Service{{Name: "a", Memory: minMemory}, {Name: "a@b.service", CPUs: 0.01}, {Name: "a", Sandbox: true, Write: []string{"/var/lib/a"}}} {
		if _, err := NewService(s); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestRead_refusesWhatIsOfAnotherKind(t *testing.T) {
	m := made(t, true, map[string]string{"/file": "x", "/dir": "DIR", "/large": strings.Repeat("x", maxFile+1), "/limit": strings.Repeat("x", maxFile)})
	must(t, os.Symlink("/file", m.Host.Root+"/link"))
	must(t, os.Symlink("/dir", m.Host.Root+"/dirlink"))
	must(t, os.Symlink("/gone", m.Host.Root+"/nowhere"))
	for _, c := range []struct {
		kind   Kind
		target string
		want   string
	}{
		{Dir, "/file", "is not a directory"}, {Dir, "/link", "is not a directory"}, {Dir, "/dirlink", ""}, {Dir, "/dir", ""}, {Dir, "/nowhere", "no such file"},
		{File, "/dir", "is not a regular file"}, {File, "/link", "is not a regular file"}, {File, "/large", "larger than"}, {File, "/limit", ""},
		{Link, "/file", "is not a link"}, {Link, "/link", ""}, {File, "/file/below", ""},
	} {
		if _, err := m.read(c.kind, c.target); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %s: %v, want %q", c.kind, c.target, err, c.want)
		}
	}
}

// The judge of a file in an image is the image's own, unless this machine cannot
// run it; what it refuses is refused.
func TestCheck_isMadeWhereTheFileWillBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		live  bool
		says  string // of the image's own judge
		first string
		runs  int
		fails bool
	}{
		"running":              {true, "", "visudo -c -f ", 1, false},
		"an image":             {false, "", "chroot ", 1, false},
		"refused":              {false, "syntax error", "chroot ", 1, true},
		"another architecture": {false, "Exec format error", "chroot ", 2, false},
	} {
		m := made(t, c.live, map[string]string{"/etc/new": ""})
		var ran []string
		m.Host.Run = func(cmd *exec.Cmd) error {
			ran = append(ran, strings.Join(cmd.Args, " "))
			if c.says != "" && len(ran) == 1 {
				_, err := cmd.Stderr.Write([]byte(c.says))
				must(t, err)
				return &exec.ExitError{}
			}
			return nil
		}
		err := m.check(visudo(), m.Host.Root+"/etc/new")
		if (err != nil) != c.fails || len(ran) != c.runs || !strings.HasPrefix(ran[0], c.first) {
			t.Errorf("%s: ran %q: %v", name, ran, err)
		}
		if inside := c.first == "chroot "; inside && !strings.HasSuffix(ran[0], "visudo -c -f /etc/new") {
			t.Errorf("%s: the image's own judge is given %q", name, ran[0])
		}
		if last := ran[len(ran)-1]; c.runs == 2 && last != "visudo -c -f "+m.Host.Root+"/etc/new" {
			t.Errorf("%s: this machine's judge is given %q", name, last)
		}
	}
	if err := made(t, true, nil).check(nil, "/etc/new"); err != nil {
		t.Errorf("no judge: %v", err)
	}
}

func TestJournalOfAnotherFormatIsRefused(t *testing.T) {
	root := fakeRoot(t)
	write(t, root+journalFile, `{"format":99,"verb":"apply"}`)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Undo(t.Context(), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("undo says %v", err)
	}
}

func TestUndoLeavesFilesOfOthersInTheStateDirectory(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	write(t, root+StateDir+"/notes", "whose?\n")
	_, err = e.Undo(t.Context(), nil, nil)
	must(t, err)
	names := []string{}
	for _, e := range e.Machine.Host.ReadDir(StateDir) {
		names = append(names, e.Name())
	}
	if !slices.Contains(names, "notes") || slices.Contains(names, "ledger.json") {
		t.Errorf("undo left %q", names)
	}
}

func TestMayChange(t *testing.T) {
	for _, c := range []struct {
		uid, owner int
		want       bool
	}{{0, 0, true}, {0, 1000, true}, {1000, 1000, true}, {1000, 0, false}} {
		m := Machine{Owner: c.owner}
		m.Host.UID = c.uid
		if m.MayChange() != c.want {
			t.Errorf("user %d, tree of %d: %v", c.uid, c.owner, !c.want)
		}
	}
}
