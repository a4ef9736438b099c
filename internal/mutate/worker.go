//go:build mutate

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// verdict is how tests end.
type verdict string

const (
	passed   verdict = "passed"
	failed   verdict = "failed"
	timedOut verdict = "timed out"
)

// worker runs tests, one process at a time, with a switch of its own.
type worker struct {
	ctx    context.Context
	number int
	dir    string
	caged  bool // nothing but dir can be written, and no process outlives a run
	cache  string
	used   time.Duration // processor time of the last run
	script *script       // where the mutants are of one
}

func newWorker(ctx context.Context, number int, dir string, caged bool) (*worker, error) {
	w := &worker{ctx: ctx, number: number, dir: filepath.Join(dir, fmt.Sprintf("worker%d", number)), caged: caged}
	if err := os.MkdirAll(filepath.Join(w.dir, "tmp"), 0o755); err != nil {
		return nil, err
	}
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	w.cache = strings.TrimSpace(string(out))
	return w, err
}

func (w *worker) selector() string { return filepath.Join(w.dir, "active") }

// The cage is for mutants that lost the check that keeps a program, or a test
// that is root, off the machine itself. Its limits are for those without an
// end. In it, the shell is process 1, and the tests are an ordinary process.
const cage = `
dir=$1 cache=$2
shift 2
mount --bind "$dir" "$dir" && mount --bind "$cache" "$cache" || exit 125
while read -r _ at type _; do
	case $at:$type in
	"$dir":* | "$cache":* | /proc* | /dev* | *:cgroup*) ;;
	*) mount -o remount,bind,ro "$at" || [ "$at" != / ] || exit 125 ;;
	esac
done </proc/self/mounts 2>/dev/null
case $dir in /var/tmp/*) ;; *) mount -t tmpfs -o size=2g tmpfs /var/tmp ;; esac
ulimit -v 16000000
ulimit -f 4000000
"$@"
exit $?`

// canCage reports whether this machine lets us build the cage.
func canCage() bool {
	return os.Geteuid() == 0 && exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "true").Run() == nil
}

// activate makes a mutant the one that tests run with.
func (w *worker) activate(active string) error {
	if w.script != nil {
		return os.WriteFile(filepath.Join(w.dir, scriptTree, w.script.name), []byte(w.script.active(active)), 0o755)
	}
	return os.WriteFile(w.selector(), []byte(active), 0o644)
}

// try runs tests of one suite with a mutant active.
func (w *worker) try(active string, tests []*test, limit time.Duration) (verdict, string) {
	if err := w.activate(active); err != nil {
		return failed, err.Error()
	}
	s := tests[0].suite
	patterns := make([]string, len(tests))
	for i, t := range tests {
		patterns[i] = t.run
	}
	args := append([]string{s.binaries[w.number], "-test.failfast", "-test.timeout=0", "-test.run=" + strings.Join(patterns, "|")}, s.flags...)
	if w.caged {
		args = append([]string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", cage, "cage", w.dir, w.cache}, args...)
	}
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.WaitDelay = 5 * time.Second
	command.Dir = s.dir
	if !filepath.IsAbs(s.dir) {
		command.Dir = filepath.Join(w.dir, s.dir)
	}
	command.Env = append(os.Environ(), "TMPDIR="+filepath.Join(w.dir, "tmp"), "GOCACHE="+w.cache, "GOFLAGS=-buildvcs=false")
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	if s := command.ProcessState; s != nil {
		w.used = s.UserTime() + s.SystemTime()
	}
	w.clean()
	switch {
	case ctx.Err() != nil:
		return timedOut, out.String()
	case err != nil:
		return failed, out.String() + err.Error()
	}
	return passed, ""
}

// clean removes what tests left that were killed.
func (w *worker) clean() {
	tmp := filepath.Join(w.dir, "tmp")
	left, _ := os.ReadDir(tmp)
	for _, entry := range left {
		path := filepath.Join(tmp, entry.Name())
		if os.RemoveAll(path) != nil { // directories without write permission
			exec.Command("chmod", "-R", "u+rwX", path).Run()
			os.RemoveAll(path)
		}
	}
}
