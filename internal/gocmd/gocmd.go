// Package gocmd runs the go command of a release and collects all that it prints.
package gocmd

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Command is a call of the go command.
type Command struct {
	GOROOT string
	Dir    string
	Env    map[string]string // an empty value counts as unset
	Args   []string
	Run    func(*exec.Cmd) error // starts a program and waits for it
}

// Output returns what the go command printed on stdout. The error says what it
// printed on stderr; its code is network where a server could not be reached.
func (c Command) Output(ctx context.Context) (string, error) {
	if err := readable(c.Dir); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.GOROOT, "bin", "go"), c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = []string{}
	for name, value := range c.Env {
		if value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // one group to end, git included
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := c.Run(cmd)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		if stderr.Len() == 0 {
			stderr.WriteString(err.Error())
		}
		return stdout.String(), failed("go "+c.Args[0]+" failed in "+c.Dir, stderr.String())
	}
	return stdout.String(), nil
}

// maxFile bounds a go.mod or go.work, in bytes.
const maxFile = 64 << 20

// Ordinary returns an error for a file for which the go command would wait, as a fifo,
// or which it would read without end, as a device or a huge file; and for one that
// cannot be read.
func Ordinary(path string) error {
	_, err := smallfile.Read(path, maxFile)
	return err
}

// readable returns an error unless the go.mod and go.work that the go command would
// find from dir are ordinary. As for the go command, a directory of that name is none.
func readable(dir string) error {
	for _, name := range []string{"go.mod", "go.work"} {
		for at := dir; ; at = filepath.Dir(at) {
			err := Ordinary(filepath.Join(at, name))
			var special *smallfile.NotRegularError
			var large *smallfile.TooLargeError
			if errors.As(err, &large) || errors.As(err, &special) && special.What != "a directory" {
				return err
			}
			if err == nil || at == filepath.Dir(at) {
				break
			}
		}
	}
	return nil
}

// Unreachable reports whether the go command says that a server could not be reached, or
// that its answer ended too early or was no HTTP.
func Unreachable(stderr string) bool {
	return slices.ContainsFunc([]string{
		"dial tcp", "i/o timeout", "connection refused", "connection reset", "no such host", "TLS handshake",
		`": EOF`, `": unexpected EOF`, "malformed HTTP",
	}, func(words string) bool { return strings.Contains(stderr, words) })
}

// failed makes an error for people of what the go command said.
func failed(what, stderr string) error {
	text := strings.TrimSpace(stderr)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 && len(text) > 2000 {
		text = text[i+1:]
	}
	code := diag.Failure
	if Unreachable(stderr) {
		code = diag.Network
	}
	return diag.New(code, what+": "+text, "vmgo exec -- go env GOPROXY GOPRIVATE")
}
