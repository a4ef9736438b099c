package host

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/lookpath"
)

// ErrNoProgram says that a program to be run is not on PATH.
var ErrNoProgram = errors.New("no such program on PATH")

// Find is the file that a program name stands for on this PATH of the
// machine, by the machine's own name; empty if there is none. Elements of
// PATH that are empty or relative are passed over: nothing that vmgo runs may
// depend on the working directory.
func (h Host) Find(program, path string) string {
	found, _ := lookpath.Find(path, program, h.IsProgram)
	return found
}

// IsProgram reports whether p is a file that somebody may execute: not only this
// process runs what doctor and harden look at.
func (h Host) IsProgram(p string) bool {
	info, err := h.Stat(p)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Output is what a program printed.
type Output struct {
	Stdout, Stderr string
	Status         int // exit status
}

// Command describes a program to run for its answer.
type Command struct {
	Args []string          // the program first: a name to be looked up on PATH, or an absolute path
	Env  map[string]string // nil: the host's own
	Dir  string            // empty: the host's own
}

// Ask runs a program of the machine without input and collects its answer. It
// is ended, with everything that it started, when ctx ends. An exit status
// other than 0 is no error.
func (h Host) Ask(ctx context.Context, c Command) (Output, error) {
	program := c.Args[0]
	if !filepath.IsAbs(program) {
		program = h.Find(program, h.Env["PATH"])
	}
	if program == "" || !h.IsProgram(program) {
		return Output{}, ErrNoProgram
	}
	cmd := exec.CommandContext(ctx, h.Path(program), c.Args[1:]...)
	cmd.Args[0] = c.Args[0]
	cmd.Dir = c.Dir
	if cmd.Dir == "" {
		cmd.Dir = h.Dir
	}
	env := c.Env
	if env == nil {
		env = h.Env
	}
	cmd.Env = []string{}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	// A session of its own: no terminal to ask on, and one group to end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// A program may leave behind others that hold on to its output: a startup
	// file that starts an agent does. What it said itself is there by then.
	cmd.WaitDelay = time.Second
	var stdout, stderr limitedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := h.Run(cmd)
	out := Output{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit interface{ ExitCode() int }
	switch {
	case ctx.Err() != nil:
		return out, ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay):
		return out, nil
	case errors.As(err, &exit):
		out.Status = exit.ExitCode()
		return out, nil
	}
	return out, err
}

// limitedBuffer keeps the first 64 KiB and swallows the rest.
type limitedBuffer struct{ buf bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if room := 64<<10 - b.buf.Len(); room > 0 {
		b.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *limitedBuffer) String() string { return b.buf.String() }
