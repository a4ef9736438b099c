package harden

import (
	"os"
	"strings"
	"testing"
)

// TestStoreModes_keepsLocksClosed: whoever can open a lock can hold it, so the
// item opens none; and what an install has in staging it leaves alone.
func TestStoreModes_keepsLocksClosed(t *testing.T) {
	root := fakeRoot(t)
	meta := root + MachineStore + "/.vmgo/"
	for name, mode := range map[string]os.FileMode{
		"lock": 0o600, "locks/1.22.5": 0o600, "locks/1.22.4": 0o644, "staging/1.22.5.1/tree/bin/go": 0o700, "receipts/1.22.5.json": 0o600,
	} {
		write(t, meta+name, "")
		must(t, os.Chmod(meta+name, mode))
	}
	must(t, os.Chmod(meta+"locks", 0o700))
	must(t, os.Chmod(meta+"staging/1.22.5.1", 0o700))
	desired, err := storeDesired(testMachine(t, root))
	must(t, err)
	got := map[string]uint32{}
	for _, w := range desired.Wants {
		got[strings.TrimPrefix(w.Target, MachineStore+"/.vmgo/")] = w.Value.Mode
	}
	for name, mode := range map[string]uint32{"locks/1.22.4": 0o600, "receipts/1.22.5.json": 0o644} {
		if got[name] != mode {
			t.Errorf("%s: mode %o, want %o", name, got[name], mode)
		}
	}
	for _, name := range []string{"lock", "locks", "locks/1.22.5", "staging/1.22.5.1", "staging/1.22.5.1/tree/bin/go"} {
		if mode, ok := got[name]; ok {
			t.Errorf("%s is to have mode %o", name, mode)
		}
	}
}
