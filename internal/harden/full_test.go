package harden

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

// fullRoot is a small machine on a file system of its own with so many bytes left.
func fullRoot(t *testing.T, left int) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "full")
	must(t, os.Mkdir(root, 0o755))
	if err := syscall.Mount("vmgo-test", root, "tmpfs", 0, "size=512k"); err != nil {
		t.Skip("a file system that is full takes the right to mount one: ", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(root, 0)) })
	must(t, os.CopyFS(root, os.DirFS(fakeRoot(t))))
	f, err := os.Create(root + "/fill")
	must(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !fsx.IsFull(err) {
		t.Fatal(err)
	}
	info, err := f.Stat()
	must(t, err)
	must(t, f.Truncate(info.Size()-int64(left)))
	must(t, f.Close())
	return root
}

// However little room there is, a machine is changed as a whole or not at all.
func TestDiskFull(t *testing.T) {
	refused, applied := 0, 0
	for left := 0; applied < 2 && left < 256<<10; left += 4096 {
		t.Run(strconv.Itoa(left), func(t *testing.T) {
			root := fullRoot(t, left)
			before := snapshot(t, root)
			e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
			_, err := e.Apply(t.Context(), Selection{}, nil, nil)
			switch {
			case err == nil:
				applied++
				_, err = e.Undo(t.Context(), nil, nil)
				if diag.CodeOf(err) == diag.DiskFull {
					must(t, os.Truncate(root+"/fill", 0))
					_, err = e.Undo(t.Context(), nil, nil)
					must(t, os.Truncate(root+"/fill", 0))
				}
				must(t, err)
			case diag.CodeOf(err) != diag.DiskFull || !strings.Contains(err.Error(), "nothing was changed"):
				t.Fatalf("apply says %v", err)
			default:
				refused++
			}
			delete(before, "/fill")
			after := snapshot(t, root)
			delete(after, "/fill")
			if got := differences(before, after); len(got) > 0 {
				t.Errorf("left %q", got)
			}
		})
		if t.Failed() {
			return
		}
	}
	if os.Getuid() == 0 && (refused < 3 || applied == 0) {
		t.Errorf("%d refused, %d applied", refused, applied)
	}
}
