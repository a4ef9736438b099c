package observe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/observe/profiles"
)

// captured writes a directory as Record does, with a CPU profile of so many samples of
// 10 ms in each function.
func captured(t *testing.T, seconds, findings string, samples map[string]int) string {
	t.Helper()
	dir := t.TempDir()
	var perf strings.Builder
	for function, n := range samples {
		perf.WriteString(strings.Repeat("x\n 1 "+function+"\n 2 main.main\n\n", n))
	}
	p, err := profiles.FromPerf(strings.NewReader(perf.String()), 100, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	cpu, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"metadata.json": `{"format":1,"seconds":` + seconds + `}`, "findings.json": findings, "profiles/cpu.pb.gz": string(cpu),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDiff(t *testing.T) {
	t.Parallel()
	before := captured(t, "10", `[{"id":"gc","value":50},{"id":"locks","value":2},{"id":"steal","value":10}]`, map[string]int{"main.slow": 100, "main.same": 10})
	after := captured(t, "20", `[{"id":"locks","value":3},{"id":"steal","value":10.5},{"id":"heap-growth","value":1}]`, map[string]int{"main.slow": 20, "main.same": 20})
	c, err := Diff(before, after)
	if err != nil {
		t.Fatal(err)
	}
	words := ""
	for _, f := range c.Findings {
		words += f.ID + " " + f.Word + ", "
	}
	if words != "locks worse, steal same, heap-growth new, gc gone, " {
		t.Error(words)
	}
	// Per second main.slow went from 100 ms to 10 ms, and main.same stayed as it was,
	// though the second capture took twice as long.
	if len(c.Profiles) != 1 || c.Profiles[0].Name != "main.slow" || c.Profiles[0].Before != 1e8 || c.Profiles[0].After != 1e7 {
		t.Errorf("%+v", c.Profiles)
	}
	page := c.Page()
	if len(page.Flames) != 1 || len(page.Changes) != 4 || page.Changes[3].After != "not found" {
		t.Errorf("%+v", page.Changes)
	}
}
