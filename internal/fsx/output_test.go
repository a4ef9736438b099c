package fsx

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vmgo/vmgo/internal/diag"
)

// What somebody put in the place of an output is replaced; nothing is written through it.
func TestWriteOutput_followsNoLink(t *testing.T) {
	t.Parallel()
	_, at := testDir(t)
	must(t, os.WriteFile(at("precious"), []byte("mine"), 0o600), os.Symlink(at("precious"), at("link")), unix.Mkfifo(at("fifo"), 0o600))
	for _, name := range []string{"new", "link", "fifo", "new"} {
		if err := WriteOutput(at(name), []byte("page"), 0o640); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(at(name))
		if data, _ := os.ReadFile(at(name)); err != nil || info.Mode() != 0o640 || string(data) != "page" {
			t.Errorf("%s: %q, %v, %v", name, data, info, err)
		}
	}
	if data, err := os.ReadFile(at("precious")); err != nil || string(data) != "mine" {
		t.Errorf("written through the link: %q, %v", data, err)
	}
}

// A stream of the process is written to and stays, whoever may write in /dev.
func TestWriteOutput_streams(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fmt.Sprintf("/dev/fd/%d", w.Fd()), fmt.Sprintf("/dev/../proc/self/fd/%d", w.Fd()), "/dev/null"} {
		if err := WriteOutput(path, []byte("page\n"), 0o644); err != nil {
			t.Error(err)
		}
	}
	w.Close()
	if data, err := io.ReadAll(r); err != nil || string(data) != "page\npage\n" {
		t.Errorf("%q, %v", data, err)
	}
	for path, want := range map[string]bool{"/dev/stdout": true, "/dev/stderr": true, "/dev/tty": true, "/dev/shm/page": false, "/srv/dev/stdout": false} {
		if isStream(path) != want {
			t.Errorf("%s: not %t", path, want)
		}
	}
}

// A full file system has its code wherever the error comes from; an error that has a code keeps it.
func TestExplainFull(t *testing.T) {
	t.Parallel()
	full := func(path string) error { return &os.PathError{Op: "write", Path: path, Err: unix.ENOSPC} }
	for _, c := range []struct {
		err  error
		code diag.Code
		hint string
	}{
		{fmt.Errorf("writing the plan: %w", full("/srv/a b/plan")), diag.DiskFull, "df -h '/srv/a b'"},
		{diag.Wrap(diag.Failure, full("/srv/page"), "cannot write the page"), diag.DiskFull, "df -h /srv"},
		{full("/dev/stdout"), diag.DiskFull, "df -h"},
		{unix.EDQUOT, diag.DiskFull, "df -h"},
		{diag.Wrap(diag.Network, full("/srv/page"), "cannot get it"), diag.Network, ""},
		{&os.PathError{Op: "write", Path: "/srv/page", Err: unix.EACCES}, diag.Failure, ""},
		{nil, "", ""},
	} {
		got := ExplainFull(c.err)
		if hints := diag.HintsOf(got); diag.CodeOf(got) != c.code || strings.Join(hints, "|") != c.hint || c.err != nil && got.Error() != c.err.Error() {
			t.Errorf("%v: %v, %s, %q", c.err, got, diag.CodeOf(got), hints)
		}
	}
}
