package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSizes keeps files readable in one go: a script of one topic has at
// most 60 lines, a Go file fewer than 400.
func TestSizes(t *testing.T) {
	t.Parallel()
	const script, source = 60, 399
	out, err := exec.Command("git", "ls-files", "-co", "--exclude-standard", "*.go", "testdata/scripts/*.txtar").Output()
	if err != nil {
		t.Skipf("there is no list of files: %v", err)
	}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		text, err := os.ReadFile(path)
		if err != nil {
			continue // removed and not yet committed
		}
		limit := source
		if strings.HasSuffix(path, ".txtar") {
			limit = script
		}
		if lines := bytes.Count(text, []byte("\n")); lines > limit {
			t.Errorf("%s has %d lines, and %d are the most: split it by topic", path, lines, limit)
		}
	}
}
