package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

// Size returns the size of a terminal in columns and rows; 0 where it is not
// known.
type Size func() (columns, rows int)

// Progress shows how several jobs get on: on a terminal a moving line for each
// with bytes, rate and time left; elsewhere a plain line when a job enters a
// new phase. Its methods may be called from several goroutines.
type Progress struct {
	mu    sync.Mutex
	out   io.Writer
	size  Size // nil: not a terminal
	now   func() time.Time
	drawn time.Time // when the lines were last drawn
	lines []int     // widths of the lines that the next drawing replaces
	jobs  []*Job
	ended bool // no line moves any more
}

// Job is one line of a Progress.
type Job struct {
	progress *Progress
	name     string
	phase    string
	meter    *meter // nil while there is nothing to count
	ended    bool
}

const (
	// redraw is how often moving lines are drawn at most.
	redraw = 100 * time.Millisecond
	// defaultColumns and defaultRows are those of a terminal that does not say.
	defaultColumns, defaultRows = 80, 24
)

// NewProgress starts a display on out. size is that of the terminal that out
// is; nil where out is something else.
func NewProgress(out io.Writer, size Size, now func() time.Time) *Progress {
	return &Progress{out: out, size: size, now: now}
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
	j.phase, j.meter = phase, nil
	if p.size == nil {
		fmt.Fprintf(p.out, "%s: %s\n", j.name, phase)
		return
	}
	p.draw()
}

// Count says how far the present phase is, in bytes; total is 0 or less where
// it is not known.
func (j *Job) Count(done, total int64) {
	p := j.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size == nil || j.ended {
		return
	}
	now := p.now()
	if j.meter == nil || j.meter.total != total {
		j.meter = newMeter(total)
	}
	j.meter.count(done, now)
	if now.Sub(p.drawn) >= redraw {
		p.draw()
	}
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
	p.stay(j.name + ": " + text)
}

// Print writes a line of its own, above the lines that move.
func (p *Progress) Print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stay(diag.Line(line))
}

func (p *Progress) stay(line string) {
	p.erase()
	fmt.Fprintln(p.out, line)
	p.draw()
}

// Redraw draws the moving lines anew, after the terminal changed its size.
func (p *Progress) Redraw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) > 0 {
		p.draw()
	}
}

// Close takes the moving lines away, for good.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.ended = true
}

// erase goes back to where the moving lines begin and clears them. A terminal
// that was made narrower has wrapped them since: most terminals do. The ^C that a
// terminal shows has moved the cursor to the right.
func (p *Progress) erase() {
	if len(p.lines) == 0 {
		return
	}
	columns, _ := p.screen()
	up := 0
	for _, width := range p.lines {
		up += max(1, (width+columns-1)/columns)
	}
	fmt.Fprintf(p.out, "\r\x1b[%dA\x1b[J", up)
	p.lines = nil
}

func (p *Progress) screen() (columns, rows int) {
	columns, rows = p.size()
	if columns <= 0 {
		columns = defaultColumns
	}
	if rows <= 0 {
		rows = defaultRows
	}
	return columns, rows
}

// draw writes a line for each job that runs: as wide as the terminal at most,
// and no more of them than can be erased again.
func (p *Progress) draw() {
	if p.size == nil || p.ended {
		return
	}
	p.erase()
	p.drawn = p.now()
	columns, rows := p.screen()
	var text strings.Builder
	for _, job := range p.jobs {
		if job.ended || job.phase == "" || len(p.lines) >= rows-1 {
			continue
		}
		line := job.line(columns - 1)
		text.WriteString(line + "\n")
		p.lines = append(p.lines, Width(line))
	}
	_, _ = io.WriteString(p.out, text.String())
}

// line is what the job shows in so many columns.
func (j *Job) line(columns int) string {
	head := diag.Line(j.name + ": " + j.phase)
	if j.meter != nil {
		head += j.meter.text(columns - Width(head))
	}
	return Cut(head, columns)
}
