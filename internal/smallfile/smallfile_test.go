package smallfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/smallfile"
)

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, content := range []string{"", "x", strings.Repeat("0123456789", 100)} {
		write(t, path, content)
		if data, err := smallfile.Read(path, 1000); err != nil || string(data) != content {
			t.Errorf("%d bytes: read %d, %v", len(content), len(data), err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if data, err := smallfile.Read(link, 1000); err != nil || len(data) != 1000 {
		t.Errorf("by a link: %d bytes, %v", len(data), err)
	}
	// The size of a file of /proc is 0.
	if data, err := smallfile.Read("/proc/self/status", 1<<20); err != nil || !strings.HasPrefix(string(data), "Name:") {
		t.Errorf("/proc/self/status: %q, %v", data, err)
	}
}

func TestRead_limits(t *testing.T) {
	t.Parallel()
	sparse := filepath.Join(t.TempDir(), "sparse")
	write(t, sparse, "")
	if err := os.Truncate(sparse, 1<<40); err != nil {
		t.Fatal(err)
	}
	for path, limit := range map[string]int64{sparse: 4 << 20, "/proc/self/status": 10} {
		_, err := smallfile.Read(path, limit)
		var large *smallfile.TooLargeError
		if !errors.As(err, &large) || large.Limit != limit {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestTooLargeError_Error(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int64]string{10: "10 bytes", 1500: "1500 bytes", 4096: "4 KiB", 1 << 20: "1 MiB", 1<<20 + 1024: "1025 KiB"} {
		if got := (&smallfile.TooLargeError{Limit: limit}).Error(); got != "larger than "+want {
			t.Errorf("%d: %s", limit, got)
		}
	}
}

// What stands in the place of a file is named by every function, and none waits for it.
func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo, socket := filepath.Join(dir, "fifo"), filepath.Join(dir, "socket")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mknod(socket, syscall.S_IFSOCK|0o600, 0); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "a directory", fifo: "a fifo", socket: "a socket", "/dev/zero": "a device"} {
		_, readErr := smallfile.Read(path, 100)
		_, headErr := smallfile.Head(path, 100)
		_, openErr := smallfile.Open(path)
		for name, err := range map[string]error{"Read": readErr, "Head": headErr, "Open": openErr} {
			var kind *smallfile.NotRegularError
			if !errors.As(err, &kind) || kind.What != want {
				t.Errorf("%s(%s): %v, want %s", name, path, err, want)
			}
		}
		if err := smallfile.Put(path, []byte("x"), 0o600); err == nil && path != "/dev/zero" {
			t.Errorf("Put(%s) did", path)
		}
	}
}

func TestRead_absent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "absent")
	_, err := smallfile.Read(path, 100)
	var at *fs.PathError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &at) || at.Path != path {
		t.Errorf("%v", err)
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "0123456789")
	for n, want := range map[int]string{0: "", 4: "0123", 10: "0123456789", 20: "0123456789"} {
		if data, err := smallfile.Head(path, n); err != nil || string(data) != want {
			t.Errorf("%d: %q, %v", n, data, err)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "content")
	f, err := smallfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if data, err := io.ReadAll(f); err != nil || string(data) != "content" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := f.ReadAt(make([]byte, 3), 4); err != nil {
		t.Error(err)
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	for _, content := range []string{"longer than the next", "short", ""} {
		if err := smallfile.Put(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != content {
			t.Errorf("%q, %v", data, err)
		}
	}
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := smallfile.Put(link, []byte("through a link"), 0o600); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("through a link: %v", err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
