package project_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/project"
)

// asNobody runs f without root's power over files. The thread is never given
// back, so the change ends with it.
func asNobody(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if os.Getuid() == 0 {
			const nobody = 65534
			syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
		}
		f()
	}()
	<-done
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".go-version", ".tool-versions", "go.work", "go.mod"} {
		top := tree(t, files{".git/": "", name: "1.22.5"})
		openUp(t, top)
		if err := os.Chmod(filepath.Join(top, name), 0); err != nil {
			t.Fatal(err)
		}
		asNobody(func() {
			_, err := project.Walk(top, project.Options{})
			if diag.CodeOf(err) != diag.BadVersionFile || !strings.Contains(err.Error(), name+": cannot be read: permission denied") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// TestUnsearchableParent is a shell begun by su in somebody else's home: what
// cannot be looked up is not held against anyone.
func TestUnsearchableParent(t *testing.T) {
	t.Parallel()
	top := tree(t, files{"closed/.go-version": "1.21.1", "closed/inner/": "", ".go-version": "1.22.5"})
	openUp(t, top)
	if err := os.Chmod(filepath.Join(top, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(top, "closed"), 0o755) })
	asNobody(func() {
		survey, err := project.Walk(filepath.Join(top, "closed/inner"), project.Options{})
		if err != nil || survey.Requirement.Origin.Path != filepath.Join(top, ".go-version") {
			t.Errorf("decided %s, %v", survey.Requirement.Origin, err)
		}
	})
}

// openUp lets everybody into the directories above a test's own, which are private.
func openUp(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
