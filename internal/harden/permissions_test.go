package harden

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestStoreModes_giveOthersNothingToWriteAndAllToRead(t *testing.T) {
	for _, c := range []struct {
		now, want uint32
		dir       bool
	}{
		{0o600, 0o644, false},
		{0o700, 0o755, false}, // what its owner runs, all may run
		{0o666, 0o644, false},
		{0o4755, 0o755, false}, // nothing in a release is setuid
		{0o2755, 0o755, false},
		{0o1777, 0o755, true},
		{0o700, 0o755, true},
		{0o600, 0o755, true},
		{0o555, 0o555, true},
	} {
		if got := storeMode(Value{Present: true, Mode: c.now, UID: 7, GID: 7}, c.dir, 1, 2); got.Mode != c.want || got.UID != 1 || got.GID != 2 {
			t.Errorf("%04o (directory %v) becomes %04o of %d:%d, want %04o of 1:2", c.now, c.dir, got.Mode, got.UID, got.GID, c.want)
		}
	}
}

func TestStoreModes_followNoLink(t *testing.T) {
	m := made(t, true, map[string]string{"/opt/go/1.22.5/VERSION": "go1.22.5\n", "/srv/secret/key": "secret\n"})
	must(t, os.Chmod(m.Host.Root+"/srv/secret/key", 0o600))
	must(t, os.Symlink("/srv/secret", m.Host.Root+"/opt/go/dir"))
	must(t, os.Symlink("/srv/secret/key", m.Host.Root+"/opt/go/1.22.5/file"))
	must(t, os.Chmod(m.Host.Root+"/opt/go/1.22.5/VERSION", 0o600))
	w := desiredOf(t, m, storeItem())
	if len(w.Wants) != 1 || w.Wants[0].Target != "/opt/go/1.22.5/VERSION" {
		t.Errorf("wants %+v", w.Wants)
	}
}

func TestSudo_isReadOnlyJudgedByVisudoAndBesideRootsOwnPrograms(t *testing.T) {
	files := map[string]string{
		"/usr/sbin/visudo": "", "/etc/sudoers": "Defaults secure_path=/bin\n@includedir /etc/sudoers.d\n", "/etc/sudoers.d": "DIR", "/usr/local/bin": "DIR",
	}
	m := made(t, true, files)
	w := desiredOf(t, m, sudoItem())
	if len(w.Wants) != 1 || w.Wants[0].Value.Mode != 0o440 || !slices.Equal(w.Wants[0].Check, []string{"visudo", "-c", "-f", "{}"}) {
		t.Errorf("wants %+v", w.Wants)
	}
	m.Owner++ // /usr/local/bin is another's now
	if got := verdict(desiredOf(t, m, sudoItem())); !strings.HasPrefix(got, "blocked: others than root may write") {
		t.Errorf("/usr/local/bin is not root's: %s", got)
	}
}

// The user's own file may be a link by then: what it leads to keeps its mode.
func TestSetMode_ofALink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/file", "")
	must(t, os.Chmod(dir+"/file", 0o600))
	must(t, os.Symlink("file", dir+"/link"))
	must(t, setMode(dir+"/link", Value{Present: true, Mode: 0o644, UID: os.Getuid(), GID: os.Getgid()}))
	if info, err := os.Stat(dir + "/file"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("what the link leads to has mode %v, %v", info.Mode(), err)
	}
}

func TestRecordsOfHiddenFilesAreHiddenToo(t *testing.T) {
	hidden, open := Value{Present: true, Mode: 0o640}, Value{Present: true, Mode: 0o644}
	for name, c := range map[string]struct {
		j    journal
		want bool
	}{
		"an original":   {journal{Ledger: ledger{Records: []record{{Kind: File, Original: hidden, Written: open}}}}, true},
		"ours":          {journal{Ledger: ledger{Records: []record{{Kind: File, Original: open, Written: hidden}}}}, true},
		"made by vmgo":  {journal{Ledger: ledger{Records: []record{{Kind: File, Written: hidden}}}}, false},
		"a mode":        {journal{Ledger: ledger{Records: []record{{Kind: Mode, Original: hidden}}}}, false},
		"an old text":   {journal{Changes: []Change{{Kind: File, From: hidden, To: open}}}, true},
		"a new text":    {journal{Changes: []Change{{Kind: File, From: open, To: hidden}}}, true},
		"for all":       {journal{Changes: []Change{{Kind: File, From: open, To: open}}}, false},
		"not of a file": {journal{Changes: []Change{{Kind: Mode, From: hidden, To: open}}}, false},
	} {
		if got := c.j.private(); got != c.want {
			t.Errorf("%s: private is %v", name, got)
		}
	}
}
