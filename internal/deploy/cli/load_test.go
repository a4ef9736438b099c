package cli

import (
	"fmt"
	"os"
	"testing"
)

// long skips a test that takes minutes.
func long(t *testing.T, what string) {
	t.Helper()
	t.Parallel()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip(what + " takes minutes: ./test.sh --long has it")
	}
}

// TestDeploy_losesNoRequest deploys twenty times while requests come in.
func TestDeploy_losesNoRequest(t *testing.T) {
	long(t, "twenty deploys under load")
	b := newBench(t, 1)
	b.trust("vm1")
	b.apply(0, "vm1")
	c := b.underLoad(func() {
		for i := range 20 {
			b.version(fmt.Sprint("w", i), "")
			b.apply(0, "vm1")
		}
	})
	t.Logf("twenty deploys: %+v", c)
	if c.OK == 0 || c.OK != c.Sent {
		t.Error("requests were lost")
	}
}
