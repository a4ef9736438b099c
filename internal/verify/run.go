package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

// sandbox is a scratch directory in which a toolchain is tried: its own HOME
// and caches, an environment of its own, and no network.
type sandbox struct {
	v   *Verifier
	t   Target
	dir string
	env []string
}

func (v *Verifier) newSandbox(t Target) (*sandbox, error) {
	dir, err := os.MkdirTemp(v.TempDir, "vmgo-verify-")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	s := &sandbox{v: v, t: t, dir: dir}
	for _, sub := range []string{"home", "tmp", "work"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	s.env = []string{
		"PATH=" + filepath.Join(t.GOROOT, "bin") + string(filepath.ListSeparator) + v.Path,
		"HOME=" + in("home"), "TMPDIR=" + in("tmp"), "LC_ALL=C",
		"GOPATH=" + in("gopath"), "GOCACHE=" + in("cache"), "GOMODCACHE=" + in("modcache"),
		"GOENV=off", "GOTOOLCHAIN=local", "GOPROXY=off", "GOSUMDB=off", "GOTELEMETRY=off", "GOWORK=off",
	}
	return s, nil
}

// close removes the scratch directory; module caches are read-only.
func (s *sandbox) close() error {
	return fsx.RemoveAll(filepath.Dir(s.dir), filepath.Base(s.dir))
}

func (s *sandbox) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.dir, "work", name), []byte(text), 0o600)
}

// command returns a command that the go program of the release runs.
func (s *sandbox) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	return s.program(ctx, filepath.Join(s.t.GOROOT, "bin", "go"), env, args...)
}

// program makes a command in the scratch directory.
func (s *sandbox) program(ctx context.Context, path string, env []string, args ...string) *exec.Cmd {
	cmd := groupCommand(ctx, path, args...)
	cmd.Dir = filepath.Join(s.dir, "work")
	cmd.Env = append(append([]string{}, s.env...), env...)
	return cmd
}

// groupCommand returns a command that ends together with all processes that it started.
func groupCommand(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// output runs a command and returns its output.
func (s *sandbox) output(ctx context.Context, env []string, args ...string) (stdout, stderr string, err error) {
	cmd := s.command(ctx, env, args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := s.v.Run(cmd); err != nil {
		return "", "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, lastLine(talk.String()))
	}
	return out.String(), talk.String(), nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

const helloGo = `package main

import "fmt"

func main() { fmt.Println("hello from vmgo") }
`

const helloCgo = `package main

/*
static int answer(void) { return 42; }
*/
import "C"

import "fmt"

func main() { fmt.Println("hello from vmgo", C.answer()) }
`

// within tries a toolchain in a scratch directory. What try returns becomes the
// detail of the check, and its error the check's.
func (v *Verifier) within(c *Check, t Target, try func(*sandbox) (detail string, err error)) {
	s, err := v.newSandbox(t)
	if err != nil {
		c.fail(err)
		return
	}
	detail, err := try(s)
	if closeErr := s.close(); err == nil {
		err = closeErr
	}
	if err != nil {
		c.fail(err)
	}
	if c.Detail == "" {
		c.Detail = detail
	}
}

// checkRun is the check "run": what the toolchain reports about itself, and small programs.
func (v *Verifier) checkRun(ctx context.Context, c *Check, t Target) {
	v.within(c, t, func(s *sandbox) (string, error) {
		return s.steps(ctx, s.version, s.goEnv, s.listStd, s.modInit, s.compiler, s.hello, s.cgo)
	})
}

// steps runs one step after the other, and returns what they did.
func (s *sandbox) steps(ctx context.Context, steps ...func(context.Context) (string, error)) (string, error) {
	var done []string
	for _, step := range steps {
		said, err := step(ctx)
		if err != nil {
			return "", diag.Wrap(diag.Failure, err, s.t.Version.Toolchain()+" in "+s.t.GOROOT+" does not work as it should")
		}
		done = append(done, said)
	}
	return strings.Join(done, ", "), nil
}

func (s *sandbox) version(ctx context.Context) (string, error) {
	out, _, err := s.output(ctx, nil, "version")
	if err != nil {
		return "", err
	}
	want := "go version " + s.t.Version.Toolchain() + " " // then perhaps experiments, then the platform
	platform := s.t.Platform.OS + "/" + s.t.Platform.Arch
	if out = strings.TrimSpace(out); !strings.HasPrefix(out+" ", want) || !strings.HasSuffix(out, " "+platform) {
		return "", fmt.Errorf("go version says %q, not %q", out, want+platform)
	}
	return "go version", nil
}

func (s *sandbox) goEnv(ctx context.Context) (string, error) {
	out, _, err := s.output(ctx, nil, "env", "GOROOT", "GOPATH", "GOOS", "GOARCH")
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	if len(lines) != 4 {
		return "", fmt.Errorf("go env answers with %d lines, not 4", len(lines))
	}
	if !sameDir(lines[0], s.t.GOROOT) {
		return "", fmt.Errorf("its GOROOT is %s, not %s", lines[0], s.t.GOROOT)
	}
	if rel, err := filepath.Rel(lines[0], lines[1]); err == nil && filepath.IsLocal(rel) {
		return "", fmt.Errorf("its GOPATH %s is within GOROOT", lines[1])
	}
	if lines[2] != s.t.Platform.OS || lines[3] != s.t.Platform.Arch {
		return "", fmt.Errorf("it builds for %s/%s, not %s", lines[2], lines[3], s.t.Platform)
	}
	return "go env", nil
}

func sameDir(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func (s *sandbox) listStd(ctx context.Context) (string, error) {
	out, _, err := s.output(ctx, nil, "list", "std")
	if err != nil {
		return "", err
	}
	packages := strings.Fields(out)
	for _, want := range []string{"fmt", "net/http", "runtime"} {
		if !slices.Contains(packages, want) {
			return "", fmt.Errorf("go list std does not list %s", want)
		}
	}
	return fmt.Sprintf("%d packages", len(packages)), nil
}
