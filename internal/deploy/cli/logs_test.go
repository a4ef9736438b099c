package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/deploy/onhost"
)

// archives archives the logs of host 1, and verifies what it uploaded.
func (b *bench) archives() {
	t := b.t
	if out := b.net.SSH(t, 1, "systemctl list-timers --all --no-legend"); !strings.Contains(out, "app-logs.timer") {
		t.Errorf("the timers are %s", out)
	}
	out, _, status := b.deploy("logs", "archive", "--json", "vm1")
	var answer struct {
		Hosts []struct{ Answer onhost.Archived }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || status != 0 || len(answer.Hosts[0].Answer.Uploaded) != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	signers, _, status := b.deploy("logs", "signers", "vm1")
	if status != 0 || !strings.HasPrefix(signers, `vm1 namespaces="vmgo-deploy-logs" ssh-ed25519 `) {
		t.Errorf("the signers are %q", signers)
	}
	b.write(filepath.Join(b.project, "log-signers"), signers)
	name := answer.Hosts[0].Answer.Uploaded[0]
	data, err := os.ReadFile(b.net.Path(1, "/root/"+name))
	if err != nil {
		t.Fatal(err)
	}
	b.write(filepath.Join(b.project, name), string(data))
	if out, _, status := b.deploy("logs", "verify", "--out", "restored", name); status != 0 || !strings.Contains(out, "app on vm1") {
		t.Errorf("verify says %s", out)
	}
	journal, err := os.ReadFile(filepath.Join(b.project, "restored", strings.TrimSuffix(name, ".tar.zst"), "journal.json"))
	if err != nil || !strings.Contains(string(journal), "boom of v3") {
		t.Errorf("the journal is %s, %v", journal, err)
	}
	data[len(data)/2] ^= 1
	b.write(filepath.Join(b.project, name), string(data))
	if _, _, status := b.deploy("logs", "verify", name); status != 5 {
		t.Errorf("a damaged archive: status %d", status)
	}
	b.write(filepath.Join(b.project, "log-signers"), strings.Replace(signers, "vmgo-deploy-logs", "other", 1))
	if _, stderr, status := b.deploy("logs", "verify", name); status != 5 {
		t.Errorf("a signer for something else: status %d, %s", status, stderr)
	}
}

// kept looks at what the history has of a deploy that went well.
func (b *bench) kept() {
	t := b.t
	out, _, _ := b.deploy("history", "--json", "vm1")
	var answer struct {
		Hosts []struct{ Answer []onhost.Entry }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Hosts) != 1 || len(answer.Hosts[0].Answer) < 2 {
		t.Fatalf("%v in %s", err, out)
	}
	second := answer.Hosts[0].Answer[1]
	if second.Result.Result != onhost.Deployed || !strings.Contains(strings.Join(second.Journal, "\n"), "serving as v2") || len(second.Config) != 64 || len(second.Digest) != 64 {
		t.Errorf("the second deploy is %+v", second)
	}
}
