package main_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// onTerminal runs install.sh on a terminal, types ^C as soon as stop is shown,
// and returns what the terminal was sent and the exit status.
func (in *installer) onTerminal(stop string, args ...string) (shown string, status int) {
	in.t.Helper()
	pty, tty := vmtest.OpenTerminal(in.t)
	shell, err := exec.LookPath(in.shell[0])
	if err != nil {
		in.t.Fatal(err)
	}
	argv := append(append([]string{}, in.shell...), filepath.Join(in.checkout, "install.sh"), "--prefix", filepath.Join(in.home, ".local"))
	cmd := exec.Cmd{Path: shell, Args: append(argv, args...), Dir: in.home, Env: append([]string{"PATH=" + in.path, "TERM=xterm"}, in.env...),
		Stdin: tty, Stdout: tty, Stderr: tty, SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true}}
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	_ = tty.Close()
	in.t.Cleanup(func() { _ = pty.Close() })
	if err := pty.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		in.t.Fatal(err)
	}
	var text bytes.Buffer
	for buffer := make([]byte, 4096); ; {
		n, err := pty.Read(buffer)
		text.Write(buffer[:n])
		if err != nil { // EIO: nobody has the terminal open any more
			break
		}
		if stop != "" && strings.Contains(text.String(), stop) {
			stop = ""
			if _, err := pty.WriteString("\x03"); err != nil {
				in.t.Fatal(err)
			}
		}
	}
	_ = cmd.Process.Kill() // only if the deadline has passed
	_ = cmd.Wait()
	return text.String(), cmd.ProcessState.ExitCode()
}

// serve answers with the files of the made-up proxy; of stuck ones, it sends the
// first half and no more.
func (in *installer) serve(stuck bool) {
	in.t.Helper()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(in.home), "proxy", r.URL.Path))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		if !stuck {
			_, _ = w.Write(data)
			return
		}
		_, _ = w.Write(data[:len(data)/2])
		_ = http.NewResponseController(w).Flush()
		<-done
	}))
	in.t.Cleanup(server.Close)
	in.t.Cleanup(func() { close(done) })
	in.env = append(in.env, "GOPROXY="+server.URL)
}

// On a terminal the download has its program's bar, and the build names packages.
func TestInstaller_progressOnATerminal(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"curl", "wget"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(tool); err != nil {
				t.Skip(err)
			}
			in := newInstaller(t, "dash")
			in.onlyTools(tool, "sha256sum", "unzip")
			in.serve(false)
			shown, status := in.onTerminal("", "--programs-only")
			if status != 0 {
				t.Errorf("exit status %d", status)
			}
			wants(t, shown, "100", "%", "fake/package\r\n")
			_, stderr := in.run(0, "--programs-only")
			for _, line := range strings.Split(strings.TrimSuffix(stderr, "\n"), "\n") {
				if !strings.HasPrefix(line, "install.sh: ") && !strings.HasPrefix(line, "    ") {
					t.Errorf("without a terminal: %q", line)
				}
			}
		})
	}
}

// ^C in the middle of a download leaves no file, and the prompt has a line of its own.
func TestInstaller_interruptedOnATerminal(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		in.serve(true)
		shown, status := in.onTerminal("%", "--programs-only")
		if status != 130 || !strings.HasSuffix(shown, "\r\n") {
			t.Errorf("exit status %d, shown %q", status, shown)
		}
		if rest, _ := os.ReadDir(in.temp); len(rest) != 1 {
			t.Errorf("temporary files stay: %v", rest)
		}
	})
}
