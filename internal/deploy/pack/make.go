package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// List returns the files beneath dir, as a manifest names them.
func List(dir string) ([]File, error) {
	var files []File
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := File{Path: filepath.ToSlash(name), Mode: 0o644}
		if info, err := d.Info(); err == nil && info.Mode()&0o100 != 0 {
			f.Mode = 0o755
		}
		in, err := smallfile.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		hash := sha256.New()
		f.Size, err = io.Copy(hash, in)
		f.SHA256 = hex.EncodeToString(hash.Sum(nil))
		files = append(files, f)
		return err
	})
	return files, err
}

// Sign has ssh-keygen sign data with a key for a namespace. It may ask the agent or
// for a passphrase.
func Sign(ctx context.Context, h host.Host, key, namespace string, data []byte) ([]byte, error) {
	program := h.Find("ssh-keygen", h.Env["PATH"])
	if program == "" {
		return nil, diag.New(diag.CommandNotFound, "there is no ssh-keygen on PATH, which signs", "sudo apt-get install openssh-client")
	}
	var signature, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, h.Path(program), "-Y", "sign", "-n", namespace, "-f", key)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &signature, &stderr
	if err := h.Run(cmd); err != nil {
		return nil, diag.New(diag.SignatureInvalid, "cannot sign with "+key+": "+strings.TrimSpace(stderr.String()), "ls -l "+diag.Word(key))
	}
	return signature.Bytes(), nil
}
