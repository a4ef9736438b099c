package doctor_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A check is found by its id: machine.memory-limit is check_machine_memorylimit.go.
func TestCatalogue_filesAreNamedAsIDs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("check_*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files of checks, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		id := regexp.MustCompile(`\bID: +"([^"]+)"`).FindSubmatch(text)
		if id == nil {
			continue // what several checks share
		}
		want := "check_" + strings.NewReplacer(".", "_", "-", "").Replace(string(id[1])) + ".go"
		if file != want && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s has the check %s, so it is %s", file, id[1], want)
		}
	}
}
