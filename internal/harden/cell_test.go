package harden

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fsx"
)

func quiet(string) {}

// What others wrote must be safe beside the file before that is replaced.
func TestWrite_replacesNothingThatItCannotKeep(t *testing.T) {
	m := made(t, true, map[string]string{"/etc/file": "mine\n", "/etc/.kept.vmgo-stage/in-the-way": ""})
	now, err := m.read(File, "/etc/file")
	must(t, err)
	to := now
	to.Text = "ours\n"
	if err := m.write(Change{Kind: File, Target: "/etc/file", From: now, To: to, Keep: "/etc/kept"}, quiet); !isNotEmpty(err) {
		t.Errorf("write says %v", err)
	}
	if text, err := os.ReadFile(m.Host.Root + "/etc/file"); err != nil || string(text) != "mine\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// What is to go and is gone already is no error; what cannot be removed is one.
func TestWrite_removes(t *testing.T) {
	for name, c := range map[string]struct {
		kind   Kind
		target string
		want   error
	}{
		"a file":              {File, "/d/file", nil},
		"a file that is gone": {File, "/d/gone", nil},
		"no file":             {File, "/full", syscall.ENOTEMPTY},
		"a link":              {Link, "/d/link", nil},
		"a directory":         {Dir, "/empty", nil},
		"a gone directory":    {Dir, "/gone", nil},
		"a full directory":    {Dir, "/full", syscall.ENOTEMPTY},
	} {
		m := made(t, true, map[string]string{"/d/file": "x", "/empty": "DIR", "/full/x": ""})
		must(t, os.Symlink("file", m.Host.Root+"/d/link"))
		err := m.write(Change{Kind: c.kind, Target: c.target}, quiet)
		if c.want == nil && err != nil || c.want != nil && !isNotEmpty(err) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, err := os.Lstat(m.Host.Root + c.target); (err == nil) != (c.want != nil) {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
}

// A directory that others made meanwhile gets its mode; a mode that is not
// wanted changes nothing; and what only begins like the store is not of it.
func TestWrite_modes(t *testing.T) {
	for name, c := range map[string]struct {
		kind   Kind
		target string
		absent bool
		want   os.FileMode
	}{
		"a new directory":         {Dir, "/new", false, 0o755},
		"a directory":             {Dir, "/opt", false, 0o755},
		"the store":               {Mode, MachineStore, false, 0o755},
		"a file of the store":     {Mode, MachineStore + "/file", false, 0o755},
		"beside the store":        {Mode, MachineStore + "pher", false, 0o755},
		"no mode":                 {Mode, "/opt", true, 0o700},
		"no mode in the store":    {Mode, MachineStore + "/file", true, 0o700},
		"a user's directory":      {Dir, "/home/dev/new", false, 0o755},
		"a user's that is there":  {Dir, "/home/dev", false, 0o755},
		"a user's, and no parent": {Dir, "/home/gone/new", false, 0},
		"the mode of nothing":     {Mode, "/home/gone", false, 0},
		"a user's link":           {Dir, "/home/dev/link", false, 0},
		"a file of a user":        {Mode, "/home/dev", false, 0o755},
		"beyond a link":           {Dir, "/srv/new", false, 0o755},
	} {
		m := made(t, true, map[string]string{MachineStore + "/file": "", MachineStore + "pher/x": "", "/home/dev": "DIR"})
		to := Value{Present: !c.absent, Mode: uint32(c.want), UID: m.Owner, GID: m.Group}
		must(t, os.Symlink("/opt", m.Host.Root+"/srv"))
		must(t, os.Symlink("/opt", m.Host.Root+"/home/dev/link"))
		for _, dir := range []string{"/opt", MachineStore, MachineStore + "/file", MachineStore + "pher", "/home/dev"} {
			must(t, os.Chmod(m.Host.Root+dir, 0o700))
		}
		if strings.HasPrefix(c.target, "/home") && os.Getuid() == 0 {
			to.UID, to.GID = 12345, 12345
		}
		if c.absent {
			to = Absent()
		}
		err := m.write(Change{Kind: c.kind, Target: c.target, To: to}, quiet)
		if c.target == "/home/dev/link" && os.Getuid() != 0 {
			continue // only root must not follow it
		}
		if (err == nil) != (c.want != 0) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		info, err := m.Host.Stat(c.target)
		must(t, err)
		uid, gid := owner(info)
		if info.Mode().Perm() != c.want || to.Present && (uid != to.UID || gid != to.GID) {
			t.Errorf("%s: mode %v of %d:%d", name, info.Mode(), uid, gid)
		}
	}
}

// An owner differs by its user or by its group alone.
func TestSetMode_owner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may give a file away")
	}
	path := t.TempDir() + "/file"
	write(t, path, "")
	for _, to := range []Value{{UID: 1}, {UID: 1, GID: 2}, {UID: 3, GID: 2}, {}} {
		to.Present, to.Mode = true, 0o4755
		must(t, setMode(path, to))
		info, err := os.Stat(path)
		must(t, err)
		if uid, gid := owner(info); uid != to.UID || gid != to.GID || info.Mode()&os.ModeSetuid == 0 {
			t.Errorf("%d:%d, mode %v, want %d:%d", uid, gid, info.Mode(), to.UID, to.GID)
		}
	}
}

// A new file has the time of its making, a restored one the time that it had.
func TestPlace_times(t *testing.T) {
	m := made(t, true, map[string]string{"/etc": "DIR"})
	for _, nanos := range []int64{0, 1e18 + 5} {
		begun := time.Now().Add(-time.Minute)
		must(t, m.write(Change{Kind: File, Target: "/etc/file", To: Value{Present: true, Mode: 0o644, UID: m.Owner, GID: m.Group, MTime: nanos}}, quiet))
		info, err := os.Stat(m.Host.Root + "/etc/file")
		must(t, err)
		if got := info.ModTime(); nanos == 0 && got.Before(begun) || nanos != 0 && got.UnixNano() != nanos {
			t.Errorf("asked for %d, it is of %v", nanos, got)
		}
	}
}

// A change that is done is swept, also where its directory is gone or a file;
// what cannot be swept is said.
func TestSweep(t *testing.T) {
	m := made(t, true, map[string]string{"/d/.file.vmgo-stage": "", "/d/.kept.vmgo-stage": "", "/d/.dropped.vmgo-stage": "", "/d/dropped": "", "/d/.mode.vmgo-stage": "", "/d/.link.vmgo-stage": "",
		"/file": "", "/d/.full.vmgo-stage/x": ""})
	must(t, m.sweep(Change{Kind: File, Target: "/d/file", Keep: "/d/kept", drop: "/d/dropped"}))
	above := stagePath(m.Host.Root) // what a copy without a name would leave
	write(t, above, "")
	must(t, m.sweep(Change{Kind: Link, Target: "/d/link"}))
	must(t, m.sweep(Change{Kind: Link, Target: "/gone/link"}))
	must(t, m.sweep(Change{Kind: File, Target: "/file/below"}))
	must(t, m.sweep(Change{Kind: Mode, Target: "/d/mode"}))
	must(t, m.sweep(Change{Kind: Mode, Target: "/d/full"}))
	if err := m.sweep(Change{Kind: File, Target: "/d/full"}); !isNotEmpty(err) {
		t.Errorf("a stage that cannot go: %v", err)
	}
	entries, err := os.ReadDir(m.Host.Root + "/d")
	must(t, err)
	if len(entries) != 2 || entries[0].Name() != ".full.vmgo-stage" || entries[1].Name() != ".mode.vmgo-stage" {
		t.Errorf("left %v", entries)
	}
	for _, path := range []string{m.Host.Root + "/file", above} {
		if err := os.Remove(path); err != nil {
			t.Errorf("what is not of the change: %v", err)
		}
	}
}

// Half a file is none, be it ours, a copy of what others wrote, or a record.
func TestWrite_whereTheDiskIsFull(t *testing.T) {
	m := testMachine(t, fullRoot(t, 8192))
	large := Value{Present: true, Text: strings.Repeat("x", 100_000), Mode: 0o600, UID: m.Owner, GID: m.Group, MTime: 1}
	for name, write := range map[string]func() error{
		"/etc/new": func() error { return m.write(Change{Kind: File, Target: "/etc/new", To: large}, quiet) },
		"/etc/kept": func() error {
			return m.keep(Change{Kind: File, Target: "/etc/fstab", Keep: "/etc/kept", From: large}, quiet)
		},
		"/etc/own": func() error { return m.replace(m.Host.Path("/etc/own"), []byte(large.Text), 0o600) },
	} {
		if err := write(); !fsx.IsFull(err) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(m.Host.Path(name)); err == nil {
			t.Errorf("%s is there", name)
		}
		_ = os.Remove(stagePath(m.Host.Path(name)))
	}
}
