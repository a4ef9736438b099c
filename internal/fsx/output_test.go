package fsx

import (
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
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
