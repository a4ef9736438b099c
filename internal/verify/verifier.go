package verify

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
)

// Checks are the checks to make.
type Checks struct{ Files, Log, Run, Smoke, Std, Rebuild bool }

// Usual are the checks that are made when none is named.
func Usual() Checks { return Checks{Files: true, Log: true, Run: true} }

// Verifier has what the checks need. Its fields are set once.
type Verifier struct {
	Log Log
	// Stores may hold the same release as a tree that fails, and then show
	// what differs.
	Stores []*store.Store
	// Directory lists the files of a module zip with size and CRC-32, for the
	// same purpose; nil where there is no network.
	Directory func(ctx context.Context, v gover.Version, p gover.Platform) ([]archive.File, error)
	Jobs      int
	Now       func() time.Time
	// Run starts a program and waits for it; (*exec.Cmd).Run in production.
	Run func(cmd *exec.Cmd) error
	// Path is the PATH on which a C compiler is searched.
	Path string
	// TempDir is where scratch directories are made; "" means the system's.
	TempDir string
	// NotesDir is where std notes which packages have passed, to go on after a stop; ""
	// notes nothing. A rebuild that was stopped is kept there for the same purpose.
	NotesDir string
	// StateDir is where the result of a rebuild is kept if it cannot be added to the
	// receipt; "" keeps it nowhere.
	StateDir string
	// Bootstraps are the installed releases, which may compile another one.
	Bootstraps []Bootstrap
	// Bootstrap is the one to take; the zero value takes one of Bootstraps.
	Bootstrap Bootstrap
	// StdTimeout ends the checks smoke and std.
	StdTimeout time.Duration
	// Begin is called for each check when it begins; may be nil.
	Begin func(t Target, id string)
	// Hashed is called with the bytes of the tree read so far and the total. It may
	// be nil, and is called by many goroutines.
	Hashed func(done, total int64)
	// Progress is called for each package that std has tested, and each step of a rebuild; may be nil.
	Progress func(line string)
}

// Verify makes the checks, in the order files, log, run, smoke, std, rebuild. The error is only
// set where ctx ended; what the checks found is in the report. A release that
// is uninstalled meanwhile is not installed; one that is replaced is checked again.
func (v *Verifier) Verify(ctx context.Context, t Target, checks Checks) (Report, error) {
	const attempts = 3
	for left := attempts - 1; ; left-- {
		before, _ := os.Lstat(t.GOROOT)
		r, err := v.verify(ctx, t, checks)
		if err != nil || r.OK {
			return r, err
		}
		now, lostErr := os.Lstat(t.GOROOT)
		switch {
		case errors.Is(lostErr, fs.ErrNotExist):
			return r.gone(), nil
		case left == 0 || lostErr != nil || before != nil && os.SameFile(before, now):
			return r, nil
		}
	}
}

// gone is the report of a release that was removed while it was verified: failures
// then mean nothing.
func (r Report) gone() Report {
	for i := range r.Checks {
		if c := &r.Checks[i]; c.err != nil {
			c.Detail, c.Problems = "", []Problem{}
			c.fail(diag.New(diag.NotInstalled, "go "+r.Version+" was removed while it was verified: "+r.GOROOT+" is gone", "vmgo list"))
		}
	}
	return r
}

func (v *Verifier) verify(ctx context.Context, t Target, checks Checks) (Report, error) {
	r := Report{Version: t.Version.String(), GOROOT: t.GOROOT, OK: true, Checks: []Check{}}
	add := func(id string, check func(*Check)) error {
		c := timed(id, v.Now, check)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.Checks = append(r.Checks, c)
		r.OK = r.OK && c.err == nil && c.Status != Fail
		return nil
	}
	var tree *Tree
	scan := func(c *Check) bool { // once for both checks that read the tree
		if tree != nil {
			return true
		}
		scanned, err := Scan(ctx, t.GOROOT, v.Jobs, v.Hashed)
		if err != nil {
			c.fail(err)
			return false
		}
		tree = scanned
		return true
	}
	steps := []struct {
		id    string
		asked bool
		check func(*Check)
	}{
		{"files", checks.Files, func(c *Check) {
			if scan(c) {
				v.checkFiles(c, t, tree)
			}
		}},
		{"log", checks.Log, func(c *Check) {
			if scan(c) {
				v.checkLog(ctx, c, t, tree)
			}
		}},
		{"run", checks.Run, func(c *Check) { v.checkRun(ctx, c, t) }},
		{"smoke", checks.Smoke, func(c *Check) { v.checkSmoke(ctx, c, t) }},
		{"std", checks.Std, func(c *Check) {
			if scan(c) {
				v.checkStd(ctx, c, t, tree)
			}
		}},
		{"rebuild", checks.Rebuild, func(c *Check) {
			if scan(c) {
				v.checkRebuild(ctx, c, t, tree)
			}
		}},
	}
	for _, step := range steps {
		if !step.asked {
			continue
		}
		if v.Begin != nil {
			v.Begin(t, step.id)
		}
		if err := add(step.id, step.check); err != nil {
			return r, err
		}
	}
	return r, nil
}
