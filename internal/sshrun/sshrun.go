// Package sshrun runs the system's ssh and ssh-keygen: the user's configuration, agent
// and jump hosts count.
package sshrun

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// Runner runs ssh on this machine, each time with the same options.
type Runner struct {
	host    host.Host
	options []string
}

// New returns a Runner. The options stand before those of each call: ssh takes the
// first value that it is given.
func New(h host.Host, options ...string) Runner { return Runner{h, options} }

// Run runs a command of the account's shell on a machine, which is named as ssh
// takes it. Further options are words for ssh. The error is a [diag.Network] one
// where the machine cannot be reached, a *[Failure] where the command failed there,
// and that of ctx once it has ended: the command may go on there.
func (r Runner) Run(ctx context.Context, destination string, options []string, command string, stdin io.Reader, stdout io.Writer) error {
	cmd, err := r.Command(ctx, destination, options, command)
	if err != nil {
		return err
	}
	var stderr tail
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	err = r.host.Run(cmd)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // ssh itself has ended well
		return nil
	case !errors.As(err, &exit):
		return diag.Wrap(diag.CannotStart, err, "cannot run ssh", "ssh "+diag.Word(destination)+" true")
	case exit.ExitCode() == 255:
		return diag.New(diag.Network, destination+" cannot be reached: "+stderr.text(), "ssh "+diag.Word(destination)+" true")
	}
	return &Failure{Status: exit.ExitCode(), Stderr: stderr.text()}
}

// Command returns the ssh that [Runner.Run] starts, for a caller with streams of its own.
func (r Runner) Command(ctx context.Context, destination string, options []string, command string) (*exec.Cmd, error) {
	program, err := r.Program()
	if err != nil {
		return nil, err
	}
	words := append(append([]string{"-T"}, r.options...), options...)
	words = append(words, "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "--", destination, command)
	return exec.CommandContext(ctx, program, words...), nil
}

// Program returns the path of ssh, or an error where there is none.
func (r Runner) Program() (string, error) {
	program := r.host.Find("ssh", r.host.Env["PATH"])
	if program == "" {
		return "", diag.New(diag.CommandNotFound, "there is no ssh on PATH", "sudo apt-get install openssh-client")
	}
	return r.host.Path(program), nil
}

// patience is how long an interrupted ssh, or what it left behind, may hold its
// output open.
const patience = 5 * time.Second

// Failure is a command that failed on another machine.
type Failure struct {
	Status int    // its exit status
	Stderr string // the end of what it said, on one line
}

func (e *Failure) Error() string { return "the host says: " + e.Stderr }

// tail keeps the end of what a command says, on one line.
type tail struct{ buf bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	if t.buf.Len() > 16<<10 {
		t.buf.Next(t.buf.Len() / 2)
	}
	return t.buf.Write(p)
}

func (t *tail) text() string {
	lines := strings.Split(strings.TrimSpace(t.buf.String()), "\n")
	return diag.Line(strings.Join(lines[max(0, len(lines)-3):], "; "))
}
