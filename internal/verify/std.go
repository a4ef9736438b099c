package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

// defaultStdTimeout is what the tests of the standard library get on a small
// and busy machine.
const defaultStdTimeout = 2 * time.Hour

// stdSeconds is the processor time that a package of the standard library takes,
// compiled and tested in short mode: measured with 1.27.4 on two cores, 19.5
// minutes for all.
const stdSeconds = 3.3

// checkStd is the check "std": the standard library's own tests, in their
// short form. It goes on where an earlier one was stopped.
func (v *Verifier) checkStd(ctx context.Context, c *Check, t Target, tree *Tree) {
	notes, err := v.stdNotes(t, tree)
	if err != nil {
		c.fail(err)
		return
	}
	defer notes.close()
	v.within(c, t, func(s *sandbox) (string, error) {
		all, err := s.packages(ctx)
		if err != nil {
			return "", err
		}
		left := slices.DeleteFunc(all, func(pkg string) bool { return notes.passed[pkg] })
		v.announce(len(left), len(notes.passed))
		return s.test(ctx, nil, left, notes)
	})
}

// packages lists the standard library.
func (s *sandbox) packages(ctx context.Context) ([]string, error) {
	out, _, err := s.output(ctx, nil, "list", "std")
	if err != nil {
		return nil, diag.Wrap(diag.Failure, err, s.t.Version.Toolchain()+" in "+s.t.GOROOT+" does not list its packages")
	}
	return strings.Fields(out), nil
}

// announce prints how long the tests will take.
func (v *Verifier) announce(left, before int) {
	if v.Progress == nil {
		return
	}
	seconds := stdSeconds * float64(left) / float64(max(1, v.Jobs))
	text := fmt.Sprintf("testing %d packages: about %v on an idle machine", left, (time.Duration(seconds) * time.Second).Round(time.Minute))
	if before > 0 {
		text += fmt.Sprintf(", after %d that passed before", before)
	}
	v.Progress(text)
}

// test runs the short tests of packages, and returns how they went. notes may be nil.
func (s *sandbox) test(ctx context.Context, flags, packages []string, notes *stdNotes) (string, error) {
	v, t := s.v, s.t
	limit := v.StdTimeout
	if limit <= 0 {
		limit = defaultStdTimeout
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out := &stdOutput{progress: v.Progress, total: len(packages), known: func(pkg string, tests []string) (string, bool) {
		return known(t.Version, v.Now(), pkg, tests)
	}}
	if notes != nil {
		out.ended = notes.pass
	}
	cmd := s.command(limited, nil, slices.Concat([]string{"test", "-short", "-timeout", limit.String()}, flags, packages)...)
	cmd.Stdout, cmd.Stderr = out, out
	err := v.Run(cmd)
	out.flush()
	return out.summary(), v.judge(limited, t, out, err, limit, notes)
}

// judge returns the error of tests that did not succeed; nil if they did.
func (v *Verifier) judge(limited context.Context, t Target, out *stdOutput, runErr error, limit time.Duration, notes *stdNotes) error {
	before := 0
	if notes != nil {
		before = len(notes.passed)
	}
	switch {
	case limited.Err() != nil:
		return diag.New(diag.Failure, fmt.Sprintf("the tests of the standard library took longer than %v: %s", limit, out.summary()),
			"vmgo verify --std "+t.Version.String()+"   # goes on with the packages that are left")
	case len(out.failed) > 0:
		notes.forget()
		return diag.New(diag.Failure, "tests of the standard library fail: "+out.summary()+lacking(t))
	case runErr != nil && len(out.excused) == 0:
		return diag.Wrap(diag.Failure, runErr, "the tests of the standard library could not be run: "+out.complaint())
	case out.passed+before+len(out.excused) == 0:
		return diag.New(diag.Failure, t.Version.Toolchain()+" in "+t.GOROOT+" tests no package: "+out.complaint())
	}
	notes.forget()
	return nil
}

// lacking returns a note about what a module install does not have and
// some tests need.
func lacking(t Target) string {
	if t.Store != nil {
		if r, err := t.Store.Receipt(t.Version); err == nil && r.Contents == store.ContentsModule {
			return " (it was installed without test and misc, which some of them need: vmgo install --full)"
		}
	}
	return ""
}
