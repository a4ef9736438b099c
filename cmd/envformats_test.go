package cmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
)

// TestSystemdLine_readsBack has a shell read the lines: within double quotes its
// rules for backslash, quote, backquote and dollar are those of systemd.exec(5).
func TestSystemdLine_readsBack(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "/plain", "a b", `q"q`, `b\b`, "`id`", "$HOME", "'", `\"$` + "`"} {
		line, ok := systemdLine("V", value)
		if !ok {
			t.Fatalf("%q is refused", value)
		}
		file := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "-c", `. "$1"; printf %s "$V"`, "sh", file).Output()
		if err != nil || string(out) != value {
			t.Errorf("%q comes back as %q (%v) from %s", value, out, err, line)
		}
	}
}

func TestEnvFormats_refuseWhatTheyCannotHold(t *testing.T) {
	t.Parallel()
	for form, bad := range map[string]string{"dotenv": "it's", "systemd": "a\nb", "docker": "a\nB=b"} {
		changes := []environ.Change{{Name: "GOPATH", Value: environ.Value{Text: bad, Set: true}}}
		if text, err := envFormats()[form].write(form, changes); err == nil || text != "" {
			t.Errorf("%s: %q, %v", form, text, err)
		}
	}
}

func TestAdded_lastFirst(t *testing.T) {
	t.Parallel()
	if got := strings.Join(added("/usr/bin:/bin", "/a:/b:/usr/bin:/bin"), " "); got != "/b /a" {
		t.Errorf("GITHUB_PATH gets %q", got)
	}
}
