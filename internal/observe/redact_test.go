package observe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/capture"
	"github.com/vmgo/vmgo/internal/observe/target"
)

// TestAnalyse_hidesSecrets has a journal that repeats what the program's environment
// holds, and secrets by name and by look.
func TestAnalyse_hidesSecrets(t *testing.T) {
	t.Parallel()
	root, dir := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		root + "/proc/7/environ": "DB_PASSWORD=correcthorse\x00PLAIN=visible\x00",
		root + "/proc/7/cmdline": "/usr/bin/app\x00--token\x00hunter2hunter2\x00",
		dir + "/journal.json": `{"__REALTIME_TIMESTAMP":"1764300000200000","MESSAGE":"login with correcthorse, visible","API_TOKEN":"zzz","ORDER":"5"}
{"__REALTIME_TIMESTAMP":"1764300000300000","MESSAGE":"GET https://ann:secret@db.test/x"}`,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := host.Host{Root: root, Now: time.Now, Env: map[string]string{"HOME": "/home/ann"}}
	began := time.UnixMicro(1764300000000000)
	a, err := analyse(h, &capture.Capture{Host: h, Dir: dir, Began: began, Ended: began.Add(time.Second), Target: target.Target{PID: 7, Name: "app"}})
	if err != nil {
		t.Fatal(err)
	}
	p := &place{dir: dir}
	if err := a.write(p); err != nil {
		t.Fatal(err)
	}
	journal, err := os.ReadFile(dir + "/journal.json")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(dir + "/report.html")
	if err != nil {
		t.Fatal(err)
	}
	all := string(journal) + string(page) + a.metadata.CommandLine
	for _, secret := range []string{"correcthorse", "zzz", "ann:secret", "hunter2"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is told", secret)
		}
	}
	if !strings.Contains(all, "visible") || !strings.Contains(all, `"ORDER": "5"`) {
		t.Errorf("more is hidden than secrets:\n%s", journal)
	}
}
