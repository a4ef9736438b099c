package cmd

import (
	"io"
	"time"

	"github.com/vmgo/vmgo/internal/ui"
)

// progress is the display on stderr: lines that move, on a terminal.
func (a *app) progress() *ui.Progress {
	if a.quiet {
		return ui.NewProgress(io.Discard, nil, a.host.Now)
	}
	if !a.moving() {
		return ui.NewProgress(a.host.Stderr, nil, a.host.Now)
	}
	a.display = ui.NewProgress(a.host.Stderr, a.host.StderrSize, a.host.Now)
	a.host.OnResize(a.display.Redraw)
	return a.display
}

func (a *app) moving() bool {
	return a.host.StderrTTY && !a.quiet && a.host.Env["CI"] != "true" && a.host.Env["TERM"] != "dumb"
}

// silence is how long a command may print nothing on a terminal.
const silence = time.Second

// showing prints on a terminal what the command waits for, if the wait is
// longer than a second. end removes the line.
func (a *app) showing(what string) (end func()) {
	if !a.moving() {
		return func() {}
	}
	progress := a.progress()
	timer := time.AfterFunc(silence, func() { progress.Job("vmgo").Phase(what) })
	return func() {
		timer.Stop()
		progress.Close()
	}
}
