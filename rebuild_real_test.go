package main_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestRebuild_real builds a real release again, whole, by another one: each binary is equal; and with
// one byte of one tool changed, that tool is named.
func TestRebuild_real(t *testing.T) {
	t.Parallel()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("building a whole release takes 12 minutes of processor time: VMGO_LONG=1, or ./test.sh --long")
	}
	m := newRealMachine(t, "1.24.13", "1.26.8")
	vmgo := m.base + "/bin/vmgo"
	out, err := m.run(m.base, vmgo, "verify", "--rebuild", "1.26.8")
	if err != nil || !strings.Contains(out, "10 binaries equal to what go1.24.13") {
		t.Fatalf("%v: %s", err, out)
	}
	t.Log(out)
	tool := filepath.Join("pkg", "tool", runtime.GOOS+"_"+runtime.GOARCH, "preprofile")
	file := filepath.Join(m.base, "store", "1.26.8", tool)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2]++
	if err := os.Remove(file); err != nil { // it may be shared with other releases
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err = m.run(m.base, vmgo, "verify", "--rebuild", "1.26.8")
	if err == nil || !strings.Contains(out, "1 of 10 binaries") || !strings.Contains(out, tool) {
		t.Errorf("%v: %s", err, out)
	}
}
