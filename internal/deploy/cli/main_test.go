package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

// TestUsage calls the program as people do who do not know it, or mistype.
func TestUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for words, want := range map[string]struct {
		status         int
		stdout, stderr string
	}{
		"":                    {0, "rollback  go back", ""},
		"apply --help":        {0, "Usage: vmgo deploy apply [FLAG...] [HOST...]", ""},
		"init --stdout":       {0, "[health]", ""},
		"init --schema":       {0, `"additionalProperties": false`, ""},
		"init more":           {2, "", `"more"`},
		"apply --wat":         {2, "", "unknown flag --wat"},
		"aply":                {2, "", `no command "aply"`},
		"status -- x":         {2, "", "cannot read the configuration"},
		"exec a -- ls":        {2, "", "cannot read the configuration"},
		"status --config=/no": {2, "", "vmgo deploy init"},
	} {
		var stdout, stderr bytes.Buffer
		h := host.OS()
		h.Args, h.Dir, h.Stdout, h.Stderr = append([]string{"vmgo-deploy"}, strings.Fields(words)...), dir, &stdout, &stderr
		status := Main(h)
		if status != want.status || !strings.Contains(stdout.String(), want.stdout) || !strings.Contains(stderr.String(), want.stderr) || want.stdout == "" && stdout.Len() > 0 {
			t.Errorf("vmgo deploy %s: status %d\n%s%s", words, status, &stdout, &stderr)
		}
	}
}
