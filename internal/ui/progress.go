package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/vmgo/vmgo/internal/diag"
)

// Progress shows how several jobs get on: on a terminal a moving line for each
// with bytes, rate and time left; elsewhere a plain line when a job enters a
// new phase. Its methods may be called from several goroutines.
type Progress struct {
	mu     sync.Mutex
	out    io.Writer
	moving bool
	now    func() time.Time
	drawn  time.Time // when the lines were last drawn
	lines  int       // lines on the terminal that the next drawing replaces
	jobs   []*Job
}

// Job is one line of a Progress.
type Job struct {
	progress *Progress
	name     string
	phase    string
	bar      *progressbar.ProgressBar // nil while there is nothing to count
	total    int64
	ended    bool
}

// redraw is how often moving lines are drawn at most.
const redraw = 100 * time.Millisecond

// NewProgress starts a display on out; moving says that out is a terminal.
func NewProgress(out io.Writer, moving bool, now func() time.Time) *Progress {
	return &Progress{out: out, moving: moving, now: now}
}

// Job adds a line for something that is named so.
func (p *Progress) Job(name string) *Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	job := &Job{progress: p, name: name}
	p.jobs = append(p.jobs, job)
	return job
}

// Phase says what the job does now, and that it counts no bytes yet.
func (j *Job) Phase(phase string) {
	p := j.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.phase == phase || j.ended {
		return
	}
	j.phase, j.bar = phase, nil
	if !p.moving {
		fmt.Fprintf(p.out, "%s: %s\n", j.name, phase)
		return
	}
	p.draw(true)
}

// Count says how far the present phase is, in bytes; total is 0 or less where
// it is not known.
func (j *Job) Count(done, total int64) {
	p := j.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.moving || j.ended {
		return
	}
	if j.bar == nil || j.total != total {
		j.total, j.bar = total, newBar(total)
	}
	_ = j.bar.Set64(done)
	p.draw(false)
}

// newBar makes a bar that draws nothing by itself: its text is fetched.
func newBar(total int64) *progressbar.ProgressBar {
	if total <= 0 {
		total = -1
	}
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(io.Discard),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetWidth(20),
		progressbar.OptionUseANSICodes(false),
	)
}

// End finishes the job with a last line, which stays.
func (j *Job) End(text string) {
	p := j.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.ended {
		return
	}
	j.ended = true
	p.erase()
	fmt.Fprintf(p.out, "%s: %s\n", j.name, text)
	p.draw(true)
}

// Print writes a line of its own, above the lines that move.
func (p *Progress) Print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintln(p.out, diag.Line(line))
	p.draw(true)
}

// Close takes the moving lines away.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// erase goes back to where the moving lines begin and clears them.
func (p *Progress) erase() {
	if p.lines > 0 {
		fmt.Fprintf(p.out, "\x1b[%dA\x1b[J", p.lines)
		p.lines = 0
	}
}

// draw writes a line for each job that runs; not too often unless forced.
func (p *Progress) draw(force bool) {
	if !p.moving || !force && p.now().Sub(p.drawn) < redraw {
		return
	}
	p.drawn = p.now()
	var text strings.Builder
	lines := 0
	for _, job := range p.jobs {
		if job.ended || job.phase == "" {
			continue
		}
		line := job.name + ": " + job.phase
		if job.bar != nil {
			line += " " + strings.TrimSpace(strings.TrimPrefix(job.bar.String(), "\r"))
		}
		text.WriteString(line + "\n")
		lines++
	}
	p.erase()
	_, _ = io.WriteString(p.out, text.String())
	p.lines = lines
}
