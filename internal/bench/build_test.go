package main_test

import (
	"os/exec"
	"testing"
)

// The measurements are behind a build tag, so that `go install ./...` yields
// vmgo's two programs only; this keeps them compiling.
func TestBench_builds(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "vet", "-tags", "bench", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go vet -tags bench: %v\n%s", err, out)
	}
}
