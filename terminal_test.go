package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestTerminal_resizedAndInterrupted runs vmgo on a real terminal: its moving
// line is cut to the width, follows a change of it, and is gone after ^C.
func TestTerminal_resizedAndInterrupted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ before, after int }{{40, 80}, {60, 40}, {80, 60}, {200, 40}} {
		t.Run(strconv.Itoa(tt.before)+"to"+strconv.Itoa(tt.after), func(t *testing.T) {
			t.Parallel()
			pty := startWaiting(t, tt.before)
			screen := vmtest.NewScreen(tt.before, ui.Width)
			show(t, pty, screen, func() bool { return strings.Contains(strings.Join(screen.Text(), ""), "waiting for") })
			fits(t, screen, tt.before)
			screen.Resize(tt.after)
			vmtest.ResizeTerminal(t, pty, tt.after)
			show(t, pty, screen, func() bool { return isCut(screen, tt.after) })
			fits(t, screen, tt.after)
			if _, err := pty.WriteString("\x03"); err != nil {
				t.Fatal(err)
			}
			show(t, pty, screen, nil)
			text := strings.Join(screen.Text(), "\n")
			if !strings.Contains(text, "vmgo: the install of go1.22.5 was interrupted") || strings.Contains(text, "waiting") {
				t.Errorf("after ^C, the terminal shows\n%s", text)
			}
		})
	}
}

// TestTerminal_longWaitIsShown holds a command to telling what it waits for: here
// a server that never answers.
func TestTerminal_longWaitIsShown(t *testing.T) {
	t.Parallel()
	server := vmtest.NewServer(t, vmtest.Options{})
	server.Fault("/golang.org/toolchain/@v/list", vmtest.Fault{Name: "silent"})
	pty := startOnTerminal(t, t.TempDir(), 80, server, "list-remote")
	screen := vmtest.NewScreen(80, ui.Width)
	show(t, pty, screen, func() bool {
		return strings.Join(screen.Text(), "|") == "vmgo: fetching the lists of releases"
	})
	if _, err := pty.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	show(t, pty, screen, nil)
	if text := strings.Join(screen.Text(), "\n"); strings.Contains(text, "asking for") || !strings.Contains(text, "[interrupted]") {
		t.Errorf("after ^C, the terminal shows\n%s", text)
	}
}

// TestTerminal_silentProxy holds an install to showing what it waits for before it
// has found the release, and to saying in plain words that it was interrupted.
func TestTerminal_silentProxy(t *testing.T) {
	t.Parallel()
	server := vmtest.NewServer(t, vmtest.Options{})
	server.Fault("/golang.org/toolchain/@v/*.zip", vmtest.Fault{Name: "silent"})
	pty := startOnTerminal(t, t.TempDir(), 80, server, "install", "1.22.5")
	screen := vmtest.NewScreen(80, ui.Width)
	show(t, pty, screen, func() bool { return strings.Join(screen.Text(), "|") == "go1.22.5: looking for the release" })
	if _, err := pty.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	show(t, pty, screen, nil)
	want := "vmgo: the install of go1.22.5 was interrupted: interrupt signal received [interrupted]"
	if text := strings.Join(screen.Text(), ""); strings.Contains(text, "looking for") || !strings.Contains(text, want) {
		t.Errorf("after ^C, the terminal shows\n%s", strings.Join(screen.Text(), "\n"))
	}
}

// TestTerminal_reportsFit holds the reports of doctor and harden to the width of the
// terminal, within limits; commands to paste are not broken.
func TestTerminal_reportsFit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ columns, widest int }{{30, 40}, {60, 60}, {200, 100}} {
		for _, args := range [][]string{
			{"doctor", "--quick", "--only", "security.store"},
			{"harden", "plan", "--only", "policy,inotify", "--root", "ROOT"},
		} {
			t.Run(args[0]+args[1]+strconv.Itoa(tt.columns), func(t *testing.T) {
				t.Parallel()
				root, screen := t.TempDir(), vmtest.NewScreen(1000, ui.Width)
				args := slices.Clone(args)
				if last := len(args) - 1; args[last] == "ROOT" {
					args[last] = root
				}
				store := filepath.Join(root, "opt/go") // open to everybody, which doctor explains
				if err := errors.Join(os.MkdirAll(filepath.Join(root, "etc"), 0o755), os.MkdirAll(store, 0o755), os.Chmod(store, 0o777)); err != nil {
					t.Fatal(err)
				}
				show(t, startOnTerminal(t, root, tt.columns, vmtest.NewServer(t, vmtest.Options{}), args...), screen, nil)
				widest, lines := 0, screen.Text()
				for _, line := range lines {
					if strings.HasPrefix(line, " ") && !strings.Contains(line, "/") { // neither of the machine nor a command
						widest = max(widest, ui.Width(line))
					}
				}
				if widest > tt.widest || widest < tt.widest-20 {
					t.Errorf("%d columns, want about %d:\n%s", widest, tt.widest, strings.Join(lines, "\n"))
				}
			})
		}
	}
}

// startWaiting runs an install that waits for another process, on a terminal of
// so many columns.
func startWaiting(t *testing.T, columns int) *os.File {
	t.Helper()
	version, err := gover.Parse("1.22.5")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	what := "vmgo install ./项目/下载/go1.22.5.linux-amd64.tar.gz " + strings.Repeat("and one more of a long list, ", 9)
	holder := store.Open(root+"/opt/go", store.Options{Identity: store.Identity{PID: os.Getpid(), What: what}})
	lock, err := holder.LockRelease(t.Context(), version, store.Wait{})
	if err != nil {
		t.Fatal(err)
	}
	server := vmtest.NewServer(t, vmtest.Options{Toolchains: []vmtest.Toolchain{{Version: "1.22.5"}}})
	t.Cleanup(func() { _ = lock.Release() })
	return startOnTerminal(t, root, columns, server, "install", "1.22.5")
}

// startOnTerminal runs vmgo on a terminal of so many columns.
func startOnTerminal(t *testing.T, root string, columns int, server *vmtest.Server, args ...string) *os.File {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pty, tty := vmtest.OpenTerminal(t)
	vmtest.ResizeTerminal(t, pty, columns)
	cmd := exec.Command(self)
	cmd.Args = append([]string{"vmgo"}, args...)
	cmd.Env = []string{"TERM=xterm", "HOME=" + root, "TESTROOT=" + root, "GOPROXY=" + server.URL, "GOSUMDB=" + server.GOSUMDB(), "GOENV=off", "VMGO_SOURCE=goproxy"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = tty.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = pty.Close()
	})
	return pty
}

// show puts what the program prints on the screen until that is as wanted; nil:
// until the program ends.
func show(t *testing.T, pty *os.File, screen *vmtest.Screen, wanted func() bool) {
	t.Helper()
	if err := pty.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for wanted == nil || !wanted() {
		n, err := pty.Read(buffer)
		_, _ = screen.Write(buffer[:n])
		switch {
		case wanted == nil && errors.Is(err, syscall.EIO): // nobody has the terminal open any more
			return
		case err != nil:
			t.Fatalf("%v; the terminal shows\n%s", err, strings.Join(screen.Text(), "\n"))
		}
	}
}

func fits(t *testing.T, screen *vmtest.Screen, columns int) {
	t.Helper()
	if !isCut(screen, columns) {
		t.Errorf("%d columns: %q", columns, screen.Text())
	}
}

// isCut reports whether the screen has one line that takes its width: all
// columns but the last, or one less where a wide character is next.
func isCut(screen *vmtest.Screen, columns int) bool {
	text := screen.Text()
	return len(text) == 1 && screen.Rows() == 1 && ui.Width(text[0]) < columns && ui.Width(text[0]) >= columns-2
}
