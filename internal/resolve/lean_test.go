package resolve_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestLean keeps out of the lean program's part what its start-up cannot afford.
func TestLean(t *testing.T) {
	t.Parallel()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to list the dependencies with")
	}
	out, err := exec.Command(goTool, "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "github.com/vmgo/vmgo/internal/project") {
		t.Fatalf("this is no list of dependencies: %q", deps)
	}
	for _, heavy := range []string{"fmt", "reflect", "regexp", "encoding/json", "net", "os/exec", "text/template", "context", "log"} {
		if slices.Contains(deps, heavy) {
			t.Errorf("the lean part has come to need %s", heavy)
		}
	}
	for _, dep := range deps {
		outside := strings.Contains(strings.SplitN(dep, "/", 2)[0], ".")
		if outside && !strings.HasPrefix(dep, "github.com/vmgo/vmgo/internal/") {
			t.Errorf("the lean part has come to need %s, which is not of the standard library", dep)
		}
	}
}
