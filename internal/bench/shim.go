//go:build bench

package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"
)

// shim compares `go version` through the shim with the same program started
// by a bare Go program that does nothing but exec, and directly.
func (b *bench) shim() error {
	if err := b.installed(); err != nil {
		return err
	}
	if err := os.MkdirAll(b.path("shims"), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(b.path("bin/vmgo-shim"), b.path("shims/go")); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	direct := b.path("store", release, "bin/go")
	run := func(name, program string, args ...string) contender {
		return contender{name, func(int) (sample, error) {
			cmd := b.command(program, args...)
			cmd.Dir = b.path("a")
			cmd.Env = append(cmd.Env, "BENCH_TARGET="+direct, "GOTOOLCHAIN=local")
			return timed(cmd)
		}}
	}
	list := []contender{
		run("a bare Go program that execs", b.path("bin/exec"), "version"),
		run("directly", direct, "version"),
		run("vmgo's shim", b.path("shims/go"), "version"),
		run("vmgo exec -- go", b.path("bin/vmgo"), "exec", "--", "go", "version"),
	}
	if mise, err := exec.LookPath("mise"); err == nil {
		if err := b.miseProjects(mise); err != nil {
			return err
		}
		list = append(list, contender{"mise exec -- go", func(int) (sample, error) {
			cmd := b.command(mise, "exec", "--", "go", "version")
			cmd.Dir = b.path("mise/a")
			return timed(cmd)
		}})
	}
	check := b.command(b.path("shims/go"), "version")
	check.Dir = b.path("a")
	if out, err := check.Output(); err != nil || !strings.Contains(string(out), "go"+release+" ") {
		return &exec.Error{Name: string(out), Err: cmp.Or(err, exec.ErrNotFound)}
	}
	return compare("go version", cmp.Or(b.runs, 100), time.Millisecond, list)
}
