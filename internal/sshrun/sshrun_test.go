package sshrun

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// TestRun_errors has a program in ssh's place end in each of its ways.
func TestRun_errors(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	h := host.OS()
	h.Env = map[string]string{"PATH": bin}
	run := func(script string) (string, error) {
		if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := New(h, "-o", "A=b").Run(t.Context(), "-x", []string{"-p", "22"}, "true", strings.NewReader("in"), &out)
		return out.String(), err
	}
	if out, err := run(`printf '%s ' "$@"; exec /bin/cat`); err != nil || !strings.HasPrefix(out, "-T -o A=b -p 22 ") || !strings.HasSuffix(out, " -- -x true in") {
		t.Errorf("ssh gets %q, %v", out, err)
	}
	if _, err := run("echo no route >&2; exit 255"); diag.CodeOf(err) != diag.Network || !strings.Contains(err.Error(), "-x cannot be reached: no route") {
		t.Errorf("no connection: %v", err)
	}
	var failure *Failure
	if _, err := run("echo a >&2; echo b >&2; exit 3"); !errors.As(err, &failure) || *failure != (Failure{3, "a; b"}) {
		t.Errorf("a command that fails: %v", err)
	}
	if err := os.Remove(filepath.Join(bin, "ssh")); err != nil {
		t.Fatal(err)
	}
	if err := New(h).Run(t.Context(), "vm", nil, "true", nil, nil); diag.CodeOf(err) != diag.CommandNotFound {
		t.Errorf("no ssh: %v", err)
	}
}
