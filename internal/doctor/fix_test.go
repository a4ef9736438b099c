package doctor_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
)

const oldBashrc = `# mine
export GOROOT=/usr/local/go1.18
if [ -d /usr/local ]; then
    export GO111MODULE=off
fi
export GOTOOLCHAIN=go1.20.1; umask 022
export GOSUMDB=off \
  OTHER=1
export GO111MODULE=off EDITOR=vi
export PATH=$HOME/.local/bin:/usr/local/go1.18/bin:$PATH
export PATH=$PATH:/usr/local/go1.18/bin
eval "$(vmgo hook bash)"
`

// sick is a machine with something for --fix to do.
func sick(t *testing.T) host.Host {
	t.Helper()
	files := append(machineFiles(t, "ubuntu-24.04-kvm"),
		hosttest.File{Path: "/home/ann/.bashrc", Data: []byte(oldBashrc)},
		hosttest.File{Path: "/home/ann/.config/go/env", Data: []byte("GOFLAGS=-mod=vendor\nGOPRIVATE=git.test\nGO111MODULE=off\n")},
		hosttest.File{Path: "/etc/profile.d/go.sh", Data: []byte("export GOROOT=/usr/local/go1.17\n")},
		hosttest.File{Path: "/machine", Data: []byte("mode 0777 /home/ann/go\nmode 0600 /home/ann/.bashrc\n")})
	h := hosttest.New(t, files)
	if err := os.Chmod(h.Path("/home/ann/go"), 0o777|fs.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	return h
}

func plan(t *testing.T, h host.Host) (*doctor.Machine, []doctor.Change) {
	t.Helper()
	m := machineWith(t, h, doctor.Options{Offline: true})
	changes, err := doctor.Plan(m, examine(t, m, doctor.Catalogue()))
	if err != nil {
		t.Fatal(err)
	}
	return m, changes
}

func TestPlan_showsWhatIsSafe(t *testing.T) {
	t.Parallel()
	_, changes := plan(t, sick(t))
	preview := ""
	for _, c := range changes {
		preview += c.Preview()
	}
	for _, want := range []string{
		"  - export GOROOT=/usr/local/go1.18\n  + : # vmgo doctor: export GOROOT=/usr/local/go1.18\n",
		"  - GOFLAGS=-mod=vendor\n", "  - GO111MODULE=off\n", "mode 2777 -> 2775",
		"  + : # vmgo doctor: export PATH=$PATH:/usr/local/go1.18/bin\n",
	} {
		if !strings.Contains(preview, want) {
			t.Errorf("the preview lacks %q:\n%s", want, preview)
		}
	}
	for _, unwanted := range []string{"EDITOR", ".local/bin"} { // they do more than a fix may undo
		if strings.Contains(preview, unwanted) {
			t.Errorf("the preview has %s:\n%s", unwanted, preview)
		}
	}
	if strings.Contains(preview, "profile.d") {
		t.Error("a file of another user is to be changed")
	}
}

func TestApply_andUndo(t *testing.T) {
	t.Parallel()
	h := sick(t)
	m, changes := plan(t, h)
	if _, err := doctor.Apply(t.Context(), m, changes); err != nil {
		t.Fatal(err)
	}
	bashrc := h.Text("/home/ann/.bashrc")
	for _, want := range []string{": # vmgo doctor: export GOROOT", "    export GO111MODULE", "export GOTOOLCHAIN=go1.20.1; umask", "export GOSUMDB=off \\"} {
		if want == "    export GO111MODULE" {
			want = ": # vmgo doctor:     export GO111MODULE=off"
		}
		if !strings.Contains(bashrc, want) {
			t.Errorf(".bashrc lacks %q:\n%s", want, bashrc)
		}
	}
	if got := h.Text("/home/ann/.config/go/env"); got != "GOPRIVATE=git.test" {
		t.Errorf("go/env is %q", got)
	}
	if bash, err := exec.LookPath("bash"); err != nil {
		t.Log("bash is not here to read what is left of .bashrc")
	} else if out, err := exec.Command(bash, "-n", h.Path("/home/ann/.bashrc")).CombinedOutput(); err != nil {
		t.Errorf("bash does not read what is left: %v\n%s", err, out)
	}
	_, again := plan(t, h)
	if len(again) != 0 {
		t.Errorf("a second repair would change %v", again)
	}
	done, err := doctor.Undo(t.Context(), m)
	if err != nil || len(done.Files) != len(changes) {
		t.Fatalf("restored %v, %v", done.Files, err)
	}
	if got, _ := h.ReadFile("/home/ann/.bashrc"); string(got) != oldBashrc {
		t.Errorf(".bashrc after undo:\n%s", got)
	}
	for path, want := range map[string]fs.FileMode{"/home/ann/.bashrc": 0o600, "/home/ann/go": 0o777 | fs.ModeSetgid} {
		if info, err := h.Stat(path); err != nil || info.Mode()&(fs.ModePerm|fs.ModeSetgid) != want {
			t.Errorf("%s has mode %v after undo, want %v", path, info.Mode(), want)
		}
	}
	if _, err := doctor.Undo(t.Context(), m); diag.CodeOf(err) != diag.Failure {
		t.Errorf("a second undo gives %v", err)
	}
}

func TestApply_keepsAttributes(t *testing.T) {
	t.Parallel()
	h := sick(t)
	bashrc := h.Path("/home/ann/.bashrc")
	if err := syscall.Setxattr(bashrc, "user.vmgo", []byte("label"), 0); err != nil {
		t.Skip("this file system has no user attributes: ", err)
	}
	look := func(when string) {
		value := make([]byte, 16)
		n, err := syscall.Getxattr(bashrc, "user.vmgo", value)
		if err != nil || string(value[:n]) != "label" {
			t.Errorf("%s the attribute is %q, %v", when, value[:max(n, 0)], err)
		}
	}
	m, changes := plan(t, h)
	if _, err := doctor.Apply(t.Context(), m, changes); err != nil {
		t.Fatal(err)
	}
	look("after the fix")
	if _, err := doctor.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	look("after undo")
}

func TestUndo_leavesEditedFilesAlone(t *testing.T) {
	t.Parallel()
	h := sick(t)
	m, changes := plan(t, h)
	if _, err := doctor.Apply(t.Context(), m, changes); err != nil {
		t.Fatal(err)
	}
	edited := "export EDITOR=vi\n"
	if err := os.WriteFile(h.Path("/home/ann/.bashrc"), []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	env := h.Text("/home/ann/.config/go/env")
	if _, err := doctor.Undo(t.Context(), m); err == nil || !strings.Contains(err.Error(), "was changed since") {
		t.Fatalf("undo of an edited file gives %v", err)
	}
	if got := h.Text("/home/ann/.bashrc"); got != strings.TrimSpace(edited) {
		t.Errorf("the edit is lost: %q", got)
	}
	if got := h.Text("/home/ann/.config/go/env"); got != env {
		t.Errorf("half of the repair was undone: %q", got)
	}
}

// A crash between the backup and the last change must leave something that
// undo can revert.
func TestUndo_afterACrash(t *testing.T) {
	t.Parallel()
	h := sick(t)
	m, changes := plan(t, h)
	if _, err := doctor.Apply(t.Context(), m, changes); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.Path("/home/ann/.bashrc"), []byte(oldBashrc), 0o600); err != nil { // as if never reached
		t.Fatal(err)
	}
	if _, err := doctor.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := h.Text("/home/ann/.config/go/env"); !strings.Contains(got, "GOFLAGS") {
		t.Errorf("go/env is %q", got)
	}
}

// TestUndo_format: the record of a newer program is refused before anything is touched.
func TestUndo_format(t *testing.T) {
	t.Parallel()
	h := sick(t)
	m, changes := plan(t, h)
	if _, err := doctor.Apply(t.Context(), m, changes); err != nil {
		t.Fatal(err)
	}
	records, err := filepath.Glob(h.Path("/home/ann/.local/state/vmgo/doctor/*/ledger.json"))
	if err != nil || len(records) != 1 {
		t.Fatalf("records: %v, %v", records, err)
	}
	data, err := os.ReadFile(records[0])
	if err != nil || !strings.Contains(string(data), `"format": 1`) {
		t.Fatalf("%s, %v", data, err)
	}
	if err := os.WriteFile(records[0], []byte(strings.Replace(string(data), `"format": 1`, `"format": 2`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	fixed := h.Text("/home/ann/.bashrc")
	if _, err = doctor.Undo(t.Context(), m); diag.CodeOf(err) != diag.NewerFormat || h.Text("/home/ann/.bashrc") != fixed {
		t.Errorf("%v", err)
	}
}

func TestPlan_refusesChangedFiles(t *testing.T) {
	t.Parallel()
	h := sick(t)
	m := machineWith(t, h, doctor.Options{Offline: true})
	report := examine(t, m, doctor.Catalogue())
	if err := os.WriteFile(h.Path("/home/ann/.bashrc"), []byte("# new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := doctor.Plan(m, report); err == nil || !strings.Contains(err.Error(), "changed while") {
		t.Errorf("a plan over a changed file gives %v", err)
	}
}

// A dotfile that is a link, as dotfile managers make them, is changed where it
// really is and stays a link.
func TestApply_followsLinks(t *testing.T) {
	t.Parallel()
	h := sick(t)
	real := h.Path("/home/ann/dotfiles-bashrc")
	if err := os.Rename(h.Path("/home/ann/.bashrc"), real); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("dotfiles-bashrc", h.Root+"/home/ann/.bashrc"); err != nil {
		t.Fatal(err)
	}
	m, changes := plan(t, h)
	if _, err := doctor.Apply(t.Context(), m, changes); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(h.Root + "/home/ann/.bashrc")
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v %v", info, err)
	}
	if data, _ := os.ReadFile(real); !strings.Contains(string(data), "# vmgo doctor: export GOROOT") {
		t.Errorf("the file itself was not changed:\n%s", data)
	}
}
