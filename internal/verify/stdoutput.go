package verify

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// stdOutput reads what go test prints while it runs.
type stdOutput struct {
	progress func(string)
	// known reports why a package is known to fail with these tests; may be nil.
	known func(pkg string, tests []string) (string, bool)
	// ended is called for each package that passed; may be nil.
	ended func(pkg string)
	total int // packages to be tested; 0 if that is not known

	mu      sync.Mutex
	line    bytes.Buffer
	first   string       // the first line that was no result
	tail    bytes.Buffer // the last line that was no result
	passed  int
	tested  int      // packages with a result, those without tests too
	failed  []string // packages, with tests and the first reason
	excused []string // packages that are known to fail, with the report
	tests   []string // failed tests of the package that is being told of
	reason  string   // the first line that says why
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
		if o.ended != nil {
			o.ended(fields[1])
		}
	case len(fields) >= 2 && fields[0] == "?":
		if o.ended != nil {
			o.ended(fields[1])
		}
	case len(fields) >= 2 && fields[0] == "FAIL":
		line = o.fail(fields[1], line)
	case len(fields) >= 3 && fields[0] == "---" && fields[1] == "FAIL:":
		if !strings.HasPrefix(line, " ") && !slices.Contains(o.tests, fields[2]) { // not the subtests
			o.tests = append(o.tests, fields[2])
		}
		return
	default:
		if o.first == "" {
			o.first = strings.TrimSpace(line)
		}
		o.tail.Reset()
		o.tail.WriteString(line)
		if o.reason == "" && isReason(line) {
			o.reason = strings.TrimSpace(line)
		}
		return
	}
	o.tests, o.reason = nil, ""
	o.tested++
	if o.progress == nil {
		return
	}
	if o.total > 0 {
		line = fmt.Sprintf("[%d/%d] %s", o.tested, o.total, line)
	}
	o.progress(line)
}

// isReason reports whether a line says why a test failed: "x_test.go:12: …", a
// panic, or an error of the compiler.
func isReason(line string) bool {
	return strings.HasPrefix(line, "panic: ") || regexp.MustCompile(`^\s*\S+\.go:\d+:`).MatchString(line)
}

// fail records a package that failed, and returns the line to be shown.
func (o *stdOutput) fail(pkg, line string) string {
	if o.known != nil {
		if text, ok := o.known(pkg, o.tests); ok {
			o.excused = append(o.excused, text)
			return "known failure of " + text
		}
	}
	what := slices.Clone(o.tests)
	if o.reason != "" {
		what = append(what, o.reason)
		line += ": " + strings.Join(what, ": ")
	}
	if len(what) > 0 {
		pkg += " (" + strings.Join(what, ", ") + ")"
	}
	o.failed = append(o.failed, pkg)
	return line
}

// complaint is why go ended without a failed test: the first thing that it said, and the last.
func (o *stdOutput) complaint() string {
	last := lastLine(o.tail.String())
	if o.first == "" || o.first == last {
		return last
	}
	return o.first + " … " + last
}

func (o *stdOutput) summary() string {
	text := fmt.Sprintf("%d packages passed", o.passed)
	if len(o.failed) > 0 {
		text += fmt.Sprintf(", %d failed: %s", len(o.failed), strings.Join(o.failed, "; "))
	}
	if len(o.excused) > 0 {
		text += fmt.Sprintf(", %d known to fail: %s", len(o.excused), strings.Join(o.excused, "; "))
	}
	return text
}
