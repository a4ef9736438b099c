// Package host is the one doorway to the process and the machine. A Host
// carries arguments, environment, working directory, streams, clock, exec and
// HTTP transport as values, so that every other package can be given a made-up
// machine in its tests.
package host

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Host is the world that a program runs in. Fields are set once, by [OS] or
// by a test, and only read afterwards.
type Host struct {
	Args   []string          // argv, the program's own name first
	Env    map[string]string // the environment
	Dir    string            // logical working directory: $PWD where it is true, else the physical one; empty if it is gone
	Root   string            // where the machine's files begin: "/" except in tests
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// StdinTTY, StdoutTTY and StderrTTY reports whether the stream is a terminal.
	StdinTTY, StdoutTTY, StderrTTY bool
	// StdoutSize and StderrSize return the columns and rows of the terminal that the
	// stream is; zeros if it is none.
	StdoutSize, StderrSize func() (columns, rows int)
	// OnResize has f called whenever that terminal has changed its size.
	OnResize  func(f func())
	Now       func() time.Time
	Transport http.RoundTripper
	// Executable is the absolute path of the running program, links resolved.
	Executable string
	// Exec replaces the process (execve). It only returns on failure.
	Exec func(path string, argv []string, env []string) error
	// Run starts a program and waits for it.
	Run func(cmd *exec.Cmd) error
	// UID and PID are those of the process.
	UID, PID int
	// Interrupts returns a context that ends at the first SIGINT, SIGTERM or
	// SIGHUP. The second one ends the process, whatever holds it up.
	Interrupts func(parent context.Context) (context.Context, context.CancelFunc)
	// Sys are the facts of the machine that no file tells.
	Sys Sys
}

// OS reads the real world.
func OS() Host {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		for i := 1; i < len(pair); i++ {
			if pair[i] == '=' {
				env[pair[:i]] = pair[i+1:]
				break
			}
		}
	}
	dir, _ := os.Getwd()
	exe, _ := os.Executable()
	return Host{
		Args: os.Args, Env: env, Dir: dir, Root: "/",
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		StdinTTY:   term.IsTerminal(int(os.Stdin.Fd())),
		StdoutTTY:  term.IsTerminal(int(os.Stdout.Fd())),
		StderrTTY:  term.IsTerminal(int(os.Stderr.Fd())),
		StdoutSize: sizeOf(os.Stdout),
		StderrSize: sizeOf(os.Stderr), OnResize: onResize,
		Now: time.Now, Transport: http.DefaultTransport,
		Executable: exe,
		Exec:       syscall.Exec,
		Run:        func(cmd *exec.Cmd) error { return cmd.Run() },
		UID:        os.Getuid(), PID: os.Getpid(),
		Sys: OSSys(),
		Interrupts: func(parent context.Context) (context.Context, context.CancelFunc) {
			ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			context.AfterFunc(ctx, stop)
			return ctx, stop
		},
	}
}

func sizeOf(stream *os.File) func() (columns, rows int) {
	return func() (columns, rows int) {
		columns, rows, err := term.GetSize(int(stream.Fd()))
		if err != nil {
			return 0, 0
		}
		return columns, rows
	}
}

func onResize(f func()) {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	go func() {
		for range resized {
			f()
		}
	}()
}
