package onhost

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Entry is one line of a service's history.
type Entry struct {
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`
	Release string    `json:"release"`
	Digest  string    `json:"digest"` // SHA-256 of checksums.json
	Config  string    `json:"config"` // SHA-256 of the configuration
	Result
}

// historyLimit bounds history.jsonl, in bytes; half of it goes when it is full.
const historyLimit = 4 << 20

// journalLimit bounds the journal of one entry, in bytes.
const journalLimit = 128 << 10

// within returns the last lines that fit into limit bytes.
func within(lines []string, limit int) []string {
	first := len(lines)
	for first > 0 && len(lines[first-1]) < limit {
		first--
		limit -= len(lines[first]) + 1
	}
	return lines[first:]
}

// record adds to the history, and to the journal of the host.
func (a *App) record(r Release, result Result) error {
	e := Entry{Time: a.Host.Now().UTC(), Who: a.Who, Release: r.ID, Result: result}
	if data, err := smallfile.Read(filepath.Join(a.releases(), r.ID, pack.ManifestFile), 16<<20); err == nil {
		sum := sha256.Sum256(data)
		e.Digest = hex.EncodeToString(sum[:])
	}
	e.Journal = within(result.Journal, journalLimit)
	for _, f := range r.Manifest.Files {
		if f.Path == pack.ConfigFile {
			e.Config = f.SHA256
		}
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	old, err := smallfile.Read(a.path("history.jsonl"), historyLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(old)+len(line) > historyLimit {
		_, rest, _ := strings.Cut(string(old[len(old)/2:]), "\n")
		old = []byte(rest)
	}
	if err := fsx.WriteFile(a.path("history.jsonl"), append(append(old, line...), '\n'), 0o640); err != nil {
		return err
	}
	message := result.Result + ": " + r.ID
	if result.From != "" {
		message += ", before: " + result.From
	}
	if result.Reason != "" {
		message += ", " + result.Reason
	}
	a.audit(message, result.Result, e.Digest)
	return nil
}

// History returns the last n entries, the newest last.
func (a *App) History(n int) ([]Entry, error) {
	data, err := smallfile.Read(a.path("history.jsonl"), historyLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return []Entry{}, nil
	}
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	entries := []Entry{}
	for _, line := range lines[max(0, len(lines)-n):] {
		var e Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return nil, diag.Wrap(diag.Tampered, err, a.path("history.jsonl")+" cannot be read", "less "+diag.Word(a.path("history.jsonl")))
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// audit writes a line to the journal (systemd's native protocol). A host without
// one has no such line.
func (a *App) audit(message, act, digest string) {
	if !a.live() || a.Dry {
		return
	}
	conn, err := net.Dial("unixgram", filepath.Join(a.Root, "run/systemd/journal/socket"))
	if err != nil {
		return
	}
	defer conn.Close()
	fields := []string{
		"MESSAGE=" + diag.Line(a.Name+": "+message+", by "+a.Who), "SYSLOG_IDENTIFIER=vmgo-deploy", "PRIORITY=5",
		"VMGO_DEPLOY_NAME=" + a.Name, "VMGO_DEPLOY_ACT=" + diag.Line(act), "VMGO_DEPLOY_WHO=" + diag.Line(a.Who), "VMGO_DEPLOY_DIGEST=" + digest,
	}
	_, _ = conn.Write([]byte(strings.Join(fields, "\n") + "\n"))
}

// Who returns the user of this side for the audit: what the other side said, and
// where the connection comes from.
func Who(told string, env map[string]string) string {
	if from, _, ok := strings.Cut(env["SSH_CONNECTION"], " "); ok {
		return told + " from " + from
	}
	if told == "" {
		return "root on " + hostname()
	}
	return told
}

func hostname() string {
	name, _ := os.Hostname()
	return name
}
