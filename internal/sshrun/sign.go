package sshrun

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/lookpath"
)

// Sign has the system's ssh-keygen sign data with a key for a namespace, and returns the
// armored signature. ssh-keygen may ask the agent, or for a passphrase on the terminal.
func Sign(ctx context.Context, h host.Host, key, namespace string, data io.Reader) ([]byte, error) {
	program, found := lookpath.Find(h.Env["PATH"], "ssh-keygen", lookpath.IsProgram)
	if !found {
		return nil, diag.New(diag.CommandNotFound, "there is no ssh-keygen on PATH, which signs", "sudo apt-get install openssh-client")
	}
	var signature, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "-Y", "sign", "-n", namespace, "-f", key)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = data, &signature, &stderr
	if err := h.Run(cmd); err != nil {
		return nil, diag.New(diag.SignatureInvalid, "cannot sign with "+key+": "+strings.TrimSpace(stderr.String()), "ls -l "+diag.Word(key))
	}
	return signature.Bytes(), nil
}
