package verify

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// workingGo answers as a sound go1.22.5 does, in an environment without network
// and without anybody's settings.
const workingGo = `#!/bin/sh
[ "$GOENV,$GOTOOLCHAIN,$GOPROXY,$GOSUMDB,$GOTELEMETRY,$GOWORK" = off,local,off,off,off,off ] || exit 3
root=${0%/bin/go}
case "$1 $2" in
version*) echo 'go version go1.22.5 linux/amd64' ;;
env*) printf '%s\n' "$root" "$GOPATH" linux amd64 ;;
list*) echo fmt net/http runtime ;;
mod*) printf 'module example.com/hello\n\ngo 1.22.5\n' >go.mod ;;
tool*) echo 'compile version go1.22.5' ;;
'run -x') echo "$root/pkg/tool/linux_amd64/compile -o x" >&2; echo 'hello from vmgo' ;;
run*) echo 'hello from vmgo 42' ;;
esac
`

func runVerifier(t *testing.T, script string) (*Verifier, Target) {
	t.Helper()
	dir, bin := unpacked(t, vmtest.Toolchain{Version: "1.22.5"}), t.TempDir()
	for path, text := range map[string]string{dir + "/bin/go": script, bin + "/gcc": ""} {
		write(t, path, text)
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	v := &Verifier{Now: time.Now, Run: (*exec.Cmd).Run, Path: bin, TempDir: t.TempDir()}
	return v, Target{Version: version(t, "1.22.5"), Platform: linux, GOROOT: dir}
}

func TestVerifier_runNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{"go1.22.5 linux/", "go1.22.5 X:nocoverageredesign linux/", ""}, // an experiment
		{"go1.22.5 linux/", "go1.22.50 linux/", "go version says"},
		{"linux/amd64", "linux/arm64", "go version says"},
		{`"$root" "$GOPATH"`, `/ "$GOPATH"`, "its GOROOT is /,"},
		{`"$root" "$GOPATH"`, `"$root" "$root/gopath"`, "is within GOROOT"},
		{"linux amd64", "plan9 amd64", "it builds for plan9/amd64"},
		{"linux amd64", "linux mips", "it builds for linux/mips"},
		{"linux amd64", "linux", "3 lines"},
		{" net/http ", " ", "does not list net/http"},
		{`ngo 1.22.5`, `ngo 1.99`, `writes the line "go 1.99"`},
		{"compile version go1.22.5", "compile version go1.22.50", "the compiler says"},
		{"compile version go1.22.5", "compile version go1.22.5 X:loopvar", ""},
		{"echo 'hello from vmgo'", "echo bye", `a program says "bye"`},
		{"$root/pkg/tool/", "/usr/lib/go/pkg/tool/", "go run does not use the tools of"},
		{"vmgo 42", "vmgo 41", "a program with C in it says"},
	} {
		v, target := runVerifier(t, strings.Replace(workingGo, c.old, c.new, 1))
		r, err := v.Verify(t.Context(), target, Checks{Run: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Err(); r.OK != (c.want == "") || c.want != "" && !strings.Contains(got.Error(), c.want) {
			t.Errorf("%q in place of %q: %v, want %q", c.new, c.old, got, c.want)
		}
	}
}

// Whatever a toolchain has started ends with the check that started it.
func TestVerifier_runEndsWhatItStarted(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	v, target := runVerifier(t, "#!/bin/sh\nsleep 1000 >'"+fifo+"' 2>&1 &\nwait\n")
	v.Path = "/usr/bin:/bin"
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = v.Verify(ctx, target, Checks{Run: true})
	}()
	file, err := os.Open(fifo) // waits for the child
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cancel()
	<-done
	if err := file.SetReadDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the child of go is still there")
	}
}
