package verify

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

// defaultStdTimeout is what the tests of the standard library get on a small
// machine.
const defaultStdTimeout = 30 * time.Minute

// checkStd is the check "std": the standard library's own tests, in their
// short form. Tests that fail because of the machine or the sandbox are told
// of like any other: which of them matter is for a person to say.
func (v *Verifier) checkStd(ctx context.Context, c *Check, t Target) {
	s, err := v.newSandbox(t)
	if err != nil {
		c.fail(err)
		return
	}
	limit := v.StdTimeout
	if limit <= 0 {
		limit = defaultStdTimeout
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out := &stdOutput{progress: v.Progress}
	cmd := s.command(limited, nil, "test", "-short", "-timeout", limit.String(), "std")
	cmd.Stdout, cmd.Stderr = out, out
	runErr := v.Run(cmd)
	out.flush()
	closeErr := s.close()
	switch {
	case limited.Err() != nil && ctx.Err() == nil:
		c.fail(diag.New(diag.Failure, fmt.Sprintf("the tests of the standard library took longer than %v: %s", limit, out.summary()),
			"vmgo verify --std --timeout 2h "+t.Version.String()))
	case len(out.failed) > 0:
		c.fail(diag.New(diag.Failure, "tests of the standard library fail: "+out.summary()+lacking(t)))
	case runErr != nil:
		c.fail(diag.Wrap(diag.Failure, runErr, "the tests of the standard library could not be run: "+lastLine(out.tail.String())))
	case out.passed == 0:
		c.fail(diag.New(diag.Failure, t.Version.Toolchain()+" in "+t.GOROOT+" tests no package: "+lastLine(out.tail.String())))
	case closeErr != nil:
		c.fail(closeErr)
	default:
		c.Detail = out.summary()
	}
}

// lacking reminds of what a module install does not have, which some tests
// look for.
func lacking(t Target) string {
	if t.Store != nil {
		if r, err := t.Store.Receipt(t.Version); err == nil && r.Contents == store.ContentsModule {
			return " (it was installed without test and misc, which some of them need: vmgo install --full)"
		}
	}
	return ""
}

// stdOutput reads what go test prints while it runs.
type stdOutput struct {
	progress func(string)

	mu     sync.Mutex
	line   bytes.Buffer
	tail   bytes.Buffer // the last line that was no result
	passed int
	failed []string // packages, and tests as "package: TestName"
	tests  []string // failed tests of the package that is being told of
}

// Write takes output in pieces.
func (o *stdOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range p {
		if b != '\n' {
			o.line.WriteByte(b)
			continue
		}
		o.take(o.line.String())
		o.line.Reset()
	}
	return len(p), nil
}

func (o *stdOutput) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.line.Len() > 0 {
		o.take(o.line.String())
	}
}

// take reads one line: "ok pkg 0.1s", "? pkg [no test files]",
// "--- FAIL: TestX (0.00s)", "FAIL pkg 0.1s", "FAIL pkg [build failed]".
func (o *stdOutput) take(line string) {
	fields := strings.Fields(line)
	switch {
	case len(fields) >= 2 && fields[0] == "ok":
		o.passed++
		o.tests = nil
	case len(fields) >= 2 && fields[0] == "?":
		o.tests = nil
	case len(fields) >= 2 && fields[0] == "FAIL":
		name := fields[1]
		if len(o.tests) > 0 {
			name += " (" + strings.Join(o.tests, ", ") + ")"
		}
		o.failed = append(o.failed, name)
		o.tests = nil
	case len(fields) >= 3 && fields[0] == "---" && fields[1] == "FAIL:":
		if !strings.HasPrefix(line, " ") && !slices.Contains(o.tests, fields[2]) { // not the subtests
			o.tests = append(o.tests, fields[2])
		}
		return
	default:
		o.tail.Reset()
		o.tail.WriteString(line)
		return
	}
	if o.progress != nil {
		o.progress(line)
	}
}

func (o *stdOutput) summary() string {
	text := fmt.Sprintf("%d packages passed", o.passed)
	if len(o.failed) > 0 {
		text += fmt.Sprintf(", %d failed: %s", len(o.failed), strings.Join(o.failed, "; "))
	}
	return text
}
