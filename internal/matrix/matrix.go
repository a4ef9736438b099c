// Package matrix runs one command under several releases, side by side, and
// keeps what each printed.
package matrix

import (
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// Case is the command under one release.
type Case struct {
	Version string
	Program string
	Args    []string // after the program
	Env     []string
}

// Result is what came of a case.
type Result struct {
	Version string  `json:"version"`
	OK      bool    `json:"ok"`
	Status  int     `json:"status"` // exit status; -1 if it did not start or was ended by a signal
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
	Log     string  `json:"log"`
}

// Runner is how cases are run.
type Runner struct {
	Dir   string // working directory
	Logs  string // directory for the logs: one file for each release
	Jobs  int    // cases that run side by side
	Run   func(*exec.Cmd) error
	Now   func() time.Time
	Begun func(i int) // may be nil, as Ended; called from several goroutines
	Ended func(i int, r Result)
}

// grace is how long a command has to end after it was told to.
const grace = 5 * time.Second

// All runs the cases and returns their results in order. When ctx ends, what
// runs is told to end, with everything that it started; what has not begun fails.
func (r Runner) All(ctx context.Context, cases []Case) []Result {
	results := make([]Result, len(cases))
	free := make(chan struct{}, max(1, r.Jobs))
	var group sync.WaitGroup
	for i := range cases {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			if r.Begun != nil {
				r.Begun(i)
			}
			results[i] = r.one(ctx, cases[i])
			if r.Ended != nil {
				r.Ended(i, results[i])
			}
		})
	}
	group.Wait()
	return results
}

func (r Runner) one(ctx context.Context, c Case) Result {
	result := Result{Version: c.Version, Status: -1, Log: filepath.Join(r.Logs, "go"+c.Version+".log")}
	if ctx.Err() != nil {
		result.Error = "interrupted"
		return result
	}
	log, err := os.Create(result.Log)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, c.Program, c.Args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.Dir, c.Env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // one group to end
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	began := r.Now()
	err = r.Run(cmd)
	result.Seconds = r.Now().Sub(began).Seconds()
	if ctx.Err() != nil {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what did not obey
		}
		result.Error = "interrupted"
		return result
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		result.OK, result.Status = true, 0
	case errors.As(err, &exit):
		result.Status, result.Error = exit.ExitCode(), exit.String()
	default:
		result.Error = err.Error()
	}
	return result
}

// tail is how much of a log a report shows.
const tail = 64 << 10

// Tail returns the end of a log, of whole lines.
func Tail(path string, lines int) string {
	f, err := smallfile.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	buf := make([]byte, min(tail, info.Size()))
	if _, err := f.ReadAt(buf, info.Size()-int64(len(buf))); err != nil {
		return ""
	}
	all := strings.SplitAfter(strings.TrimRight(string(buf), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}

// JUnit returns a report in the form that CI systems read: one test case for
// each release.
func JUnit(command string, results []Result) string {
	failed, total := 0, 0.0
	var cases strings.Builder
	for _, r := range results {
		total += r.Seconds
		fmt.Fprintf(&cases, "  <testcase classname=\"%s\" name=\"go%s\" time=\"%.3f\">", text(command), text(r.Version), r.Seconds)
		if !r.OK {
			failed++
			fmt.Fprintf(&cases, "\n    <failure message=\"%s\">%s</failure>\n  ", text(r.Error), text(Tail(r.Log, 1000)))
		}
		cases.WriteString("</testcase>\n")
	}
	return fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"vmgo matrix\" tests=\"%d\" failures=\"%d\" time=\"%.3f\">\n%s</testsuite>\n",
		len(results), failed, total, cases.String())
}

// text escapes what goes into XML, and replaces what may not be in it.
func text(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}
