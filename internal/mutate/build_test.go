//go:build !mutate

package main_test

import (
	"os/exec"
	"testing"
)

// The program is behind a build tag, so that `go install ./...` yields vmgo's
// two programs only; this keeps it compiling and right.
func TestMutate_builds(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"vet", "test"} {
		if out, err := exec.Command("go", command, "-tags", "mutate", ".").CombinedOutput(); err != nil {
			t.Errorf("go %s -tags mutate: %v\n%s", command, err, out)
		}
	}
}
