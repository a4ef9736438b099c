package onhost

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/delta"
	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/sshsig"
)

// journalctl prints the entries of a file, as the real one does.
const journalctl = `#!/bin/sh
after=x
for word; do case $word in --after-cursor=*) after=${word#*=} ;; esac; done
[ "$after" = x ] && exec cat "$JOURNAL"
sed "0,/\"$after\"/d" "$JOURNAL"
`

// logged is a service in a tree, with a journal, whose logs are archived.
type logged struct {
	*testing.T
	*App
	bin, store, entries string
	now                 time.Time
	n                   int
}

func newLogged(t *testing.T, logs config.Logs) *logged {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("there is no ssh-keygen")
	}
	root := t.TempDir()
	l := &logged{T: t, bin: root + "/bin", store: root + "/store", entries: root + "/entries", now: time.Date(2026, 11, 28, 6, 0, 0, 0, time.UTC)}
	h := host.OS()
	h.Env = maps.Clone(h.Env)
	h.Env["PATH"], h.Env["JOURNAL"] = l.bin+":"+h.Env["PATH"], l.entries
	h.Now = func() time.Time { return l.now }
	l.App = &App{Host: h, Root: root, Name: "app", Who: "dev", Say: func(string) {}}
	l.write(l.bin+"/journalctl", journalctl, 0o755)
	l.write(l.store+"/.keep", "", 0o644)
	l.write(root+HostKey+".dir", "", 0o644)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", root+HostKey).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l.log("first")
	l.release(logs)
	return l
}

func (l *logged) write(name, text string, mode os.FileMode) {
	l.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		l.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		l.Fatal(err)
	}
}

// release makes a release with that configuration the current one.
func (l *logged) release(logs config.Logs) {
	l.Helper()
	logs.Schedule = "daily"
	text, err := json.Marshal(config.Config{Name: "app", Logs: logs})
	if err != nil {
		l.Fatal(err)
	}
	stage := l.path("releases") + "/new"
	l.write(stage+"/"+pack.ConfigFile, string(text), 0o644)
	l.write(stage+"/bin/app", "", 0o755)
	m := pack.Manifest{Format: 1, Name: "app", Version: "1"}
	if m.Files, err = pack.List(stage); err != nil {
		l.Fatal(err)
	}
	encoded, err := m.Encode()
	if err != nil {
		l.Fatal(err)
	}
	l.write(stage+"/"+pack.ManifestFile, string(encoded), 0o644)
	id := pack.ID(m, encoded)
	if err := os.Rename(stage, l.path("releases/"+id)); err != nil {
		l.Fatal(err)
	}
	if err := replaceLink("releases/"+id, l.path("current")); err != nil {
		l.Fatal(err)
	}
}

// log adds an entry to the journal.
func (l *logged) log(message string) {
	l.Helper()
	l.n++
	old, _ := os.ReadFile(l.entries)
	entry, err := json.Marshal(map[string]any{"__CURSOR": "s=" + string(rune('a'+l.n)), "__REALTIME_TIMESTAMP": "1795845600000000", "MESSAGE": message})
	if err != nil {
		l.Fatal(err)
	}
	l.write(l.entries, string(old)+string(entry)+"\n", 0o644)
}

func (l *logged) archive() Archived {
	l.Helper()
	l.now = l.now.Add(time.Hour)
	r, err := l.Archive(context.Background())
	if (err != nil) != (r.Error != "") {
		l.Errorf("%v, and the record says %q", err, r.Error)
	}
	return r
}

// unpack verifies an archive and returns what it has.
func (l *logged) unpack(file string) map[string]string {
	l.Helper()
	in, err := os.Open(file)
	if err != nil {
		l.Fatal(err)
	}
	defer in.Close()
	content, err := delta.Reader(in, nil)
	if err != nil {
		l.Fatal(err)
	}
	defer content.Close()
	reader := tar.NewReader(content)
	s, h, err := pack.ReadHead(reader, pack.DecodeLogs)
	if err != nil {
		l.Fatal(err)
	}
	key, err := l.LogKey()
	if err != nil {
		l.Fatal(err)
	}
	signers, err := sshsig.ParseSigners([]byte("vm1 " + key))
	if err != nil {
		l.Fatal(err)
	}
	if _, err := sshsig.Verify(bytes.NewReader(s.Encoded), s.Signature, signers, pack.LogsNamespace, l.now); err != nil {
		l.Error(err)
	}
	dir := l.TempDir()
	if err := pack.Extract(reader, h, s, dir); err != nil {
		l.Fatal(err)
	}
	has := map[string]string{}
	for _, f := range s.Manifest.Files {
		data, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			l.Fatal(err)
		}
		has[f.Path] = string(data)
	}
	return has
}

// TestArchive_goesOnWhereItEnded archives each entry once, and files that changed.
func TestArchive_goesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	l := newLogged(t, config.Logs{Files: []string{"/srv/app/*.log"}})
	l.write(l.Root+"/srv/app/a.log", "one", 0o600)
	if err := os.Symlink(l.Root+HostKey, l.Root+"/srv/app/secret.log"); err != nil {
		t.Fatal(err)
	}
	r := l.archive()
	if has := l.unpack(r.Archive); r.Lines != 1 || r.Files != 1 || len(has) != 2 || !strings.Contains(has["journal.json"], `"first"`) || has["files/srv/app/a.log"] != "one" {
		t.Errorf("%+v has %q", r, has)
	}
	if r := l.archive(); r.Archive != "" || r.Waiting != 1 || r.Error != "" {
		t.Errorf("nothing new: %+v", r)
	}
	l.log("second")
	r = l.archive()
	if has := l.unpack(r.Archive); r.Lines != 1 || r.Files != 0 || strings.Contains(has["journal.json"], "first") || !strings.Contains(has["journal.json"], "second") {
		t.Errorf("%+v has %q", r, has)
	}
	l.log("third")
	l.write(l.bin+"/journalctl", journalctl+"\nexit 3\n", 0o755)
	if r := l.archive(); r.Archive != "" || !strings.Contains(r.Error, "journalctl") {
		t.Errorf("journalctl fails: %+v", r)
	}
	l.write(l.bin+"/journalctl", journalctl, 0o755)
	if r = l.archive(); !strings.Contains(l.unpack(r.Archive)["journal.json"], "third") {
		t.Error("an entry was lost with the archive that failed")
	}
	if left, _ := filepath.Glob(filepath.Dir(r.Archive) + "/.stage.*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestArchive_deletesOnlyWhatIsReadBack has an upload fail, and one that damages.
func TestArchive_deletesOnlyWhatIsReadBack(t *testing.T) {
	t.Parallel()
	l := newLogged(t, config.Logs{Upload: []string{"false", "{name}"}, ReadBack: []string{"cat", "{name}"}, KeepBytes: 1})
	first := l.archive().Archive
	if r := l.archive(); r.Waiting != 1 || len(r.Removed) > 0 || !strings.Contains(r.Error, "not uploaded: 1 ") {
		t.Errorf("the upload fails: %+v", r)
	}
	l.release(config.Logs{Upload: []string{"cp", "{file}", l.store + "/{name}"}, ReadBack: []string{"echo", "{name}"}, KeepBytes: 1, KeepDays: 1})
	l.now = l.now.Add(100 * 24 * time.Hour)
	if r := l.archive(); r.Waiting != 1 || len(r.Removed) > 0 || !strings.Contains(r.Error, "is not what was uploaded") {
		t.Errorf("something else is read back: %+v", r)
	}
	if _, err := os.Stat(first); err != nil {
		t.Error("an archive is gone that nobody else has: ", err)
	}
	l.release(config.Logs{Upload: []string{"cp", "{file}", l.store + "/{name}"}, ReadBack: []string{"cat", l.store + "/{name}"}, KeepBytes: 1})
	r := l.archive()
	if r.Waiting != 0 || len(r.Uploaded) != 1 || len(r.Removed) != 1 || r.Error != "" {
		t.Errorf("after an upload: %+v", r)
	}
	if _, err := os.Stat(first); err == nil {
		t.Error("the archive is still there")
	}
	l.unpack(l.store + "/" + filepath.Base(first))
}

// TestArchive_keepsWithinLimits removes the oldest first.
func TestArchive_keepsWithinLimits(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	l := newLogged(t, config.Logs{Upload: []string{"cp", "{file}", store + "/{name}"}, ReadBack: []string{"cat", store + "/{name}"}, KeepDays: 3})
	var made []string
	for range 3 {
		l.log("more")
		made = append(made, l.archive().Archive)
		l.now = l.now.Add(24 * time.Hour)
	}
	if r := l.archive(); len(r.Removed) != 1 || r.Removed[0] != filepath.Base(made[0]) {
		t.Errorf("removed %q of %q", r.Removed, made)
	}
}
