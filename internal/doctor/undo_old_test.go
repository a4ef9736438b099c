package doctor_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host"
)

// oldFix is a machine as an earlier --fix left it, with its record: a line of .bashrc
// is off, a directory has another mode, and a program was moved.
func oldFix(t *testing.T, format string) (h host.Host, undo func() (doctor.Done, error)) {
	t.Helper()
	h = sick(t)
	write := func(path, text string) {
		real := h.Path(path)
		if err := os.MkdirAll(real[:strings.LastIndex(real, "/")], 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(real, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	const record = "/home/ann/.local/state/vmgo/doctor/20260101T000000.000000000Z/"
	write(record+"0", oldBashrc)
	write("/home/ann/.bashrc", "# off\n")
	write("/home/ann/go/bin/tool", "a tool\n")
	write("/home/ann/p/bin.before/both", "another\n")
	for link, to := range map[string]string{"/home/ann/p/bin": h.Path("/home/ann/gobin"), "/home/ann/gobin": h.Path("/home/ann/go/bin")} {
		if err := os.Symlink(to, h.Root+link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(h.Path("/home/ann/go"), 0o775); err != nil {
		t.Fatal(err)
	}
	write(record+"manifest.json", fmt.Sprintf(`{%s"time": "2026-01-01T00:00:00Z", "files": [
 {"path": %q, "backup": "0", "before": %q, "after": %q, "old_mode": 384, "mode": 384},
 {"path": %q, "old_mode": 1535, "mode": 509},
 {"path": %q, "old_mode": 493, "mode": 493, "gather": {"link": %q, "moves": [{"from": %q, "to": %q, "sum": %q}]}}]}`,
		format, h.Path("/home/ann/.bashrc"), sum(oldBashrc), sum("# off\n"), h.Path("/home/ann/go"), h.Root+"/home/ann/p/bin",
		h.Path("/home/ann/gobin"), h.Root+"/home/ann/p/bin/tool", h.Path("/home/ann/go/bin/tool"), sum("a tool\n")))
	m := machineWith(t, h, doctor.Options{Offline: true})
	return h, func() (doctor.Done, error) { return doctor.Undo(t.Context(), m) }
}

// TestUndo_oldRecords: what an earlier --fix did is undone, once; a record of before there
// was a number, too.
func TestUndo_oldRecords(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"", `"format": 1, `, `"format": 2, `} {
		h, undo := oldFix(t, format)
		done, err := undo()
		if err != nil || len(done.Files) != 3 {
			t.Fatalf("%q: %v, %v", format, done.Files, err)
		}
		info, err := h.Stat("/home/ann/go")
		if err != nil || info.Mode()&(fs.ModePerm|fs.ModeSetgid) != 0o777|fs.ModeSetgid {
			t.Errorf("%q: %v, %v", format, info.Mode(), err)
		}
		for path, want := range map[string]string{"/home/ann/.bashrc": oldBashrc, "/home/ann/p/bin/tool": "a tool\n", "/home/ann/p/bin/both": "another\n"} {
			if got, err := os.ReadFile(h.Root + path); string(got) != want {
				t.Errorf("%q: %s has %q, %v", format, path, got, err)
			}
		}
		if _, err := undo(); err == nil || !strings.Contains(err.Error(), "no fix to undo") {
			t.Errorf("%q: again: %v", format, err)
		}
	}
}

// TestUndo_oldRecordsRefused: nothing is touched where a file was changed since, nor by
// the record of a newer program.
func TestUndo_oldRecordsRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/home/ann/.bashrc", "/home/ann/go/bin/tool"} {
		format := `"format": 2, `
		if path == "" {
			format = `"format": 3, `
		}
		h, undo := oldFix(t, format)
		if path != "" {
			if err := os.WriteFile(h.Path(path), []byte("mine\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := undo()
		if path == "" && diag.CodeOf(err) != diag.NewerFormat || path != "" && (err == nil || !strings.Contains(err.Error(), path+" was changed since")) {
			t.Errorf("%s: %v", path, err)
		}
		if info, err := h.Stat("/home/ann/go"); err != nil || info.Mode()&fs.ModePerm != 0o775 {
			t.Errorf("%s: half of the fix was undone: %v, %v", path, info.Mode(), err)
		}
	}
}
