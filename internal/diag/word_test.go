package diag_test

import (
	"os/exec"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

// TestWord_shell gives each word to a real shell, which must get it back whole.
func TestWord_shell(t *testing.T) {
	t.Parallel()
	for _, word := range []string{
		"", "1.22.5", ">=1.21 <1.23", "~1.22", "^1.21", "/opt/go", "/a b/$(id)", "it's", "'", `\`, "a\nb", "#x", "a#b",
		"*", "{a,b}", "a=b", "!x", "\xff", "https://go.dev/dl/?mode=json&include=all", "-n",
	} {
		out, err := exec.Command("sh", "-c", "printf %s "+diag.Word(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("Word(%q) = %s, which a shell takes as %q (%v)", word, diag.Word(word), out, err)
		}
	}
	if got := diag.Word("/opt/go/1.22.5"); got != "/opt/go/1.22.5" {
		t.Errorf("a plain word becomes %s", got)
	}
}
