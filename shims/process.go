// Package shims runs when a shim or the hook is called: it resolves the working
// directory, computes the environment, and executes the requested tool or prints what the
// shell evaluates. It is the whole of vmgo-shim, and part of vmgo, which does the same
// where vmgo-shim is missing.
//
// It is linked into the lean program: standard library only, no fmt, no net, no
// regexp. Such a program starts as fast as a bare Go program, which every `go
// build` through a shim and every cd needs.
package shims

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/tools/chosen"
	"github.com/vmgo/vmgo/shell"
)

// Process is the environment of a shim, as plain values.
type Process struct {
	Args []string // argv, the program's own name first
	Env  environ.Env
	Dir  string // logical working directory; empty if it is gone
	Root string // where the machine's files begin: "/" except in tests
	// Executable returns the running program, links resolved; empty if
	// unknown.
	Executable     func() string
	UID, PID       int
	Stdout, Stderr io.Writer
	Now            func() time.Time
	// Exec replaces the process (execve). It only returns on failure.
	Exec func(path string, argv, env []string) error
	// Ranges reads range selectors. The lean program has none and executes the vmgo
	// beside it.
	Ranges gover.RangeParser
	// Install installs what a directory requests. The lean program has none and
	// executes vmgo, too.
	Install func(dir string) error
}

// The words by which vmgo is called in place of vmgo-shim.
const (
	hookWord = "__hook" // then the arguments of the hook
	shimWord = "__shim" // then the tool's name and its arguments
)

// OS returns the real process.
func OS() Process {
	dir, _ := os.Getwd()
	return Process{
		Args: os.Args, Env: environ.FromPairs(os.Environ()), Dir: dir, Root: "/", Executable: executable,
		UID: os.Getuid(), PID: os.Getpid(), Stdout: os.Stdout, Stderr: os.Stderr, Now: time.Now,
		Exec: syscall.Exec,
	}
}

func executable() string {
	path, _ := os.Executable()
	return path
}

// IsShimCall reports whether vmgo, started with these arguments, does a shim's work: by
// the name of a link, or by a word that vmgo-shim or the hook uses.
func IsShimCall(args []string) bool {
	if len(args) == 0 {
		return false
	}
	for _, tool := range append(Tools(), chosen.Delve) {
		if filepath.Base(args[0]) == tool {
			return true
		}
	}
	return len(args) > 1 && (args[1] == hookWord || args[1] == shimWord)
}

// Main does what the process was started for and returns its exit status. A shim
// that can start its tool does not return.
func Main(p Process) int {
	name, args := "vmgo-shim", p.Args
	if len(args) > 0 {
		name, args = filepath.Base(args[0]), args[1:]
	}
	if name != "vmgo" && name != "vmgo-shim" {
		return p.refuse(p.run(name, args))
	}
	if len(args) > 1 && args[0] == shimWord {
		return p.refuse(p.run(args[1], args[2:]))
	}
	if len(args) > 0 && (args[0] == "hook" || args[0] == hookWord) {
		call, ok, err := shell.ParseCall(args[1:])
		if ok {
			err = p.hook(call)
		}
		if ok || err != nil {
			return p.report(err)
		}
	}
	return p.report(diag.New(diag.Usage, "this program serves the hook and links named after tools",
		"vmgo hook bash", "vmgo shims"))
}

// refuse prints why a tool was not started, and returns the exit status that
// shells use: 127 for what does not exist, 126 for the rest.
func (p Process) refuse(err error) int {
	if p.report(err) == 0 {
		return 0
	}
	switch diag.CodeOf(err) {
	case diag.NotInstalled, diag.NoRequirement, diag.CommandNotFound:
		return 127
	}
	return 126
}

// report prints an error and returns its exit status.
func (p Process) report(err error) int {
	if err == nil {
		return 0
	}
	_, _ = io.WriteString(p.Stderr, diag.Format("vmgo", err))
	return diag.ExitStatus(err)
}

// handOver executes the vmgo beside this program for what the lean program cannot do.
func (p Process) handOver(word string, args ...string) error {
	vmgo := filepath.Join(filepath.Dir(p.Executable()), "vmgo")
	err := p.Exec(vmgo, append([]string{vmgo, word}, args...), p.Env.Pairs())
	return diag.Wrap(diag.CannotStart, err, "version ranges and VMGO_AUTOINSTALL need "+vmgo, "go install github.com/vmgo/vmgo/...")
}

// ownPrograms are the programs to which shims are links.
func (p Process) ownPrograms() []string {
	program := p.Executable()
	if program == "" {
		return nil
	}
	dir := filepath.Dir(program)
	return []string{program, filepath.Join(dir, "vmgo"), filepath.Join(dir, "vmgo-shim")}
}
