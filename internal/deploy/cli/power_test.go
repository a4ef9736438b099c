package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vmgo/vmgo/internal/deploy/onhost"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/vmtest/disks"
)

// fakeSSH stands for a host whose files lie in $TREE. What is sent to it for an
// apply it keeps in $STREAM, and does nothing with it.
const fakeSSH = `#!/bin/sh
for command; do :; done
case $command in
*' host info '*) exec "$DEPLOY" host info app --root "$TREE" ;;
*' host apply '*) cat >"$STREAM"; echo '{"result":{"result":"deployed"}}' ;;
*uname*) uname -m ;;
*'mktemp -d'*) cat >/dev/null; echo /none ;;
*' trust'*) exec "$DEPLOY" host trust --root "$TREE" ;;
esac
`

// stream returns a file with what is sent to a host whose files lie in tree.
func (b *bench) stream(tree, version string) string {
	b.t.Helper()
	b.version(version, "")
	file := filepath.Join(b.home, version+".stream")
	b.write(filepath.Join(b.home, "bin/ssh"), fakeSSH)
	for _, command := range []string{"trust", "apply"} {
		cmd := exec.Command(filepath.Join(b.bin, "vmgo-deploy"), command, "vm1")
		cmd.Dir = b.project
		cmd.Env = append(os.Environ(), "HOME="+b.home, "GOCACHE="+b.cache, "TREE="+tree, "STREAM="+file, "DEPLOY="+filepath.Join(b.bin, "vmgo-deploy"),
			"PATH="+filepath.Join(b.home, "bin")+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil {
			b.t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	return file
}

// onTree is the host's side, for the host whose files lie in tree. Units are not
// started there.
func (b *bench) onTree(tree, stream string, words ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(b.bin, "vmgo-deploy"), append(append([]string{"host"}, words...), "--root", tree)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if in, err := os.Open(stream); err == nil {
		cmd.Stdin = in
		b.t.Cleanup(func() { in.Close() })
	}
	return cmd
}

// TestDeploy_powerFailure lets the power of a host fail when a deploy enters each of
// the system calls that change names or make them durable. What is found at the
// next boot is the old release or the new one, whole.
func TestDeploy_powerFailure(t *testing.T) {
	long(t, "a power failure at each step")
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed")
	}
	b := localBench(t)
	tree := t.TempDir()
	first := b.stream(tree, "v1")
	if out, err := b.onTree(tree, first, "apply", "app").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	old, err := os.Readlink(filepath.Join(tree, "opt/app/current"))
	if err != nil {
		t.Fatal(err)
	}
	second := b.stream(tree, "v2")
	for _, call := range []string{"renameat", "renameat2", "fsync", "symlinkat", "unlinkat"} {
		over := false
		for n := 1; !over; n++ {
			t.Run(fmt.Sprint(call, n), func(t *testing.T) {
				d := disks.New(t, t.TempDir())
				b.command("", "cp", "-a", tree+"/.", d.Dir)
				b.command("", "sync", "-f", d.Dir)
				inner := b.onTree(d.Dir, second, "apply", "app")
				cmd := exec.Command(strace, append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call,
					"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n)}, inner.Args...)...)
				cmd.Env, cmd.Stdin = inner.Env, inner.Stdin
				out, err := cmd.CombinedOutput()
				if over = err == nil; !over && !killed(err) {
					t.Fatalf("%v: %s", err, out)
				}
				b.whole(t, d.AfterPowerFailure(t).Dir, old, over)
			})
		}
	}
}

// killed reports whether a program was ended by SIGKILL; strace ends itself so, too.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && (status.Signaled() && status.Signal() == syscall.SIGKILL || status.ExitStatus() == 128+int(syscall.SIGKILL))
}

// whole boots, as far as deploys go, and looks at what is current: that is not old
// if the deploy was done.
func (b *bench) whole(t *testing.T, tree, old string, done bool) {
	t.Helper()
	if out, err := b.onTree(tree, "", "recover", "app", "--boot").CombinedOutput(); err != nil {
		t.Fatalf("recover: %v: %s", err, out)
	}
	current, err := os.Readlink(filepath.Join(tree, "opt/app/current"))
	if err != nil {
		t.Fatal(err)
	}
	release := filepath.Join(tree, "opt/app", current)
	data, err := os.ReadFile(filepath.Join(release, pack.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := pack.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		in, err := os.Open(filepath.Join(release, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		if err := pack.WriteFile("", f, in); err != nil {
			t.Errorf("%s: %v", current, err)
		}
		in.Close()
	}
	if done && current == old {
		t.Error("the deploy was done, and the old release is current")
	}
	var state onhost.State
	if text, err := os.ReadFile(filepath.Join(tree, "opt/app/state.json")); err != nil || json.Unmarshal(text, &state) != nil {
		t.Fatalf("state.json is %s, %v", text, err)
	}
	if !strings.HasSuffix(current, state.Good[len(state.Good)-1]) {
		t.Errorf("%s is current, the last good one is %q", current, state.Good)
	}
	if _, err := os.Lstat(filepath.Join(tree, "opt/app/pending.json")); err == nil {
		t.Error("a switch is still pending")
	}
}
