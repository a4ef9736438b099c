package vmtest

import (
	"os"
	"path/filepath"
	"testing"
)

// GoHome returns a new directory for HOME of a real go command. The command's
// telemetry is off there: its child process would write after the test has ended.
func GoHome(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	dir := filepath.Join(home, ".config/go/telemetry")
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "mode"), []byte("off\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return home
}
