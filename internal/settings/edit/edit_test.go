package edit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/settings/edit"
)

func TestSet_keepsTheRest(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"", "1", "VMGO_SHOW=1\n"},
		{"# note\nVMGO_SHOW=0\nX=2", "1", "# note\nVMGO_SHOW=1\nX=2\n"},
		{"VMGO_SHOW=0\nA=1\nVMGO_SHOW=1\n", "", "A=1\n"},
		{"A=1\nVMGO_SHOW=0\nVMGO_SHOW=0\n", "1", "A=1\nVMGO_SHOW=1\n"},
		{"VMGO_SHOW=1\n", "1", "VMGO_SHOW=1\n"},
	} {
		path := filepath.Join(t.TempDir(), "vmgo", "env")
		if c[0] != "" {
			write(t, path, c[0])
		}
		changed, err := edit.Set(path, "VMGO_SHOW", c[1])
		if err != nil || changed != (c[0] != c[2]) {
			t.Errorf("Set(%q, %q) = %v, %v", c[0], c[1], changed, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c[2] {
			t.Errorf("Set(%q, %q) leaves %q, %v; want %q", c[0], c[1], got, err, c[2])
		}
	}
}

// A link to the file of somebody's collection stays a link, and a file with a
// password stays closed to others.
func TestSet_keepsLinkAndMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "env")
	write(t, target, "A=1\n")
	if err := os.Chmod(target, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, err := edit.Set(link, "VMGO_SHOW", "1"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(target)
	if to, linkErr := os.Readlink(link); linkErr != nil || to != target || err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the link leads to %q, %v, and its target is %v, %v", to, linkErr, info.Mode(), err)
	}
}

func TestSet_refusesWhatTheSettingCannotBe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "env")
	if _, err := edit.Set(path, "VMGO_JOBS", "many"); diag.CodeOf(err) != diag.BadSetting {
		t.Errorf("VMGO_JOBS=many: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was written for a value that was refused")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
